"""How far the eyes are open in photos of a catalogue, found once and kept beside their previews.

What `FrameEyes` has found counts from then on wherever groups are shown, by `KeptEyes`, which looks at no picture.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from rgnet.catalogue.content_check import scanned_job
from rgnet.catalogue.records import PhotoRow
from rgnet.imaging.workers import DecodePool
from rgnet.previews import PREVIEW, PreviewCache
from rgnet.results import ScoredPhoto

if TYPE_CHECKING:
    from rgnet.faces.detection import FaceDetector
    from rgnet.faces.eyes import EyeReader

# Ends in a number for the networks and thresholds by which it was found
_KIND = "eyes-1"


class KeptEyes:
    """What is known of photos that were looked at before."""

    def __init__(self, previews: PreviewCache) -> None:
        self._previews = previews

    def openness(self, rows: Sequence[PhotoRow[ScoredPhoto]]) -> np.ndarray:
        """(F,) of the prominent face whose eyes are least open; NaN without a face that is large enough to say."""
        values = map(self._read_kept, rows)
        return np.array([math.nan if value is None else value for value in values])

    def _read_kept(self, row: PhotoRow[ScoredPhoto]) -> float | None:
        """NaN where it is known that there is no face; None where it is not known."""
        kept = self._previews.get(row.sha256, _KIND)
        try:
            return None if kept is None else float(json.loads(kept))
        except (ValueError, TypeError):
            return None


class FrameEyes(KeptEyes):
    """Looks at previews, which it makes where there are none. Networks are loaded for the first that is new.

    on_look: called after each photo that was looked at
    """

    def __init__(self, previews: PreviewCache, on_look: Callable[[], None] = lambda: None) -> None:
        super().__init__(previews)
        self._on_look = on_look
        self._pool = DecodePool()
        self._networks: tuple[FaceDetector, EyeReader] | None = None

    def __enter__(self) -> FrameEyes:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._pool.close()

    def openness(self, rows: Sequence[PhotoRow[ScoredPhoto]]) -> np.ndarray:
        known = {row.id: self._read_kept(row) for row in rows}
        for row, picture in self._pictures([row for row in rows if known[row.id] is None]):
            known[row.id] = found = self._look(picture)
            self._previews.put(row.sha256, _KIND, json.dumps(found).encode())
            self._on_look()
        return np.array([math.nan if (value := known[row.id]) is None else value for row in rows])

    def _pictures(
        self, rows: Sequence[PhotoRow[ScoredPhoto]]
    ) -> Iterator[tuple[PhotoRow[ScoredPhoto], bytes]]:
        """Previews, those that have to be made last; none of a file that is gone or has changed."""
        missing = []
        for row in rows:
            kept = self._previews.picture(row.sha256)
            if kept is None:
                missing.append((row, replace(scanned_job(row), pictures=(PREVIEW,), picture_format="JPEG")))
            else:
                yield row, kept
        for row, found in self._pool.in_order(missing):
            if found.pictures:
                self._previews.put_picture(row.sha256, found.pictures[0])
                yield row, found.pictures[0]

    def _look(self, picture: bytes) -> float:
        from PIL import Image

        from rgnet.faces.detection import FaceDetector, find_prominent
        from rgnet.faces.eyes import EyeReader

        if self._networks is None:
            self._networks = FaceDetector(), EyeReader()
        detector, reader = self._networks
        with Image.open(io.BytesIO(picture)) as opened:
            image = opened.convert("RGB")
        found = (reader.openness(image, face) for face in find_prominent(detector.find(image)))
        return min((value for value in found if value is not None), default=math.nan)
