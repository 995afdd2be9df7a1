"""Look-alikes of the gallery's catalogue."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.selects import Filter
from rgnet.culling.look_alikes import LookAlikes, find_groups
from rgnet.culling.membership import Membership, find_memberships

# After it took so long to find them they stay for so many times that long, however often a scan changes the catalogue
_REST = 10


class GalleryGroups:
    """Found in a thread of their own, which takes some seconds for 100,000 photos. Belongs to one event loop.

    memberships: by the photo's id in the catalogue; unmeasured: number of photos that could not be compared
    """

    def __init__(self, file: Path, model_hash: str) -> None:
        self.memberships: dict[str, Membership] = {}
        self.unmeasured = 0
        self._file, self._model_hash = file, model_hash
        self._lock = asyncio.Lock()
        self._version: int | None = None
        self._rests_until = 0.0

    async def refresh(self, version: int) -> bool:
        """Find them where that was not done yet, or for another version of the catalogue; whether they were."""
        async with self._lock:
            if version == self._version or time.monotonic() < self._rests_until:
                return False
            start = time.monotonic()
            found = await asyncio.to_thread(self._find)
            self.memberships, self.unmeasured = find_memberships(found.groups), found.unmeasured
            self._version, self._rests_until = version, time.monotonic() + _REST * (time.monotonic() - start)
            return True

    def _find(self) -> LookAlikes:
        with Catalogue.open(self._file) as catalogue:
            return find_groups(catalogue, Filter(model=self._model_hash))
