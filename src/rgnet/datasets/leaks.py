"""Leaks: whether a model was trained on the photos it is evaluated on, by its card and the lists of the data set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rgnet import datasets
from rgnet.datasets.readers import Track, without_progress
from rgnet.datasets.records import RatedPhoto, RatedPhotos, list_hash
from rgnet.weights.card import ModelCard

_NAMES_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """Photos of an evaluation that the model was trained on.

    known:   whether the lists on the model's card are this data set's; if not, the counts are None
    learned: number of photos that are, by name or byte for byte, among the training photos
    chosen:  number of photos that only chose the best epoch: its validation photos
    names:   the first few of the training photos among them
    """

    known: bool
    why: str
    learned: int | None = None
    chosen: int | None = None
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.learned is None:
            return f"cannot know whether the model was trained on these photos: {self.why}"
        more = ", …" if self.learned > len(self.names) else ""
        names = f" ({', '.join(self.names)}{more})" if self.names else ""
        return f"the model was trained on {self.learned} of the photos{names} and chose its epoch by {self.chosen}"


def load_as_trained(
    card: ModelCard, labels: Path, photos: Path | None, *, track: Track = without_progress
) -> RatedPhotos:
    """The data set with the validation photos that the model's own training set aside.

    Another draw of validation photos would hold some that the model was trained on. Data that the model was not
    trained on are split as `datasets.load` does by default.
    """
    recipe = card.training.get("recipe", {})
    if not recipe.keys() & {"held_out", "seed"}:
        return datasets.load(labels, photos, track=track)
    rated = datasets.load(
        labels, photos, held_out=recipe.get("held_out"), seed=recipe.get("seed", 0), track=track
    )
    foreign = rated.name != card.training.get("data")
    return datasets.load(labels, photos, track=track) if foreign else rated


def find_leaks(card: ModelCard, rated: RatedPhotos, photos: Sequence[RatedPhoto]) -> Leaks:
    """rated: as `load_as_trained` gives it for this card; photos: those of the evaluation."""
    training: dict[str, Any] = card.training
    if "list" not in training:
        return Leaks(known=False, why="the model's card names no list of training photos")
    if training["list"] == list_hash(photos):
        names = tuple(sorted(photo.key for photo in photos))
        why = "the list of the evaluation is the very list that it was trained on"
        return Leaks(known=True, why=why, learned=len(photos), chosen=0, names=names[:_NAMES_SHOWN])
    if training["list"] != (here := list_hash(rated.train)):
        return Leaks(
            known=False,
            why=f"it was trained on list {training['list']} of {training.get('data', 'other data')}, "
            f"and the training photos of {rated.name} are list {here}",
        )
    if earlier := earlier_list(training.get("start"), rated):
        return Leaks(
            known=False,
            why=f"it began with a model that was trained on list {earlier} of {rated.name}, whose training photos "
            "may be among these",
        )
    learned, chosen = _find_common(photos, rated.train), set(_find_common(photos, rated.held_out))
    return Leaks(
        known=True,
        why="its card names the training list of this data set",
        learned=len(learned),
        chosen=len(chosen.difference(learned)),
        names=tuple(learned[:_NAMES_SHOWN]),
    )


def earlier_list(training: object, rated: RatedPhotos) -> str | None:
    """The list that a model, or one that its training began with, was trained on, where it is of this data set and
    not its training photos of today, as after photos were added.

    training: of the model's card, whose file may come from anywhere
    """
    here = list_hash(rated.train)
    while isinstance(training, Mapping):
        if training.get("data") == rated.name and training.get("list", here) != here:
            return str(training["list"])
        training = training.get("start")
    return None


def _find_common(photos: Sequence[RatedPhoto], others: Sequence[RatedPhoto]) -> list[str]:
    """Keys of the photos that are among `others` by key or by content. Only files of one size are compared."""
    keys = {photo.key for photo in others}
    wanted = {_file_size(photo) for photo in photos} - {None}
    twins = [photo for photo in others if _file_size(photo) in wanted]
    sizes = {_file_size(photo) for photo in twins}
    contents = {_hash_content(photo) for photo in twins}
    return sorted(
        photo.key
        for photo in photos
        if photo.key in keys or (_file_size(photo) in sizes and _hash_content(photo) in contents)
    )


def _file_size(photo: RatedPhoto) -> int | None:
    """In bytes; None where there is no file to compare."""
    try:
        return photo.path.stat().st_size
    except OSError:
        return None


def _hash_content(photo: RatedPhoto) -> str:
    """A hash of its file; of an unreadable one its key, which no content hash equals."""
    try:
        return hashlib.sha256(photo.path.read_bytes()).hexdigest()
    except OSError:
        return photo.key
