"""Whether a model has seen the photos it is examined on: what its card says against the lists of the data set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rgnet import datasets
from rgnet.datasets.readers import untracked
from rgnet.datasets.records import RatedPhoto, RatedPhotos, list_hash
from rgnet.weights.card import ModelCard

SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """Photos of the exam that the model has met.

    known:   whether the lists on the model's card are this data set's; if not, the counts are None
    learned: photos that are, by name or byte for byte, among those it learned from
    chosen:  photos it was not taught with, but picked by (the best epoch on the held-out photos)
    names:   the first few of those that it learned from
    """

    known: bool
    why: str
    learned: int | None = None
    chosen: int | None = None
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.known:
            return f"cannot know whether the model has met these photos: {self.why}"
        names = (
            f" ({', '.join(self.names)}{', …' if self.learned > len(self.names) else ''})"
            if self.names
            else ""
        )
        return (
            f"the model learned from {self.learned} of the photos{names} and chose its epoch by {self.chosen}"
        )


def rated_as_taught(card: ModelCard, labels: Path, photos: Path | None, *, track=untracked) -> RatedPhotos:
    """The data set with the photos held out that the model's own training held out.

    Another draw of held-out photos would hold some that the model learned from. Data that the model was not
    taught with are drawn as `datasets.load` does by itself.
    """
    recipe = card.training.get("recipe", {})
    draw = {name: recipe[name] for name in ("held_out", "seed") if name in recipe}
    rated = datasets.load(labels, photos, **draw, track=track)
    foreign = draw and rated.name != card.training.get("data")
    return datasets.load(labels, photos, track=track) if foreign else rated


def leaks(card: ModelCard, rated: RatedPhotos, photos: Sequence[RatedPhoto]) -> Leaks:
    """rated: as `rated_as_taught` gives it for this card; photos: of the exam."""
    taught: dict[str, Any] = card.training
    if "list" not in taught:
        return Leaks(known=False, why="the model's card names no list of training photos")
    if taught["list"] == list_hash(photos):
        names = tuple(sorted(photo.key for photo in photos))
        why = "the exam's list is the very list it learned from"
        return Leaks(known=True, why=why, learned=len(photos), chosen=0, names=names[:SHOWN])
    if taught["list"] != (here := list_hash(rated.train)):
        return Leaks(
            known=False,
            why=f"it learned from list {taught['list']} of {taught.get('data', 'other data')}, "
            f"and the training photos of {rated.name} are list {here}",
        )
    learned, chosen = met(photos, rated.train), set(met(photos, rated.held_out))
    return Leaks(
        known=True,
        why="its card names the training list of this data set",
        learned=len(learned),
        chosen=len(chosen.difference(learned)),
        names=tuple(learned[:SHOWN]),
    )


def met(photos: Sequence[RatedPhoto], others: Sequence[RatedPhoto]) -> list[str]:
    """Keys of the photos that are among `others` by key or by content. Only files of one size are compared."""
    keys = {photo.key for photo in others}
    wanted = {size_of(photo) for photo in photos} - {None}
    twins = [photo for photo in others if size_of(photo) in wanted]
    sizes = {size_of(photo) for photo in twins}
    contents = {content(photo) for photo in twins}
    return sorted(
        photo.key
        for photo in photos
        if photo.key in keys or (size_of(photo) in sizes and content(photo) in contents)
    )


def size_of(photo: RatedPhoto) -> int | None:
    """Bytes of its file; None where there is none to be compared."""
    try:
        return photo.path.stat().st_size
    except OSError:
        return None


def content(photo: RatedPhoto) -> str:
    """A hash of its file; of one that cannot be read its key, which no content is equal to."""
    try:
        return hashlib.sha256(photo.path.read_bytes()).hexdigest()
    except OSError:
        return photo.key
