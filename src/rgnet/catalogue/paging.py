"""A catalogue page by page, as a gallery shows it: every photo once, those with a score first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.queries import find_failed, find_scored
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
    def begins_quickly(self) -> bool:
        """Whether an index gives the first photos without a pass over all of them."""
        return self.order == "score" and self.has_scored and self.wanted == Filter(model=self.wanted.model)

    @property
    def has_scored(self) -> bool:
        return self.failures != "only"

    @property
    def has_failed(self) -> bool:
        return self.failures == "only" or (self.failures == "1" and not self.wanted.needs_score)


def find_first_page(catalogue: Catalogue, listing: Listing, limit: int) -> list[PhotoRow[Record]]:
    """The first photos, without an outline of the others."""
    found: list[PhotoRow[Record]] = []
    order, descending = listing.order, listing.descending
    if listing.has_scored:
        found += find_scored(
            catalogue, listing.wanted, order=order, descending=descending, once=True, limit=limit
        )
    if listing.has_failed and len(found) < limit:
        found += find_failed(catalogue, listing.wanted, once=True, limit=limit - len(found))
    return found
