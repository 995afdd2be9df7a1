"""The outline of a listing: which photos it has, in their order, and what a page needs to lay all of them out at once.

It takes one pass over all photos that match. From then on every page of the listing is a look-up of its photos by id,
however deep it lies, where a query would pass over all photos before it.
"""

from __future__ import annotations

import base64
import os
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.errors import decoding
from rgnet.catalogue.paging import Listing
from rgnet.catalogue.queries import count_failed, find_failed, find_scored_by_id, order_scored
from rgnet.catalogue.records import PhotoRow
from rgnet.catalogue.selects import select_scored
from rgnet.results import Record

_MOST_SHAPE = 65_535

Run = tuple[str | None, int]


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """photos: ids of those with a score, in their order
    shapes: of the same, 1000 * width / height
    runs:   how many in a row have the same month (YYYY-MM, None without a date) or folder; of other orders none
    failed: number of photos without a score, which come last
    """

    photos: array[int] = field(repr=False)
    shapes: array[int] = field(repr=False)
    runs: list[Run] = field(repr=False)
    failed: int

    @property
    def scored(self) -> int:
        return len(self.photos)

    @property
    def total(self) -> int:
        return self.scored + self.failed

    def packed_shapes(self) -> str:
        """Base64 of little-endian uint16."""
        shapes = self.shapes
        if sys.byteorder == "big":
            shapes = self.shapes[:]
            shapes.byteswap()
        return base64.b64encode(shapes.tobytes()).decode()


def make_outline(catalogue: Catalogue, listing: Listing) -> Outline:
    """Of everything that is listed."""
    photos, shapes, keys = array("q"), array("H"), list[str | None]()
    if listing.has_scored:
        for photo, shape, key in _find_scored(catalogue, listing):
            photos.append(photo)
            shapes.append(shape)
            keys.append(key)
    failed = count_failed(catalogue, listing.wanted, once=True) if listing.has_failed else 0
    runs = [] if listing.order in ("score", "name") else [(key, len(list(run))) for key, run in groupby(keys)]
    return Outline(photos, shapes, runs, failed)


def _find_scored(catalogue: Catalogue, listing: Listing) -> Iterator[tuple[int, int, str | None]]:
    """(id, shape, key of its run)."""
    columns = "path.path AS path, photo.id AS photo, width, height, taken"
    select = select_scored(catalogue, listing.wanted, columns, once=True)
    ordered = f"{select.text} {order_scored(listing.order, descending=listing.descending)}"
    for path, photo, width, height, taken in catalogue.rows(ordered, select.values):
        with decoding(catalogue.file):
            shape = round(1000 * width / height) if width and height else 1000
            folder = os.fsdecode(os.path.dirname(path))  # noqa: PTH120 -- bytes
            key = folder if listing.order == "folder" else taken and taken[:7]
            yield photo, min(max(shape, 1), _MOST_SHAPE), key


def find_page(
    catalogue: Catalogue, listing: Listing, outline: Outline, *, offset: int, limit: int
) -> list[PhotoRow[Record]]:
    """The photos from an offset on."""
    ids = outline.photos[offset : offset + limit]
    found: list[PhotoRow[Record]] = list(find_scored_by_id(catalogue, listing.wanted, ids))
    if (left := limit - len(ids)) and outline.failed:
        start = max(0, offset - outline.scored)
        found.extend(find_failed(catalogue, listing.wanted, once=True, limit=left, offset=start))
    return found
