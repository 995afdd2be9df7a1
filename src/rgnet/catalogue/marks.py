"""A person's marks: a pick or a rejection, stars and a colour. They are kept apart from what models say of a photo.

A mark belongs to a photo, that is to its content, so that it survives other models, other scans, and a file that was
moved. Where a file was changed and its capture time and camera are still the same, as after a change of its metadata,
the scan hands its mark on to the new content.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TypedDict, get_args

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.errors import decoding
from rgnet.catalogue.values import optional, required
from rgnet.errors import CatalogueError, SettingError, near

Pick = Literal["picked", "rejected"]
Colour = Literal["red", "yellow", "green", "blue", "purple"]
PickState = Literal["picked", "rejected", "unmarked"]

PICKS: tuple[Pick, ...] = get_args(Pick)
COLOURS: tuple[Colour, ...] = get_args(Colour)
_MOST_STEPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """stars: 1 to 5. None: not given."""

    pick: Pick | None = None
    stars: int | None = None
    colour: Colour | None = None

    @property
    def rating(self) -> int | None:
        """As xmp:Rating has it: -1 where the photo was rejected."""
        return -1 if self.pick == "rejected" else self.stars

    def to_dict(self) -> dict[str, str | int | None]:
        return asdict(self)


NO_MARK = Mark()


class MarkChange(TypedDict, total=False):
    """What is to change of a mark; None takes it away, and what is not named stays."""

    pick: Pick | None
    stars: int | None
    colour: Colour | None


def read_mark(row: sqlite3.Row) -> Mark:
    """The mark in a row of `selects.COLUMNS`. Raises TypeError or ValueError where it is none."""
    found = {name: optional(row, name, str) for name in ("pick", "colour")}
    values = {**found, "stars": optional(row, "stars", int)}
    _check(values)
    return Mark(**values)  # type: ignore[arg-type]


def change_marks(catalogue: Catalogue, photos: Sequence[int], change: MarkChange) -> dict[int, Mark]:
    """Change the marks of photos by their ids, as one step that can be undone; the marks of all of them afterwards.

    Raises SettingError for a value that no mark has, CatalogueError for a photo that is not in the catalogue.
    """
    try:
        _check(change)
    except ValueError as problem:
        raise SettingError(str(problem)) from None
    with catalogue.transaction():
        before = {photo: _read_photo_mark(catalogue, photo) for photo in photos}
        after = {photo: Mark(**(mark.to_dict() | change)) for photo, mark in before.items()}  # type: ignore[arg-type]
        changed = [photo for photo in before if before[photo] != after[photo]]
        if changed:
            step = catalogue.count("SELECT coalesce(max(step), 0) + 1 FROM mark_history")
            _remember(catalogue, step, {photo: before[photo] for photo in changed})
            _write(catalogue, {photo: after[photo] for photo in changed})
    return after


def undo_marks(catalogue: Catalogue) -> dict[int, Mark]:
    """Take back the last change of marks; the marks that its photos have again, none where there is nothing to undo."""
    query = "SELECT * FROM mark_history WHERE step = (SELECT max(step) FROM mark_history) ORDER BY photo"
    with catalogue.transaction():
        rows = list(catalogue.rows(query))
        with decoding(catalogue.file):
            marks = {required(row, "photo", int): read_mark(row) for row in rows}
        _write(catalogue, marks)
        if rows:
            catalogue.execute("DELETE FROM mark_history WHERE step = ?", (rows[0]["step"],))
    return marks


def _check(values: Mapping[str, object]) -> None:
    """Raises ValueError."""
    if (stars := values.get("stars")) is not None and stars not in range(1, 6):
        raise ValueError(f"stars: expected 1 to 5, or none, found {stars!r}")
    known: dict[str, tuple[str, ...]] = {"pick": PICKS, "colour": COLOURS}
    for name, words in known.items():
        if (value := values.get(name)) is not None and value not in words:
            raise ValueError(f"unknown {name} {value!r}: {near(str(value), words)}")


def _read_photo_mark(catalogue: Catalogue, photo: int) -> Mark:
    query = "SELECT pick, stars, colour FROM photo LEFT JOIN mark ON mark.photo = photo.id WHERE photo.id = ?"
    row = catalogue.first(query, (photo,))
    if row is None:
        raise CatalogueError(f"{catalogue.file} has no photo {photo}: scan its folder again")
    with decoding(catalogue.file):
        return read_mark(row)


def _remember(catalogue: Catalogue, step: int, marks: Mapping[int, Mark]) -> None:
    rows = [(step, photo, mark.pick, mark.stars, mark.colour) for photo, mark in marks.items()]
    catalogue.execute_many("INSERT INTO mark_history VALUES (?, ?, ?, ?, ?)", rows)
    catalogue.execute("DELETE FROM mark_history WHERE step <= ?", (step - _MOST_STEPS,))


def _write(catalogue: Catalogue, marks: Mapping[int, Mark]) -> None:
    given = [(photo, *asdict(mark).values()) for photo, mark in marks.items() if mark != NO_MARK]
    taken = [(photo,) for photo, mark in marks.items() if mark == NO_MARK]
    catalogue.execute_many(
        "INSERT OR REPLACE INTO mark (photo, pick, stars, colour) VALUES (?, ?, ?, ?)", given
    )
    catalogue.execute_many("DELETE FROM mark WHERE photo = ?", taken)
