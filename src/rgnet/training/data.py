"""Batches of decoded photos and their ratings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset

SHARE_OF_CARD = 0.2


class PixelDataset(Dataset):
    """Photos as uint8 pixels, ratings in [0, 1]; gives whole batches, so one copy out of the memory map serves all.

    Where a graphics card has room for them, the photos lie there and no batch waits for the processor.
    """

    def __init__(self, pixels_NHW3: np.ndarray, unit_N: np.ndarray) -> None:
        self.device = home_of(pixels_NHW3.nbytes)
        self.pixels_NHW3 = pixels_NHW3
        if self.device.type == "cuda":
            self.pixels_NHW3 = torch.from_numpy(np.array(pixels_NHW3)).to(self.device)
        self.unit_N = torch.as_tensor(unit_N, dtype=torch.float32, device=self.device)

    def __len__(self) -> int:
        return len(self.unit_N)

    def __getitems__(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        if self.device.type == "cuda":
            pixels_BHW3 = self.pixels_NHW3[indices]
        else:
            pixels_BHW3 = torch.from_numpy(np.stack([self.pixels_NHW3[index] for index in indices]))
        return pixels_BHW3.permute(0, 3, 1, 2), self.unit_N[indices]


def home_of(size: int) -> torch.device:
    """Where `size` bytes of photos are kept: the graphics card if they take a small share of what it has free."""
    if torch.cuda.is_available() and size < SHARE_OF_CARD * torch.cuda.mem_get_info()[0]:
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def evenly(dataset: Dataset, count: int) -> Subset:
    """At most `count` of the photos, evenly spaced."""
    return Subset(dataset, np.linspace(0, len(dataset) - 1, min(count, len(dataset))).astype(int).tolist())


def batches(dataset: Dataset, batch_size: int, *, shuffle: bool) -> DataLoader:
    return DataLoader(
        dataset,
        batch_size,
        shuffle=shuffle,
        drop_last=shuffle and len(dataset) > batch_size,
        collate_fn=as_is,
    )


def as_is(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return batch


@dataclass(frozen=True, slots=True)
class Augment:
    """Random flip, and a random enlargement by `zoom` cropped back to the size it had (section 3.3)."""

    flip: float
    zoom: tuple[float, float]

    def __call__(self, image_B3HW: Tensor) -> Tensor:
        count, device = len(image_B3HW), image_B3HW.device
        share = 1 / torch.empty(count, device=device).uniform_(*self.zoom)
        shift_B2 = (torch.rand(count, 2, device=device) * 2 - 1) * (1 - share[:, None])
        mirror = 1 - 2 * (torch.rand(count, device=device) < self.flip).float()

        frame_B23 = torch.zeros(count, 2, 3, device=device)
        frame_B23[:, 0, 0] = share * mirror
        frame_B23[:, 1, 1] = share
        frame_B23[:, :, 2] = shift_B2
        grid = torch.nn.functional.affine_grid(frame_B23, list(image_B3HW.shape), align_corners=False)
        return torch.nn.functional.grid_sample(
            image_B3HW, grid, mode="bilinear", padding_mode="border", align_corners=False
        )
