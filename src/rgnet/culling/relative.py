"""Percentiles among a photographer's own photos: of a folder, of an event, or of the whole library.

A model's own percentile compares a photo with all that people rated. Among ordinary shots of one trip it uses a part of
its range only; here the best of the trip are the best there are.

An event is a run of photos, by the camera's clock, without a pause of EVENT_GAP or longer. Photos without a date belong
together by their folder.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal, get_args

from rgnet.catalogue.records import PhotoRow
from rgnet.results import ScoredPhoto

Scope = Literal["folder", "event", "library"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
EVENT_GAP = timedelta(hours=4)

_Rows = list[PhotoRow[ScoredPhoto]]


class RelativePercentiles:
    """Of the photos of a catalogue, each compared with those of its folder, its event, or all."""

    def __init__(self, rows: Iterable[PhotoRow[ScoredPhoto]], scope: Scope) -> None:
        """rows: of all files with a score, in any order; several files of one photo count once in each place."""
        self._group: dict[str, int] = {}
        self._scores: list[list[float]] = []
        for number, members in enumerate(_divide(list(rows), scope)):
            self._group |= dict.fromkeys((row.record.path for row in members), number)
            self._scores.append(sorted({row.id: row.record.score for row in members}.values()))

    def percentile(self, photo: ScoredPhoto) -> float:
        """0-100: the share of the photos around it that score less, those that score the same counted half."""
        scores = self._scores[self._group[photo.path]]
        below, not_above = bisect_left(scores, photo.score), bisect_right(scores, photo.score)
        return 50 * (below + not_above) / len(scores)


def _divide(rows: _Rows, scope: Scope) -> Iterable[_Rows]:
    if scope == "library":
        return [rows] if rows else []
    if scope == "folder":
        return _divide_by_folder(rows)
    return [
        *_divide_by_pauses([row for row in rows if row.taken]),
        *_divide_by_folder([row for row in rows if not row.taken]),
    ]


def _divide_by_folder(rows: _Rows) -> Iterable[_Rows]:
    folders: dict[str, _Rows] = defaultdict(list)
    for row in rows:
        folders[os.path.dirname(row.record.path)].append(row)  # noqa: PTH120 -- any text may be a path
    return folders.values()


def _divide_by_pauses(rows: _Rows) -> Iterator[_Rows]:
    event: _Rows = []
    last = datetime.min
    for row in sorted(rows, key=lambda row: row.taken or ""):
        taken = datetime.fromisoformat(row.taken or "")
        if event and taken - last >= EVENT_GAP:
            yield event
            event = []
        event.append(row)
        last = taken
    if event:
        yield event
