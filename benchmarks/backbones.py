"""Which backbone learns most from few rated photos: one short fine-tuning of each, everything else equal.

    python benchmarks/backbones.py --labels LABELS --photos PHOTOS --weights WEIGHTS [--count 3200] [--json FILE]

Each is cut to a 1x1 vote on 14x14 regions and log-sum-exp (no context, no graph), trained for one epoch on the
same `count` photos of PARA at 224x224 as the recipe `para` trains, and evaluated on the 1,500 validation photos.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from measure import write_figures

from rgnet.architecture import Architecture
from rgnet.datasets import para
from rgnet.imaging.preprocess import Preprocess
from rgnet.training.fit import fit
from rgnet.training.recipes import Recipe, recipe
from rgnet.training.start import new_network
from rgnet.training.train import make_dataset

HALF = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
CANDIDATES = {
    "mobilenet_v1": ("nima_mobilenet_v1", HALF, "revive"),
    "mobilenet_edgetpu": ("mobilenet_edgetpu", HALF, "keep"),
    "mobilenet_v2": ("mobilenet_v2_features", {}, "revive"),
    "resnet18": ("resnet18", {}, "keep"),
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name in ("labels", "photos", "weights"):
        options.add_argument(f"--{name}", type=Path, required=True)
    options.add_argument("--cache", type=Path, default=Path("cache"), help="folder for the decoded photos")
    options.add_argument("--count", type=int, default=3200)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--json", type=Path)
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)

    rated = para.load(chosen.labels, chosen.photos)
    rated = replace(rated, train=rated.train[:: len(rated.train) // chosen.count][: chosen.count])
    figures = {}
    for backbone, (file, statistics, norms) in CANDIDATES.items():
        settings = replace(
            recipe("para"),
            architecture=Architecture(
                backbone=backbone, output_stride=16, rates=(), graph_layers=0, head="score"
            ),
            preprocess=Preprocess(size=224, **statistics),
            sizes=((1, 224),),
            norms=norms,
            norm_photos=0,
        )
        figures[backbone] = trial(settings, rated, chosen.weights / f"{file}.safetensors", chosen.cache)
        print(backbone, figures[backbone], flush=True)
    write_figures(chosen.json, figures)


def trial(settings: Recipe, rated, weights: Path, cache: Path) -> dict[str, float]:
    """Held-out SRCC and PLCC after the epoch, and milliseconds a training photo."""
    learn, choose = (
        make_dataset(rated, part, settings, cache, lambda items, **_: items)
        for part in (rated.train, rated.held_out)
    )
    with tempfile.TemporaryDirectory() as folder:
        network = new_network(settings, weights)
        fitted = fit(
            settings,
            network,
            train_photos=learn,
            validation_photos=choose,
            folder=Path(folder),
            say=lambda line: None,
        )
    return {
        "srcc": round(fitted.figures["srcc"], 4),
        "plcc": round(fitted.figures["plcc"], 4),
        "ms_per_photo": round(1e3 / fitted.rate, 1),
    }


if __name__ == "__main__":
    main()
