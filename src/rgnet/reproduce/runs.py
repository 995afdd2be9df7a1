"""Many training runs one after the other, each stored in a file: an experiment continues where it stopped."""

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
from rgnet.datasets.readers import Track
from rgnet.datasets.records import RatedPhoto, RatedPhotos, list_hash
from rgnet.errors import SettingError
from rgnet.evaluation.metrics import accuracy, average_precision, plcc, srcc
from rgnet.model import RGNet
from rgnet.reproduce.experiments import Variant
from rgnet.reproduce.features import HeadModule, features_of, fix_backbone
from rgnet.training.card import Provenance, make_card, write_network
from rgnet.training.checkpoints import LAST
from rgnet.training.data import PixelDataset, load_in_order, take_evenly
from rgnet.training.fit import fit
from rgnet.training.losses import score_of
from rgnet.training.module import AestheticsModule, NonFiniteLoss
from rgnet.training.recipes import Recipe
from rgnet.training.start import new_network
from rgnet.training.train import make_dataset
from rgnet.weights.file import SUFFIX

_FORMAT = 1
# In [0, 1]: where all scores lie within this, their order is that of rounding errors
_FLAT = 1e-4
# Photos of the validation between epochs, which decides nothing here
_VALIDATED = 100
# Photos scored at once; on a CPU 100 of 224 pixels take a quarter longer than 8, whose maps stay in the cache
_AT_ONCE = {"cuda": 100, "cpu": 8}
METRICS = ("accuracy", "average_precision", "srcc", "plcc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One trained network and its evaluation.

    key:     hash of all that decides it: recipe with seed, backbone weights, training list, evaluation list
    figures: see METRICS; {} where the run has a `problem`: a loss that was not a number, or one score for all photos
    scores:  of the evaluated photos in [0, 1], in the order of their keys
    """

    key: str
    seed: int
    figures: dict[str, float]
    problem: str = ""
    seconds: float = 0.0
    machine: str = ""
    scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Workspace:
    """What the runs of an experiment share.

    rated:   trained on its training photos, evaluated on `split` ("held_out" or "test")
    weights: of backbones by name; True for downloaded ones, False for none. `default_weights` is for the others
    track:   progress of decoding, see `cached_pixels`
    fixed_backbone: only what follows the backbone learns, from features that are computed once
    models:  folder that receives every network as a model file, named by its run's key; None keeps none
    command: for the cards of these files
    """

    rated: RatedPhotos
    split: str
    folder: Path
    track: Track
    weights: Mapping[str, bool | Path] = field(default_factory=dict)
    default_weights: bool | Path = True
    fixed_backbone: bool = False
    models: Path | None = None
    command: str = ""
    _datasets: dict[tuple[int, str], tuple[PixelDataset, PixelDataset]] = field(default_factory=dict)

    @property
    def evaluated_photos(self) -> tuple[RatedPhoto, ...]:
        return tuple(sorted(self.rated.splits()[self.split], key=lambda photo: photo.key))

    @property
    def threshold(self) -> float:
        """The threshold as a rating in [0, 1]."""
        return float(self.rated.unit(self.rated.threshold))

    @property
    def human_N(self) -> np.ndarray:
        return np.array([photo.mean for photo in self.evaluated_photos])

    def model(self, key: str) -> Path | None:
        """Where the network of that run is kept, if any are."""
        return None if self.models is None else self.models / f"{key}{SUFFIX}"

    def weights_of(self, recipe: Recipe) -> bool | Path:
        return self.weights.get(recipe.architecture.backbone, self.default_weights)

    def weights_identity(self, recipe: Recipe) -> bool | str:
        weights = self.weights_of(recipe)
        return _hash_file(weights) if isinstance(weights, Path) else weights

    def key(self, recipe: Recipe) -> str:
        identity = self.weights_identity(recipe)
        rated, photos = self.rated, self.evaluated_photos
        lists = [list_hash(rated.train), self.split, list_hash(photos), rated.threshold]
        parts = [_FORMAT, recipe.identity(), identity, lists, *(["fixed"] if self.fixed_backbone else [])]
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def datasets(self, recipe: Recipe) -> tuple[PixelDataset, PixelDataset]:
        """(training photos, evaluated photos): decoded once, then shared by all runs of this size."""
        resize = (recipe.preprocess.size, recipe.preprocess.kernel)
        if resize not in self._datasets:
            cache = self.folder / "pixels"
            self._datasets[resize] = (
                make_dataset(self.rated, self.rated.train, recipe, cache, self.track),
                make_dataset(self.rated, self.evaluated_photos, recipe, cache, self.track),
            )
        return self._datasets[resize]

    def features(self, network: RGNet, recipe: Recipe) -> tuple[PixelDataset, PixelDataset]:
        """`datasets` as features of the network's backbone."""
        identity, folder = self.weights_identity(recipe), self.folder / "features"
        train_photos, evaluated_photos = (
            features_of(network.backbone, photos, recipe, folder, identity=identity, track=self.track)
            for photos in self.datasets(recipe)
        )
        return train_photos, evaluated_photos


def run_all(
    variants: list[Variant], seeds: int, workspace: Workspace, *, say: Callable[[str], None]
) -> dict[str, list[Run]]:
    """`seeds` runs of every variant by its name, the first seed of all before the second of any.

    Finished ones are read from the folder; an interruption costs at most the current epoch.
    """
    runs: dict[str, list[Run]] = {variant.name: [] for variant in variants}
    jobs = [(variant, seed) for seed in range(seeds) for variant in variants]
    for number, (variant, seed) in enumerate(jobs, 1):
        recipe = replace(variant.recipe, seed=variant.recipe.seed + seed)
        if workspace.fixed_backbone:
            recipe = fix_backbone(recipe, workspace.weights_of(recipe))
        run = _load_or_run(recipe, workspace)
        runs[variant.name].append(run)
        say(f"{number:>3}/{len(jobs)}  {variant.name:<24} seed {recipe.seed}  {_describe(run)}")
    return runs


def _describe(run: Run) -> str:
    figures = "  ".join(f"{name} {value:.4f}" for name, value in run.figures.items())
    return f"{run.problem or figures}  ({run.seconds:.0f} s)"


def _load_or_run(recipe: Recipe, workspace: Workspace) -> Run:
    """The finished run of this recipe, or a new one; also where its network was to be kept and was not."""
    key = workspace.key(recipe)
    path, model = workspace.folder / "runs" / f"{key}.json", workspace.model(key)
    if (run := _read_run(path)) and (run.problem or model is None or model.exists()):
        return run
    run = _train_and_evaluate(recipe, key, workspace)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(asdict(run) | {"recipe": recipe.to_dict()}) + "\n")
    return run


def _read_run(path: Path) -> Run | None:
    """A run from its file; None where there is none or it cannot be read, so that it is run again."""
    try:
        values: dict[str, Any] = json.loads(path.read_text())
        del values["recipe"]
        return Run(**values)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _train_and_evaluate(recipe: Recipe, key: str, workspace: Workspace) -> Run:
    start, problem, scores_N = time.perf_counter(), "", np.array([])
    figures: dict[str, float] = {}
    try:
        scores_N = _train_and_score(recipe, key, workspace)
    except NonFiniteLoss as stopped:
        problem = str(stopped)
    if len(scores_N) and np.ptp(scores_N) < _FLAT:
        problem = "collapsed: one score for all photos"
    if not problem:
        figures = _compute_metrics(recipe, scores_N, workspace)
    return Run(
        key=key,
        seed=recipe.seed,
        figures=figures,
        problem=problem,
        seconds=round(time.perf_counter() - start, 2),
        machine=_describe_machine(),
        scores=tuple(scores_N.round(6).tolist()),
    )


def _train_and_score(recipe: Recipe, key: str, workspace: Workspace) -> np.ndarray:
    """Scores of the network after the last epoch: evaluated photos neither choose an epoch nor end the run.

    An interrupted run continues from its last finished epoch.
    """
    gc.collect()  # the network before this one may still fill GPU memory
    recipe = replace(recipe, patience=None)
    network = new_network(recipe, workspace.weights_of(recipe))
    backbone = network.backbone
    module = HeadModule if workspace.fixed_backbone else AestheticsModule
    if workspace.fixed_backbone:
        train_photos, evaluated_photos = workspace.features(network, recipe)
        network.backbone = torch.nn.Identity()
    else:
        train_photos, evaluated_photos = workspace.datasets(recipe)
    folder = workspace.folder / "under-way" / key
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*in the buffer")
        try:
            fit(
                recipe,
                network,
                train_photos=train_photos,
                validation_photos=take_evenly(evaluated_photos, _VALIDATED),
                folder=folder,
                module=module,
                threshold=workspace.threshold,
                resume=(folder / LAST).exists(),
                say=_discard,
            )
        except NonFiniteLoss:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if model := workspace.model(key):
            learned, network.backbone = network.backbone, backbone
            _keep_model(model, network, recipe, workspace)
            network.backbone = learned
        scores_N = _score(module(network, recipe, threshold=workspace.threshold), evaluated_photos)
    shutil.rmtree(folder)
    return scores_N


def _keep_model(model: Path, network: RGNet, recipe: Recipe, workspace: Workspace) -> None:
    provenance = Provenance(name=model.stem, command=workspace.command)
    write_network(model, network.cpu(), make_card(recipe, workspace.rated, provenance, {}))


def _discard(_line: str) -> None:
    """`run_all` prints one line per network; the lines of its epochs are not shown."""


@torch.inference_mode()
def _score(task: AestheticsModule, dataset: PixelDataset) -> np.ndarray:
    """Scores in [0, 1] in the precision of the weights."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    task.eval().to(device)
    parts = [
        score_of(task(batch.pixels_B3HW.to(device).float()), task.recipe.architecture.bins)
        for batch in load_in_order(dataset, _AT_ONCE[device.type])
    ]
    return torch.cat(parts).double().cpu().numpy()


def _compute_metrics(recipe: Recipe, scores_N: np.ndarray, workspace: Workspace) -> dict[str, float]:
    """A classifier calls a photo high where that class wins; a regressor where its rating reaches the threshold."""
    human_N = workspace.human_N
    high_N = human_N >= workspace.rated.threshold
    threshold = 0.5 if recipe.architecture.head == "classes" else workspace.threshold
    return {
        "accuracy": accuracy(scores_N >= threshold, high_N),
        "average_precision": average_precision(scores_N, high_N),
        "srcc": srcc(scores_N, human_N),
        "plcc": plcc(scores_N, human_N),
    }


@lru_cache
def _hash_file(path: Path) -> str:
    if not path.is_file():
        raise SettingError(f"there is no weights file {path}: give a .safetensors file of the plain backbone")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _describe_machine() -> str:
    """For the report."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores"
    return f"{device}, {platform.machine()}, torch {torch.__version__}"
