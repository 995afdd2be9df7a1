"""Checkpoints: the best epoch's and the last one's, each written atomically, and refused by other runs."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import torch
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor

from rgnet.atomic import write_bytes
from rgnet.errors import DataError, OutputError, SettingError
from rgnet.training.recipes import Recipe

if TYPE_CHECKING:
    from rgnet.training.distill import Lesson

BEST, LAST, JUDGE = "best.ckpt", "last.ckpt", "held_out/srcc"

# May differ between a checkpoint and the run that goes on from it: how a step is computed, not what it is
FREE = ("accumulate",)


class WholeFiles(TorchCheckpointIO):
    """A checkpoint replaces the old one only when it is complete: a full disk leaves the old one as it was."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        memory = io.BytesIO()
        torch.save(checkpoint, memory)
        write_bytes(Path(path), memory.getbuffer())


class Keep(Checkpoint):
    """Keeps the last epoch's checkpoint, and the best epoch's by SRCC on the held-out photos.

    score: of the best epoch so far; part of the checkpoint, so that a resumed run knows it
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.score: float | None = None
        self.figures: dict[str, float] = {}

    def on_train_epoch_end(self, trainer: lightning.Trainer, _task: lightning.LightningModule) -> None:
        score = float(trainer.callback_metrics[JUDGE])
        if self.score is None or score > self.score:
            self.score = score
            self.figures = {
                name.partition("/")[2]: float(value)
                for name, value in trainer.callback_metrics.items()
                if name.startswith("held_out/")
            }
            trainer.save_checkpoint(self.folder / BEST, weights_only=True)
        trainer.save_checkpoint(self.folder / LAST)

    def state_dict(self) -> dict[str, Any]:
        return {"score": self.score, "figures": self.figures}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.score, self.figures = state["score"], state["figures"]


class Patience(EarlyStopping):
    """Stops after `epochs` without a better SRCC; a run that had stopped so stays stopped when it is resumed."""

    def __init__(self, epochs: int) -> None:
        super().__init__(JUDGE, patience=epochs, mode="max", check_finite=False)

    def on_train_start(self, trainer: lightning.Trainer, _task: lightning.LightningModule) -> None:
        trainer.should_stop = trainer.should_stop or self.wait_count >= self.patience


def start_folder(folder: Path, *, resume: bool) -> None:
    """Make the folder; refuse to write over another run's checkpoints."""
    if not resume and (folder / LAST).exists():
        raise OutputError(
            f"{folder} already holds a run: go on with it by  --resume, or give another folder with --output"
        )
    folder.mkdir(parents=True, exist_ok=True)


def to_resume(folder: Path, recipe: Recipe | Lesson, photos: str) -> Path:
    """The last checkpoint of `folder`, if it is of this recipe or lesson and of these photos.

    Raises DataError where there is none, or it is damaged or of other photos; SettingError for another recipe.
    """
    path = folder / LAST
    if not path.is_file():
        raise DataError(f"there is nothing to resume: {path} is missing; leave out --resume to start")
    found = loaded(path).get("rgnet")
    if found is None:
        raise DataError(f"{path} is not a checkpoint of rgnet's: give its folder with --output")
    if different := list(differences(found["recipe"], recipe.to_dict())):
        raise SettingError(
            f"{path} is of another run: {'; '.join(different)}. Give the settings it was started with, "
            "or another folder"
        )
    if found["list"] != photos:
        raise DataError(f"{path} has learned from other photos: give the data it was started with")
    return path


def differences(there: dict[str, Any], here: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Settings that are not the same, in words."""
    for name in sorted(there.keys() | here.keys()):
        one, other = plain(there.get(name)), plain(here.get(name))
        if isinstance(one, dict) and isinstance(other, dict):
            yield from differences(one, other, f"{prefix}{name}.")
        elif one != other and name not in FREE:
            yield f"{prefix}{name} is {one} there and {other} here"


def plain(value: Any) -> Any:
    """Lists in place of tuples, as JSON would have them."""
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def loaded(path: Path) -> dict[str, Any]:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, KeyError, ValueError) as problem:
        raise DataError(
            f"{path} is damaged and cannot be read ({type(problem).__name__}): "
            "put back a copy of it, or start again in another folder"
        ) from problem


def best_weights(folder: Path) -> dict[str, Tensor]:
    """The network's tensors of the best epoch."""
    prefix = "network."
    state = loaded(folder / BEST)["state_dict"]
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
