"""Models by name: those that come with rgnet, and the user's own."""

from __future__ import annotations

from pathlib import Path

from rgnet.errors import ModelNotFound, near
from rgnet.paths import model_folders
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


def find_by_hash(short_hash: str) -> Path | None:
    """The file of the model with this hash among those available; None where there is none."""
    for path in available_models().values():
        if read_card(path).short_hash == short_hash:
            return path
    return None


def find_model(model: str | Path | None = None) -> Path:
    """The file of a model: None is the default, a name is looked up, anything else is a path."""
    if model is None:
        model = DEFAULT
    if Path(model).suffix == SUFFIX or Path(model).is_file():
        return Path(model)
    known = available_models()
    if str(model) not in known:
        raise ModelNotFound(
            f"there is no model {str(model)!r}: {near(str(model), known)}; or give a path to a file"
        )
    return known[str(model)]
