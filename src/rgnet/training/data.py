"""Batches of decoded photos and their ratings.

Every draw hangs on seed, epoch, step and process alone, so that a run that was cut off goes on as if nothing had
happened.

Shape letters: N photos · B batch · K bins of a histogram
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler, Subset

SHARE_OF_CARD = 0.5


class Batch(NamedTuple):
    """pixels_B3HW: uint8; unit_B: mean ratings in [0, 1]; histogram_BK: shares of the ratings, where known."""

    pixels_B3HW: Tensor
    unit_B: Tensor
    histogram_BK: Tensor | None = None


class PixelDataset(Dataset):
    """Photos as uint8 pixels, ratings in [0, 1]; gives whole batches, so one copy out of the memory map serves all.

    Where a graphics card has room for them, the photos lie there and no batch waits for the processor.
    """

    def __init__(
        self, pixels_NHW3: np.ndarray, unit_N: np.ndarray, histogram_NK: np.ndarray | None = None
    ) -> None:
        self.device = home_of(pixels_NHW3.nbytes)
        self.pixels_NHW3 = pixels_NHW3
        if self.device.type == "cuda":
            self.pixels_NHW3 = torch.from_numpy(np.array(pixels_NHW3)).to(self.device)
        self.unit_N, self.histogram_NK = (
            None if values is None else torch.as_tensor(values, dtype=torch.float32, device=self.device)
            for values in (unit_N, histogram_NK)
        )

    def __len__(self) -> int:
        return len(self.unit_N)

    def __getitems__(self, indices: list[int]) -> Batch:
        if self.device.type == "cuda":
            pixels_BHW3 = self.pixels_NHW3[indices]
        else:
            pixels_BHW3 = torch.from_numpy(np.stack([self.pixels_NHW3[index] for index in indices]))
        histogram_BK = None if self.histogram_NK is None else self.histogram_NK[indices]
        return Batch(pixels_BHW3.permute(0, 3, 1, 2), self.unit_N[indices], histogram_BK)

    @property
    def fingerprint(self) -> str:
        """12 hex digits that tell these photos' ratings, in this order, from others."""
        return hashlib.sha256(self.unit_N.cpu().numpy().tobytes()).hexdigest()[:12]


def home_of(size: int) -> torch.device:
    """Where `size` bytes of photos are kept: the graphics card if they take a fair share of what it has free."""
    if torch.cuda.is_available() and size < SHARE_OF_CARD * torch.cuda.mem_get_info()[0]:
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def evenly(dataset: Dataset, count: int) -> Subset:
    """At most `count` of the photos, evenly spaced."""
    return Subset(dataset, np.linspace(0, len(dataset) - 1, min(count, len(dataset))).astype(int).tolist())


def batches(dataset: Dataset, batch_size: int) -> DataLoader:
    """Every photo once, in order."""
    return DataLoader(dataset, batch_size, collate_fn=as_is)


def learning_batches(dataset: Dataset, size: int, *, rank: int, world: int, seed: int) -> DataLoader:
    """One process's share of every epoch, in an order that hangs on seed and epoch: no photo twice in an epoch.

    Together the processes' batches of one step are `size` * `world` photos, the same whatever `world` is.
    """
    order = DistributedSampler(dataset, world, rank, shuffle=True, seed=seed, drop_last=True)
    return DataLoader(dataset, size, sampler=order, drop_last=True, collate_fn=as_is)


def exam_batches(dataset: Dataset, size: int, *, rank: int, world: int) -> DataLoader:
    """One process's share of the photos: together the processes see each exactly once."""
    return batches(Subset(dataset, range(rank, len(dataset), world)), size)


def as_is(batch: Batch) -> Batch:
    return batch


def seed_step(seed: int, epoch: int, step: int, rank: int) -> None:
    """Let every draw until the next call hang on these four numbers alone."""
    torch.manual_seed(int(np.random.SeedSequence((seed, epoch, step, rank)).generate_state(1, np.uint64)[0]))


@dataclass(frozen=True, slots=True)
class Augment:
    """Random flip, and a random enlargement by `zoom` cropped back to the size it had (section 3.3).

    Drawn on the processor, so that a graphics card learns from the same crops.
    """

    flip: float
    zoom: tuple[float, float]

    def __call__(self, image_B3HW: Tensor) -> Tensor:
        count = len(image_B3HW)
        share = 1 / torch.empty(count).uniform_(*self.zoom)
        shift_B2 = (torch.rand(count, 2) * 2 - 1) * (1 - share[:, None])
        mirror = 1 - 2 * (torch.rand(count) < self.flip).float()

        frame_B23 = torch.zeros(count, 2, 3)
        frame_B23[:, 0, 0] = share * mirror
        frame_B23[:, 1, 1] = share
        frame_B23[:, :, 2] = shift_B2
        frame_B23 = frame_B23.to(image_B3HW.device)
        grid = torch.nn.functional.affine_grid(frame_B23, list(image_B3HW.shape), align_corners=False)
        return torch.nn.functional.grid_sample(
            image_B3HW, grid, mode="bilinear", padding_mode="border", align_corners=False
        )
