"""Models by name: those that come with rgnet, and the user's own."""

from __future__ import annotations

import os
from pathlib import Path

from rgnet.errors import ModelFileError, ModelNotFound, near
from rgnet.paths import model_folders
from rgnet.weights.card import ModelCard
from rgnet.weights.file import SUFFIX, read_card

DEFAULT = "rgnet-compact"
SHIPPED = Path(__file__).parent


def available_models() -> dict[str, Path]:
    """Names and files of the shipped models and of the user's own; the user's win."""
    found: dict[str, Path] = {}
    for folder in (SHIPPED, *model_folders()):
        if folder.is_dir():
            found |= {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}
    return found


def read_cards() -> list[tuple[Path, ModelCard | ModelFileError]]:
    """The files and cards of all available models, or why one has none that can be read."""
    return [(path, _attempt_card(path)) for path in available_models().values()]


def _attempt_card(path: Path) -> ModelCard | ModelFileError:
    try:
        return read_card(path)
    except ModelFileError as problem:
        return problem


def find_by_hash(short_hash: str) -> Path | None:
    """The file of the model with this hash among those available; None where there is none."""
    for path, card in read_cards():
        if not isinstance(card, ModelFileError) and card.short_hash == short_hash:
            return path
    return None


def find_model(model: str | Path | None = None) -> Path:
    """The file of a model: None is the default, a name is looked up, anything else is a path."""
    if model is None:
        model = DEFAULT
    if Path(model).suffix == SUFFIX or os.path.isfile(model):  # noqa: PTH113 - takes any text
        return Path(model)
    known = available_models()
    if str(model) not in known:
        raise ModelNotFound(
            f"there is no model {str(model)!r}: {near(str(model), known)}; or give a path to a file"
        )
    return known[str(model)]
