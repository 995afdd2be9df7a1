"""Which backbone learns fastest from few rated photos: one short fine-tuning of each, everything else equal.

    python benchmarks/backbones.py --labels LABELS --photos PHOTOS --weights WEIGHTS [--count 3200] [--json FILE]

Each is cut to a 1x1 vote on 14x14 regions and log-sum-exp (no context, no graph), trained for one epoch on the
same `count` photos of PARA at 224x224 as the recipe `para` trains, and examined on the 1,500 held-out photos.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
import warnings
from dataclasses import replace
from pathlib import Path

import lightning
import torch

from rgnet.architecture import Architecture
from rgnet.datasets import para
from rgnet.model import build
from rgnet.preprocess import Preprocess
from rgnet.training.data import batches
from rgnet.training.recipes import Recipe, recipe
from rgnet.training.run import dataset_of, revive_on
from rgnet.training.task import AestheticsTask

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
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

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
        )
        figures[backbone] = trial(settings, rated, chosen.weights / f"{file}.safetensors", chosen.cache)
        print(backbone, figures[backbone], flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=2) + "\n")


def trial(settings: Recipe, rated, weights: Path, cache: Path) -> dict[str, float]:
    """Held-out SRCC and PLCC after the epoch, and milliseconds a training photo."""
    lightning.seed_everything(settings.seed, verbose=False)
    learn, choose = (
        dataset_of(rated, part, settings, cache, lambda items, **_: items)
        for part in (rated.train, rated.held_out)
    )
    network = build(settings.architecture, pretrained=weights).to(memory_format=torch.channels_last)
    torch.nn.init.zeros_(network.head.vote.weight)
    task = AestheticsTask(network, settings, cut=0.5)
    if settings.norms == "revive":
        revive_on(task, learn)
    trainer = lightning.Trainer(
        max_epochs=1,
        precision=settings.precision,
        gradient_clip_val=settings.clip,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    start = time.perf_counter()
    trainer.fit(task, batches(learn, settings.batch_size, shuffle=True))
    spent = (time.perf_counter() - start) / len(learn)
    (found,) = trainer.validate(task, batches(choose, 100, shuffle=False), verbose=False)
    return {
        "srcc": round(found["held_out/srcc"], 4),
        "plcc": round(found["held_out/plcc"], 4),
        "ms_per_photo": round(spent * 1e3, 1),
    }


if __name__ == "__main__":
    main()
