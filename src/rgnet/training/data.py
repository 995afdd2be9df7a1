"""Batches of decoded photos and their ratings.

All randomness is determined by seed, epoch, step and rank, so that an interrupted run continues as if nothing had
happened.

Shape letters: N photos · B batch · K bins of a histogram
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler, Subset

from rgnet.training.views import in_float32

_GPU_MEMORY_SHARE = 0.5


class Batch(NamedTuple):
    """pixels_B3HW: uint8; unit_B: mean ratings in [0, 1], or what training aims at

    histogram_BK: shares of the ratings, where known
    rest: the micro-batches that follow in the same optimiser step; only on the first of several
    """

    pixels_B3HW: Tensor
    unit_B: Tensor
    histogram_BK: Tensor | None = None
    rest: tuple[Batch, ...] = ()


class PixelDataset(Dataset[Batch]):
    """Photos as uint8 pixels, ratings in [0, 1]; gives whole batches, so one copy out of the memory map serves all.

    target_N: what training aims at, the ratings unless something else is mixed in

    The photos live in GPU memory where they fit, so that no batch waits for the CPU.
    """

    def __init__(
        self, pixels_NHW3: np.ndarray, unit_N: np.ndarray | Tensor, histogram_NK: np.ndarray | None = None
    ) -> None:
        self.device = _choose_device(pixels_NHW3.nbytes)
        self.pixels_NHW3: np.ndarray | Tensor = pixels_NHW3
        if self.device.type == "cuda":
            self.pixels_NHW3 = torch.from_numpy(np.array(pixels_NHW3)).to(self.device)
        self.unit_N = torch.as_tensor(unit_N, dtype=torch.float32, device=self.device)
        self.target_N = self.unit_N
        self.histogram_NK = None
        if histogram_NK is not None:
            self.histogram_NK = torch.as_tensor(histogram_NK, dtype=torch.float32, device=self.device)

    def __len__(self) -> int:
        return len(self.unit_N)

    def __getitems__(self, indices: list[int]) -> Batch:
        if isinstance(self.pixels_NHW3, Tensor):
            pixels_BHW3 = self.pixels_NHW3[indices]
        else:
            pixels_BHW3 = torch.from_numpy(np.stack([self.pixels_NHW3[index] for index in indices]))
        histogram_BK = None if self.histogram_NK is None else self.histogram_NK[indices]
        return Batch(pixels_BHW3.permute(0, 3, 1, 2), self.target_N[indices], histogram_BK)

    @property
    def fingerprint(self) -> str:
        """12 hex digits that identify these photos' ratings in this order."""
        return fingerprint_ratings(self.unit_N.cpu().numpy())


def fingerprint_ratings(unit_N: np.ndarray) -> str:
    """See `PixelDataset.fingerprint`."""
    return hashlib.sha256(unit_N.astype(np.float32).tobytes()).hexdigest()[:12]


def _choose_device(size: int) -> torch.device:
    """Where `size` bytes of photos are kept: on the GPU if they take a fair share of its free memory."""
    if torch.cuda.is_available() and size < _GPU_MEMORY_SHARE * torch.cuda.mem_get_info()[0]:
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def take_evenly(dataset: PixelDataset, count: int) -> Subset[Batch]:
    """At most `count` of the photos, evenly spaced."""
    return Subset(dataset, np.linspace(0, len(dataset) - 1, min(count, len(dataset))).astype(int).tolist())


def load_in_order(dataset: Dataset[Batch], batch_size: int) -> DataLoader[Batch]:
    """Every photo once, in order."""
    return DataLoader(dataset, batch_size, collate_fn=_keep_batch)


class StepLoader(DataLoader[Batch]):
    """Micro-batches, the first of every `accumulate` together with the rest of its optimiser step."""

    accumulate = 1

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        parts: Iterator[Batch] = super().__iter__()
        while step := tuple(itertools.islice(parts, self.accumulate)):
            yield step[0]._replace(rest=step[1:])
            yield from step[1:]


def load_training(
    dataset: PixelDataset, size: int, *, rank: int, world: int, seed: int, accumulate: int = 1
) -> StepLoader:
    """One process's share of every epoch, in an order determined by seed and epoch: no photo twice in an epoch.

    Together the processes' batches of one step are `size` * `world` photos, the same whatever `world` is.
    """
    order: DistributedSampler[Batch] = DistributedSampler(
        dataset, world, rank, shuffle=True, seed=seed, drop_last=True
    )
    loader = StepLoader(dataset, size, sampler=order, drop_last=True, collate_fn=_keep_batch)
    loader.accumulate = accumulate
    return loader


def load_validation(
    dataset: PixelDataset | Subset[Batch], size: int, *, rank: int, world: int
) -> DataLoader[Batch]:
    """One process's share of the photos: together the processes see each exactly once."""
    return load_in_order(Subset(dataset, range(rank, len(dataset), world)), size)


def _keep_batch(batch: list[Batch]) -> Batch:
    # PixelDataset returns whole batches, which torch's annotation of collate_fn does not foresee
    assert isinstance(batch, Batch)
    return batch


def seed_step(seed: int, epoch: int, step: int, rank: int) -> None:
    """Let these four numbers alone determine every random draw until the next call."""
    torch.manual_seed(int(np.random.SeedSequence((seed, epoch, step, rank)).generate_state(1, np.uint64)[0]))


@dataclass(frozen=True, slots=True)
class Augment:
    """Random flip, and a random enlargement by `zoom` cropped back to the size it had (section 3.3).

    Drawn on the CPU, so that a GPU trains on the same crops.
    """

    flip: float
    zoom: Sequence[float]

    @in_float32
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


def resize_batch(image_B3HW: Tensor, size: int) -> Tensor:
    """Photos at another side length, for the early epochs of a recipe whose photos grow."""
    if image_B3HW.shape[-1] == size:
        return image_B3HW
    return torch.nn.functional.interpolate(
        image_B3HW, size=(size, size), mode="bilinear", antialias=True, align_corners=False
    )
