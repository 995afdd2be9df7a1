"""A run of a few seconds, for the tests of this folder; as a script, one that kills itself or joins others.

python small.py FOLDER [--kill-at BATCH] [--resume]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
from pathlib import Path

import numpy as np
import torch

from rgnet.training.data import Batch, PixelDataset
from rgnet.training.fit import fit
from rgnet.training.recipes import Recipe, recipe
from rgnet.training.start import new_network
from rgnet.training.trainer import FitResult

SETTINGS = [
    "sizes=3x64", "batch_size=8", "accumulate=2", "architecture.backbone=timm:test_efficientnet",
    "architecture.squeeze=16", "architecture.rates=1,2", "architecture.maps=8", "architecture.graph_layers=1",
    "preprocess.size=64", "norm_photos=8", "patience=9", "rank_weight=0.5",
]  # fmt: skip
PARTS_PER_EPOCH = 8


class Photos(PixelDataset):
    """Noise that people like the more, the brighter it is. `seen` is told the indices of every batch."""

    def __init__(self, count: int, seed: int, seen=lambda indices: None) -> None:
        draw = np.random.default_rng(seed)
        light_N = draw.permutation(count) / count
        noise = draw.integers(0, 60, (count, 64, 64, 3)) + 190 * light_N[:, None, None, None]
        super().__init__(noise.astype(np.uint8), light_N)
        self.seen = seen

    def __getitems__(self, indices: list[int]) -> Batch:
        self.seen(indices)
        return super().__getitems__(indices)


def small(*settings: str) -> Recipe:
    return recipe("yours", [*SETTINGS, *settings])


def run(
    folder: Path, *settings: str, seen=lambda indices: None, chosen=lambda indices: None, **options
) -> FitResult:
    """Learns from 32 photos, and chooses by 9."""
    torch.set_num_threads(1)
    chosen_recipe = small(*settings)
    network = options.pop("network", None) or new_network(chosen_recipe, start=False)
    learn, choose = Photos(32, 0, seen), Photos(9, 1, chosen)
    return fit(chosen_recipe, network, train_photos=learn, validation_photos=choose, folder=folder, **options)


def at(batch: int, act):
    """A `seen` that acts when that batch of training is fetched; the photos that measure norms are not counted."""
    parts = iter(range(10**6))

    def seen(indices: list[int]) -> None:
        if len(indices) == 4 and next(parts) == batch:
            act()

    return seen


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("folder", type=Path)
    words.add_argument("--kill-at", type=int, default=10**9)
    words.add_argument("--record", action="store_true")
    chosen = words.parse_args()
    if chosen.record:
        shared_exam(chosen.folder)
    else:
        run(chosen.folder, seen=at(chosen.kill_at, lambda: os.kill(os.getpid(), signal.SIGKILL)))


def shared_exam(folder: Path) -> None:
    """Train beside other processes, and write which photos this one saw, and the figures it was told."""
    seen: dict[str, list[int]] = {"learn": [], "choose": []}
    fitted = run(
        folder,
        "norm_photos=0",
        "accumulate=1",
        "sizes=2x64",
        seen=seen["learn"].extend,
        chosen=seen["choose"].extend,
    )
    (folder / f"rank-{os.environ['RANK']}.json").write_text(json.dumps({"figures": fitted.figures} | seen))


if __name__ == "__main__":
    main()
