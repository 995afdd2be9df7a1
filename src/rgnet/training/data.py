"""Batches of decoded photos and their ratings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset


class PixelDataset(Dataset):
    """Photos as uint8 pixels, ratings in [0, 1]; gives whole batches, so one copy out of the memory map serves all."""

    def __init__(self, pixels_NHW3: np.ndarray, unit_N: np.ndarray) -> None:
        self.pixels_NHW3 = pixels_NHW3
        self.unit_N = torch.as_tensor(unit_N, dtype=torch.float32)

    def __len__(self) -> int:
        return len(self.unit_N)

    def __getitems__(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        pixels_BHW3 = np.stack([self.pixels_NHW3[index] for index in indices])
        return torch.from_numpy(pixels_BHW3).permute(0, 3, 1, 2), self.unit_N[indices]


def batches(dataset: PixelDataset, batch_size: int, *, shuffle: bool) -> DataLoader:
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
