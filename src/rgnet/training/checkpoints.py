"""Checkpoints: written atomically, and refused by a run that they do not belong to."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor

from rgnet.atomic import write_bytes
from rgnet.errors import DataError, OutputError, SettingError

BEST, LAST = "best.ckpt", "last.ckpt"
SELECTION_METRIC = "held_out/srcc"

# May differ between a checkpoint and the run that resumes from it: how a step is computed, not what it is
_MAY_DIFFER = ("accumulate",)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes checkpoints so that a full disk or a crash leaves the previous one as it was."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        memory = io.BytesIO()
        torch.save(checkpoint, memory)
        write_bytes(Path(path), memory.getbuffer())


def prepare_folder(folder: Path, *, resume: bool) -> None:
    """Make the folder; refuse to overwrite another run's checkpoints."""
    if not resume and (folder / LAST).exists():
        raise OutputError(
            f"{folder} already holds a run: continue it with  --resume, or give another folder with --output"
        )
    folder.mkdir(parents=True, exist_ok=True)


def find_checkpoint(
    folder: Path, settings: Mapping[str, Any], photos: str, *, defaults: Mapping[str, Any] | None = None
) -> Path:
    """The last checkpoint of `folder`, if it was written with these settings and these photos.

    photos:   the fingerprint of the training photos, see `PixelDataset.fingerprint`
    defaults: what settings mean that a checkpoint of an earlier version does not hold
    Raises DataError where there is none, or it is damaged or of other photos; SettingError for other settings.
    """
    path = folder / LAST
    if not path.is_file():
        raise DataError(f"there is nothing to resume: {path} is missing; leave out --resume to start")
    found = load_checkpoint(path).get("rgnet")
    if found is None:
        raise DataError(f"{path} is not a checkpoint of rgnet's: give its folder with --output")
    if different := list(_differences(_fill(found["recipe"], defaults or {}), settings)):
        raise SettingError(
            f"{path} is of another run: {'; '.join(different)}. Give the settings it was started with, "
            "or another folder"
        )
    if found["list"] != photos:
        raise DataError(f"{path} was trained on other photos: give the data it was started with")
    return path


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Raises DataError where the file is damaged."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, KeyError, ValueError) as problem:
        raise DataError(
            f"{path} is damaged and cannot be read ({type(problem).__name__}): "
            "restore a copy of it, or start again in another folder"
        ) from problem


def load_best_weights(folder: Path) -> dict[str, Tensor]:
    """The network's tensors of the best epoch."""
    return network_weights(load_checkpoint(folder / BEST))


def network_weights(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    prefix, state = "network.", checkpoint["state_dict"]
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def _differences(saved: Mapping[str, Any], current: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Settings that are not the same, in words."""
    for name in sorted(saved.keys() | current.keys()):
        one, other = _as_json(saved.get(name)), _as_json(current.get(name))
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differences(one, other, f"{prefix}{name}.")
        elif one != other and name not in _MAY_DIFFER:
            yield f"{prefix}{name} is {one} there and {other} here"


def _fill(saved: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """`saved`, with the default of every setting that is missing in it, also in its parts."""
    filled = {**defaults, **saved}
    parts = {name: value for name, value in saved.items() if isinstance(value, dict) and name in defaults}
    return filled | {name: _fill(value, defaults[name]) for name, value in parts.items()}


def _as_json(value: Any) -> Any:
    """Lists in place of tuples."""
    return [_as_json(item) for item in value] if isinstance(value, list | tuple) else value
