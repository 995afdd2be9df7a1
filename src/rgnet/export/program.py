"""torch's .pt2: an exported program that torch alone loads, without rgnet."""

from __future__ import annotations

import io
import json
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rgnet.export.graph import quiet
from rgnet.export.interface import Interface
from rgnet.model import restored
from rgnet.scorer import LOWEST_P
from rgnet.weights.file import ModelFile

# Sides of a photo, and of an image where its size is open
SMALLEST, LARGEST, BATCH = 64, 8192, 4096


class Portable(nn.Module):
    """The network between what feeds it and what makes a score of its answer."""

    mean: Tensor
    std: Tensor
    bin_K: Tensor

    def __init__(self, file: ModelFile, interface: Interface) -> None:
        super().__init__()
        preprocess = file.card.preprocess
        self.network = restored(file.card.architecture, file.tensors).eval()
        self.card, self.feed = file.card, interface.feed
        self.register_buffer("mean", torch.tensor(preprocess.byte_mean).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(preprocess.byte_std).view(3, 1, 1))
        self.register_buffer("bin_K", torch.tensor(self.card.architecture.bins))

    def forward(self, fed: Tensor) -> dict[str, Tensor]:
        votes = self.network(fed if self.feed == "normalised" else self.image(fed))
        vote_BHWC = votes.vote_BNC.unflatten(1, votes.grid)
        return {"score": self.score(votes.image_BC), "image_BC": votes.image_BC, "vote_BHWC": vote_BHWC}

    def image(self, pixels_BHW3: Tensor) -> Tensor:
        image_B3HW = pixels_BHW3.permute(0, 3, 1, 2).float()
        if self.feed == "photo":
            image_B3HW = resized(image_B3HW, self.card.preprocess.size, self.card.preprocess.kernel)
        return (image_B3HW - self.mean) / self.std

    def score(self, image_BC: Tensor) -> Tensor:
        """The arithmetic of `rgnet.scorer.unit_score`, on the human scale."""
        if self.card.architecture.bins:
            return self.human(image_BC @ self.bin_K)
        if image_BC.shape[1] == 1:
            return self.human(image_BC[:, 0])
        p = (image_BC[:, 1] - image_BC[:, 0]).sigmoid()
        return self.human((p - LOWEST_P) / (1 - 2 * LOWEST_P))

    def human(self, unit: Tensor) -> Tensor:
        return self.card.scale.low + (self.card.scale.high - self.card.scale.low) * unit


def resized(image_B3HW: Tensor, side: int, kernel: str) -> Tensor:
    """As Pillow: across, then down, each rounded to whole values."""
    for size in ((image_B3HW.shape[2], side), (side, side)):
        image_B3HW = F.interpolate(image_B3HW, size=size, mode=kernel, antialias=True).round().clamp(0, 255)
    return image_B3HW


def build_program(file: ModelFile, interface: Interface) -> torch.export.ExportedProgram:
    open_sizes = {"B": (1, BATCH), "H": (SMALLEST, LARGEST), "W": (SMALLEST, LARGEST)}
    dims = {
        axis: torch.export.Dim(size, min=open_sizes[size][0], max=open_sizes[size][1])
        for axis, size in enumerate(interface.shape)
        if size in open_sizes
    }
    example = {"B": 2, "H": 224, "W": 256}
    shape = [size if isinstance(size, int) else example[size] for size in interface.shape]
    fed = torch.zeros(shape, dtype=torch.float32 if interface.feed == "normalised" else torch.uint8)
    with quiet(), torch.no_grad():
        return torch.export.export(Portable(file, interface), (fed,), dynamic_shapes={"fed": dims})


def save(program: torch.export.ExportedProgram, path: Path, interface: Interface) -> list[Path]:
    """Write the program, the card as JSON inside it under "rgnet.json"."""
    # In memory first: where a disk is full, torch ends the whole process instead of raising an error
    memory = io.BytesIO()
    with quiet():
        torch.export.save(program, memory, extra_files={"rgnet.json": json.dumps(interface.metadata())})
    path.write_bytes(memory.getbuffer())
    return [path]
