"""Models by name: those that come with rgnet, and the user's own."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from rgnet.atomic import make_writable_folder, write_bytes
from rgnet.errors import ModelFileError, ModelNotFound, SettingError, near
from rgnet.paths import model_folders
from rgnet.weights import hub
from rgnet.weights.card import ModelCard
from rgnet.weights.file import SUFFIX, read_card, read_model

DEFAULT = "rgnet-regions"
SHIPPED = ("rgnet-compact", DEFAULT)
_IN_CHECKOUT = Path(__file__).parents[3] / "packages" / "rgnet-weights" / "src" / "rgnet_weights"


def shipped_folder() -> Path | None:
    """Where the models of rgnet are: in a checkout, else in the package rgnet-weights; None without it."""
    if _IN_CHECKOUT.is_dir():
        return _IN_CHECKOUT
    package = importlib.util.find_spec("rgnet_weights")
    return Path(package.origin).parent if package and package.origin else None


def available_models() -> dict[str, Path]:
    """Names and files of the shipped models and of the user's own; the user's win."""
    found: dict[str, Path] = {}
    for folder in (shipped_folder(), *model_folders()):
        if folder and folder.is_dir():
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


def install_model(file: Path, *, replace: bool) -> Path:
    """Check a model file and copy it to the user's own models, under the name in its card.

    replace: a model of that name may be there already
    Raises the errors of ModelFileError, SettingError and OutputError.
    """
    card = read_model(file).card
    target = model_folders()[-1] / f"{card.name}{SUFFIX}"
    if target.name != Path(target.name).name or card.name.startswith("."):
        raise SettingError(f"{file}: its name {card.name!r} cannot be that of a file: rename the model")
    known = available_models().get(card.name)
    if known is not None and not replace:
        raise SettingError(f"{known} is a model of the name {card.name} already: add --force to use this one")
    make_writable_folder(target.parent)
    write_bytes(target, file.read_bytes())
    return target


def find_model(model: str | Path | None = None) -> Path:
    """The file of a model: None is the default, a name is looked up; else a file, a folder or OWNER/NAME of a hub."""
    if model is None:
        model = DEFAULT
    if Path(model).suffix == SUFFIX or os.path.isfile(model):  # noqa: PTH113 - takes any text
        return Path(model)
    known = available_models()
    if str(model) not in known and os.path.isdir(model):  # noqa: PTH112
        return hub.find_in_folder(Path(model))
    if str(model) not in known and hub.is_hub_id(str(model)):
        return hub.fetch(str(model))
    if str(model) not in known:
        raise ModelNotFound(f"there is no model {str(model)!r}: {_suggest(str(model), known)}")
    return known[str(model)]


def _suggest(model: str, known: dict[str, Path]) -> str:
    if model in SHIPPED and shipped_folder() is None:
        package = "the package rgnet-weights (34 MB, for research and learning only)"
        return f"it comes with {package}: run  pip install rgnet-weights  or give a path to a file"
    if not known:
        return "none is installed; give a path to a file"
    return f"{near(model, known)}; or give a path to a file"
