"""What a photo is in its group of look-alikes: for pages that show one card for each group."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.groups import put_groups
from rgnet.catalogue.queries import find_scored
from rgnet.catalogue.records import PhotoRow
from rgnet.catalogue.selects import Filter, Order
from rgnet.culling.groups import KEPT_WHOLE, Kind
from rgnet.culling.look_alikes import Group, find_groups
from rgnet.results import ScoredPhoto


@dataclass(frozen=True, slots=True)
class Membership:
    """Without the photos' records: a catalogue may have 100,000 of these.

    number: of the group among all
    photos: ids in the catalogue of all photos of the group, in their order
    place:  of the photo among them, from 0; rank: the best has 0
    """

    number: int
    kind: Kind
    photos: tuple[str, ...]
    place: int
    rank: int
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """For the card: `photos` only of a sequence that is kept whole, for it is marked as one."""
        return {
            "number": self.number,
            "kind": self.kind,
            "size": len(self.photos),
            "place": self.place,
            "rank": self.rank,
            "reason": self.reason,
            "photos": list(self.photos) if self.kind in KEPT_WHOLE else None,
        }


def find_memberships(groups: Iterable[Group]) -> dict[str, Membership]:
    """Of every photo that is in a group, by its id in the catalogue."""
    found = {}
    for number, group in enumerate(groups):
        photos = tuple(frame.row.id for frame in group.frames)
        for place, (photo, rank) in enumerate(zip(photos, _rank(group), strict=True)):
            reason = group.frames[place].reason
            found[photo] = Membership(number, group.kind, photos, place, rank, reason)
    return found


def _rank(group: Group) -> Sequence[int]:
    """Of each frame; of a sequence that is kept whole by the score, as `Group.best` has it."""
    places = range(len(group.frames))
    if not group.kept_whole:
        return places
    by_score = sorted(places, key=lambda place: -group.frames[place].row.record.score)
    return [by_score.index(place) for place in places]


def keep_members(groups: Iterable[Group], photos: Collection[str]) -> Iterator[Group]:
    """The groups as they are among some photos, by their ids; what is then alone is in none."""
    for group in groups:
        frames = tuple(frame for frame in group.frames if frame.row.id in photos)
        if len(frames) > 1:
            yield replace(group, frames=frames)


def put_memberships(catalogue: Catalogue, memberships: Mapping[str, Membership]) -> None:
    """For the queries of an open catalogue."""
    put_groups(catalogue, ((int(photo), one.number, one.rank) for photo, one in memberships.items()))


def find_distinct(
    catalogue: Catalogue, wanted: Filter, *, order: Order = "score"
) -> Iterator[PhotoRow[ScoredPhoto]]:
    """The photos that match, best first, of each group the best one only. Raises CatalogueError."""
    put_memberships(catalogue, find_memberships(find_groups(catalogue, wanted).groups))
    return find_scored(catalogue, replace(wanted, distinct=True), order=order, once=True)
