"""A catalogue page by page, as a gallery shows it: every photo once, those with a score first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.queries import count_failed, count_scored, find_failed, find_scored
from rgnet.catalogue.records import PhotoRow
from rgnet.catalogue.selects import Filter, Order
from rgnet.results import Record

Failures = Literal["1", "0", "only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is listed, and in which order.

    failures: photos without a score: "1" last, "0" not at all, "only" these; a filter by score or day leaves them out
    """

    wanted: Filter
    order: Order = "score"
    descending: bool = True
    failures: Failures = "1"

    @property
    def has_scored(self) -> bool:
        return self.failures != "only"

    @property
    def has_failed(self) -> bool:
        return self.failures == "only" or (self.failures == "1" and not self.wanted.needs_score)


def count_photos(catalogue: Catalogue, listing: Listing) -> tuple[int, int]:
    """(photos with a score, photos without one)."""
    return (
        count_scored(catalogue, listing.wanted, once=True) if listing.has_scored else 0,
        count_failed(catalogue, listing.wanted, once=True) if listing.has_failed else 0,
    )


def find_page(
    catalogue: Catalogue, listing: Listing, *, offset: int, limit: int, scored: int
) -> list[PhotoRow[Record]]:
    """The photos from an offset on. scored: how many with a score there are, as `count_photos` says."""
    found: list[PhotoRow[Record]] = []
    wanted = listing.wanted
    if listing.has_scored and offset < scored:
        found.extend(
            find_scored(
                catalogue,
                wanted,
                order=listing.order,
                descending=listing.descending,
                once=True,
                limit=limit,
                offset=offset,
            )
        )
    if listing.has_failed and (left := limit - len(found)):
        start = max(0, offset - scored)
        found.extend(find_failed(catalogue, wanted, once=True, limit=left, offset=start))
    return found
