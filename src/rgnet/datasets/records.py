"""Rated photos and their splits, whatever data set they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import overload

import numpy as np

from rgnet.errors import SettingError

SPLITS = ("train", "held_out", "test")


@dataclass(frozen=True, slots=True)
class RatedPhoto:
    """One photo and the mean of its human ratings, on the data set's own scale.

    key:        its name in the data set, unique there
    histogram:  share of the ratings in each of the data set's `bins`, summing to 1, where they are known
    scene:      what it shows, where the data set says
    attributes: other ratings of it by their names, such as AADB's eleven
    """

    key: str
    path: Path
    mean: float
    histogram: tuple[float, ...] | None = None
    scene: str | None = None
    attributes: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class RatedPhotos:
    """A data set as one experiment uses it.

    low, high: ends of the rating scale
    people:    one sentence on who rated, for the model card
    train, held_out, test: the splits; `held_out` are the validation photos
    threshold: a mean of at least this is "high"
    bins:      the ratings that histograms count, low to high; () where there are no histograms
    licence:   of weights trained on it, short; `notice` is what their users must be told
    notes:     what a user should know about how it was read, in words
    excluded:  why photos on the data set's lists are in no split -> their keys
    """

    name: str
    low: float
    high: float
    people: str
    train: tuple[RatedPhoto, ...]
    held_out: tuple[RatedPhoto, ...]
    test: tuple[RatedPhoto, ...]
    threshold: float
    bins: tuple[float, ...] = ()
    licence: str = "as its photos' owners say"
    notice: str = ""
    notes: tuple[str, ...] = ()
    excluded: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    @overload
    def unit(self, mean: float) -> float: ...

    @overload
    def unit(self, mean: np.ndarray) -> np.ndarray: ...

    def unit(self, mean: float | np.ndarray) -> float | np.ndarray:
        """A rating as a number in [0, 1]."""
        return (mean - self.low) / (self.high - self.low)

    def splits(self) -> dict[str, tuple[RatedPhoto, ...]]:
        """{"train": ..., "held_out": ..., "test": ...}."""
        return {split: getattr(self, split) for split in SPLITS}

    def all_photos(self) -> tuple[RatedPhoto, ...]:
        return (*self.train, *self.held_out, *self.test)


def list_hash(photos: Sequence[RatedPhoto]) -> str:
    """Identifies a list of photos and their ratings: 12 hex digits, the same in any order."""
    lines = sorted(f"{photo.key} {photo.mean:.6f}\n" for photo in photos)
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:12]


def hold_out(
    photos: Sequence[RatedPhoto], count: int, *, seed: int
) -> tuple[list[RatedPhoto], list[RatedPhoto]]:
    """(rest, held out): `count` photos drawn by `seed`, independent of the order of the list."""
    ordered = sorted(photos, key=lambda photo: photo.key)
    drawn = set(np.random.default_rng(seed).permutation(len(ordered))[:count].tolist())
    rest = [photo for index, photo in enumerate(ordered) if index not in drawn]
    return rest, [ordered[index] for index in sorted(drawn)]


def draw_training_photos(rated: RatedPhotos, count: int | None, *, seed: int) -> RatedPhotos:
    """The data set with `count` training photos, drawn by `seed`; None for all."""
    if count is None:
        return rated
    if not 0 < count <= len(rated.train):
        raise SettingError(
            f"--count is 1 to {len(rated.train)}, the training photos of {rated.name}, not {count}"
        )
    _, some = hold_out(rated.train, count, seed=seed)
    return replace(rated, train=tuple(some))


def base_rate(photos: Sequence[RatedPhoto], threshold: float) -> float:
    """Share of photos that people rate high: the accuracy of always saying "high"."""
    return sum(photo.mean >= threshold for photo in photos) / len(photos)


def shorten_list(keys: Collection[str], most: int = 3) -> str:
    """The first few names: "a, b, c and 12 more"."""
    shown, more = sorted(keys)[:most], len(keys) - most
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def describe_excluded(excluded: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """A note for each reason: how many photos are excluded, why, and the first of them."""
    return tuple(
        f"{len(keys)} photos are excluded: {reason} ({shorten_list(keys)})"
        for reason, keys in excluded.items()
        if keys
    )
