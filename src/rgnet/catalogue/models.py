"""The models whose scores a catalogue holds."""

from __future__ import annotations

from dataclasses import dataclass

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.errors import decoding
from rgnet.catalogue.values import required
from rgnet.errors import CatalogueError, near


@dataclass(frozen=True, slots=True)
class ScannedBy:
    """A model that a catalogue has scores from; low and high are the ends of its scale."""

    hash: str
    name: str
    low: float
    high: float


def resolve_model(catalogue: Catalogue, asked: str | None) -> str:
    """The hash of a model by its name or hash, or of the one that scanned last. Raises CatalogueError."""
    rows = list(catalogue.rows("SELECT hash, name FROM model ORDER BY used DESC"))
    if not rows:
        raise CatalogueError(f"{catalogue.file} holds no scores yet: begin with  rgnet scan FOLDER")
    with decoding(catalogue.file):
        models = [(required(row, "hash", str), required(row, "name", str)) for row in rows]
    for hash, name in models:
        if asked in (None, hash, name):
            return hash
    raise CatalogueError(
        f"{catalogue.file} holds no scores of a model {asked!r}: {near(str(asked), [name for _, name in models])}"
    )


def find_scale(catalogue: Catalogue, model: str) -> ScannedBy:
    """Name and scale of a model by its hash. Raises CatalogueError where the catalogue has no scores from it."""
    row = catalogue.first("SELECT hash, name, low, high FROM model WHERE hash = ?", (model,))
    if row is None:
        raise CatalogueError(f"{catalogue.file} holds no scores of the model {model}: scan with it first")
    with decoding(catalogue.file):
        low, high = required(row, "low", float), required(row, "high", float)
        if not low < high:
            raise ValueError(f"a scale from {low:g} to {high:g}")
        return ScannedBy(required(row, "hash", str), required(row, "name", str), low, high)
