"""Many trainings one after the other, each remembered in a file: an experiment goes on where it stopped."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import platform
import shutil
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rgnet.atomic import write_text
from rgnet.datasets.records import RatedPhoto, RatedPhotos, hold_out, list_hash
from rgnet.errors import SettingError
from rgnet.evaluation.metrics import accuracy, average_precision, plcc, srcc
from rgnet.reproduce.experiments import Variant
from rgnet.training.checkpoints import LAST
from rgnet.training.data import PixelDataset, load_in_order
from rgnet.training.fit import fit
from rgnet.training.losses import score_of
from rgnet.training.module import AestheticsModule, NonFiniteLoss
from rgnet.training.recipes import Recipe
from rgnet.training.start import new_network
from rgnet.training.train import make_dataset

FORMAT = 1
FLAT = 1e-6
FIGURES = ("accuracy", "average_precision", "srcc", "plcc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One trained network and its exam.

    key:     hash of all that decides it: recipe with seed, backbone weights, list learned from, list examined
    figures: see FIGURES; {} where the run has a `problem`: a loss that was no number, or one score for all photos
    scores:  of the examined photos in [0, 1], in the order of their keys
    """

    key: str
    seed: int
    figures: dict[str, float]
    problem: str = ""
    seconds: float = 0.0
    machine: str = ""
    scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Workplace:
    """Everything that the runs of an experiment share.

    photos:  `train` is learned from and `examined` ("held_out" or "test") is what figures are taken on
    weights: of backbones by name; True for downloaded ones, False for none. `default` is for the others
    track:   progress of decoding, see `cached_pixels`
    """

    photos: RatedPhotos
    examined: str
    folder: Path
    track: Callable
    weights: Mapping[str, bool | Path] = field(default_factory=dict)
    default: bool | Path = True
    _pixels: dict = field(default_factory=dict)

    @property
    def exam(self) -> tuple[RatedPhoto, ...]:
        return tuple(sorted(getattr(self.photos, self.examined), key=lambda photo: photo.key))

    @property
    def cut(self) -> float:
        """The threshold as a rating in [0, 1]."""
        return float(self.photos.unit(self.photos.threshold))

    @property
    def human_N(self) -> np.ndarray:
        return np.array([photo.mean for photo in self.exam])

    def weights_of(self, recipe: Recipe) -> bool | Path:
        return self.weights.get(recipe.architecture.backbone, self.default)

    def key(self, recipe: Recipe) -> str:
        weights = self.weights_of(recipe)
        if isinstance(weights, Path):
            weights = file_hash(weights)
        lists = [list_hash(self.photos.train), self.examined, list_hash(self.exam), self.photos.threshold]
        text = json.dumps([FORMAT, recipe.to_dict(), weights, lists], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def datasets(self, recipe: Recipe) -> tuple[PixelDataset, PixelDataset]:
        """(learned from, examined): decoded once, then shared by all runs of this size."""
        resize = (recipe.preprocess.size, recipe.preprocess.kernel)
        if resize not in self._pixels:
            cache = self.folder / "pixels"
            self._pixels[resize] = tuple(
                make_dataset(self.photos, part, recipe, cache, self.track)
                for part in (self.photos.train, self.exam)
            )
        return self._pixels[resize]


def all_runs(
    variants: list[Variant], seeds: int, workplace: Workplace, *, say: Callable[[str], None]
) -> dict[str, list[Run]]:
    """`seeds` runs of every variant by its name, the first seed of all before the second of any.

    Finished ones are read from the folder; an interruption costs the run under way and nothing more.
    """
    runs: dict[str, list[Run]] = {variant.name: [] for variant in variants}
    jobs = [(variant, seed) for seed in range(seeds) for variant in variants]
    for number, (variant, seed) in enumerate(jobs, 1):
        recipe = replace(variant.recipe, seed=variant.recipe.seed + seed)
        run = remembered(recipe, workplace)
        runs[variant.name].append(run)
        say(f"{number:>3}/{len(jobs)}  {variant.name:<24} seed {recipe.seed}  {told(run)}")
    return runs


def told(run: Run) -> str:
    figures = "  ".join(f"{name} {value:.4f}" for name, value in run.figures.items())
    return f"{run.problem or figures}  ({run.seconds:.0f} s)"


def remembered(recipe: Recipe, workplace: Workplace) -> Run:
    """The finished run of this recipe, or a new one."""
    key = workplace.key(recipe)
    path = workplace.folder / "runs" / f"{key}.json"
    if run := finished(path):
        return run
    run = new_run(recipe, key, workplace)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(asdict(run) | {"recipe": recipe.to_dict()}) + "\n")
    return run


def finished(path: Path) -> Run | None:
    """A run from its file; None where there is none, or none that can be read: it is made anew."""
    try:
        values: dict[str, Any] = json.loads(path.read_text())
        del values["recipe"]
        return Run(**values)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def new_run(recipe: Recipe, key: str, workplace: Workplace) -> Run:
    start, figures, problem, scores_N = time.perf_counter(), {}, "", np.array([])
    try:
        scores_N = trained_scores(recipe, key, workplace)
    except NonFiniteLoss as stopped:
        problem = str(stopped)
    if len(scores_N) and np.ptp(scores_N) < FLAT:
        problem = "collapsed: one score for all photos"
    if not problem:
        figures = figures_of(recipe, scores_N, workplace)
    return Run(
        key=key,
        seed=recipe.seed,
        figures=figures,
        problem=problem,
        seconds=round(time.perf_counter() - start, 2),
        machine=machine(),
        scores=tuple(scores_N.round(6).tolist()),
    )


def trained_scores(recipe: Recipe, key: str, workplace: Workplace) -> np.ndarray:
    """Scores of the network as the last epoch left it: no epoch is chosen, and none ends the run, by the exam.

    A run that was cut off goes on from its last finished epoch.
    """
    gc.collect()  # the network before this one still fills the card
    learn, exam = workplace.datasets(recipe)
    recipe = replace(recipe, patience=None)
    network = new_network(recipe, workplace.weights_of(recipe))
    folder = workplace.folder / "under-way" / key
    seat = {"folder": folder, "threshold": workplace.cut, "resume": (folder / LAST).exists(), "say": unheard}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*in the buffer")
        try:
            fit(recipe, network, train_photos=learn, validation_photos=exam, **seat)
        except NonFiniteLoss:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        scores_N = scores_of(AestheticsModule(network, recipe, threshold=workplace.cut), exam)
    shutil.rmtree(folder)
    return scores_N


def unheard(_line: str) -> None:
    """A finished network is one line, said by `all_runs`; its epochs are none."""


@torch.inference_mode()
def scores_of(task: AestheticsModule, dataset: PixelDataset) -> np.ndarray:
    """Scores in [0, 1] in the precision of the weights."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    task.eval().to(device)
    parts = [
        score_of(task(batch.pixels_B3HW.to(device).float()), task.recipe.architecture.bins)
        for batch in load_in_order(dataset, 100)
    ]
    return torch.cat(parts).double().cpu().numpy()


def figures_of(recipe: Recipe, scores_N: np.ndarray, workplace: Workplace) -> dict[str, float]:
    """A classifier says "high" where that class wins; a regressor where its rating reaches the threshold."""
    human_N = workplace.human_N
    high_N = human_N >= workplace.photos.threshold
    cut = 0.5 if recipe.architecture.head == "classes" else workplace.cut
    return {
        "accuracy": accuracy(scores_N >= cut, high_N),
        "average_precision": average_precision(scores_N, high_N),
        "srcc": srcc(scores_N, human_N),
        "plcc": plcc(scores_N, human_N),
    }


def drawn(photos: RatedPhotos, count: int | None, *, seed: int) -> RatedPhotos:
    """The data set with `count` training photos, drawn by `seed`; None for all."""
    if count is None:
        return photos
    if not 0 < count <= len(photos.train):
        raise SettingError(
            f"--count is 1 to {len(photos.train)}, the training photos of {photos.name}, not {count}"
        )
    _, some = hold_out(photos.train, count, seed=seed)
    return replace(photos, train=tuple(some))


@lru_cache
def file_hash(path: Path) -> str:
    if not path.is_file():
        raise SettingError(f"there is no weights file {path}: give a .safetensors file of the plain backbone")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def machine() -> str:
    """What computes, for the report."""
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"
    return f"{card}, {platform.machine()}, torch {torch.__version__}"
