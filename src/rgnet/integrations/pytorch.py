"""Photos as a model sees them, as a dataset of PyTorch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset

from rgnet.errors import PhotoError
from rgnet.integrations.arrays import PhotoTransform


class PhotoItem(NamedTuple):
    """A photo, or a batch of them; of one that cannot be decoded every pixel is NaN and `error` says why."""

    pixels_3HW: torch.Tensor
    path: str
    error: str


class PhotoDataset(Dataset[PhotoItem]):
    """Photos in their order, for a torch.utils.data.DataLoader; none is left out or replaced by another one.

    transform: as of the default model unless given
    Where a model keeps the ratio of sides, shapes differ: use batches of one.
    """

    def __init__(
        self, paths: Sequence[str | os.PathLike[str]], transform: PhotoTransform | None = None
    ) -> None:
        self.paths = [os.fspath(path) for path in paths]
        self.transform = transform or PhotoTransform()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> PhotoItem:
        path = self.paths[index]
        try:
            return PhotoItem(torch.from_numpy(self.transform(path)), path, "")
        except PhotoError as problem:
            size = self.transform.preprocess.size
            return PhotoItem(torch.full((3, size, size), np.nan), path, problem.message)
