"""Training speed: photos per second by backbone and precision, as a ratio to a plain torch loop in the same run.

    python benchmarks/training.py [--backbones resnet18,mobilenet_v2] [--size 224] [--batch 32] [--json FILE]

Both train on the same noise with the architecture `compact` on that backbone. The plain loop has the network, the
loss and the optimiser, one batch that never changes, and nothing else: no loader, no augmentation, no checks. The
ratio is what everything around the network leaves of its pace; 1.00 would be free. The share is what `rgnet train`
itself reports: waiting for batches, of the whole time. Every figure is of the second epoch, the first warms up.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from measure import write_figures

from rgnet.model import RGNet
from rgnet.training.data import Batch, PixelDataset
from rgnet.training.fit import fit
from rgnet.training.losses import Objective
from rgnet.training.recipes import Recipe, recipe
from rgnet.training.start import new_network

BACKBONES = "resnet18,mobilenet_v2,mobilenet_v1,densenet121,resnet101"
PRECISIONS = {"32-true": torch.float32, "bf16-mixed": torch.bfloat16}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--backbones", default=BACKBONES)
    options.add_argument("--precisions", default=",".join(PRECISIONS))
    options.add_argument("--size", type=int, default=224)
    options.add_argument("--batch", type=int, default=32)
    options.add_argument("--steps", type=int, default=20, help="of each epoch")
    options.add_argument("--threads", type=int)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)

    figures = {}
    print(f"{'backbone':18} {'precision':11} {'photos/s':>9} {'plain/s':>9} {'ratio':>6} {'loader':>7}")
    for backbone in chosen.backbones.split(","):
        for precision in chosen.precisions.split(","):
            found = trial(settings(backbone, precision, chosen.size, chosen.batch), chosen.steps)
            figures[f"{backbone} {precision}"] = found
            print(
                f"{backbone:18} {precision:11} {found['rate']:9.1f} {found['plain']:9.1f} "
                f"{found['ratio']:6.2f} {100 * found['loader_share']:6.1f} %",
                flush=True,
            )
    write_figures(chosen.json, figures)


def settings(backbone: str, precision: str, size: int, batch: int) -> Recipe:
    base = recipe("yours", [f"batch_size={batch}", f"precision={precision}", f"preprocess.size={size}"])
    architecture = replace(base.architecture, backbone=backbone)
    return replace(base, architecture=architecture, sizes=((2, size),), norm_photos=0)


def trial(chosen: Recipe, steps: int) -> dict[str, float]:
    draw, size = np.random.default_rng(0), chosen.preprocess.size
    pixels = draw.integers(0, 256, (steps * chosen.batch_size, size, size, 3), dtype=np.uint8)
    learn = PixelDataset(pixels, draw.random(len(pixels)))
    choose = PixelDataset(pixels[:8], draw.random(8))
    plain = plain_rate(chosen, new_network(chosen, start=False), learn, steps)
    with tempfile.TemporaryDirectory() as folder:
        network = new_network(chosen, start=False)
        fitted = fit(
            chosen,
            network,
            train_photos=learn,
            validation_photos=choose,
            folder=Path(folder),
            say=lambda line: None,
        )
    return {
        "rate": fitted.rate,
        "plain": plain,
        "ratio": fitted.rate / plain,
        "loader_share": fitted.loader_share,
    }


def plain_rate(chosen: Recipe, network: RGNet, learn: PixelDataset, steps: int) -> float:
    """Photos a second of the bare network, loss and optimiser."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    objective, kind = Objective(chosen, 0.5), PRECISIONS[chosen.precision]
    pixels_B3HW, unit_B, _ = learn.__getitems__(list(range(chosen.batch_size)))
    image_B3HW = (pixels_B3HW.to(device).float() / 128 - 1).contiguous(memory_format=torch.channels_last)
    batch = Batch(pixels_B3HW, unit_B.to(device))

    def epoch() -> None:
        for _ in range(steps):
            with torch.autocast(device.type, kind, enabled=kind is not torch.float32):
                loss = objective(network(image_B3HW).image_BC, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    epoch()
    start = time.perf_counter()
    epoch()
    return steps * chosen.batch_size / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
