"""The catalogue as a service reads it: in one thread, which owns it, with sums remembered until it changes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rgnet.catalogue import listing
from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.listing import Asked, Row
from rgnet.catalogue.queries import entry, model_asked_for
from rgnet.errors import CatalogueError
from rgnet.service.room import Room

QUESTIONS, SUMS_KEPT = 256, 256


class Shelf:
    """Belongs to one event loop; open it with `working`. model: hash of the model whose scores are shown."""

    def __init__(self, file: Path, model: str) -> None:
        self.file, self.model = file, model
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="rgnet-catalogue")
        self.catalogue: Catalogue | None = None
        self.room = Room(photos=QUESTIONS, size=0)
        self.version, self.sums = -1, {}

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        await self.ask(self.open)
        try:
            yield
        finally:
            await self.ask(self.catalogue.database.close)
            self.thread.shutdown()

    async def ask(self, question: Callable[..., Any], *values: Any) -> Any:
        """Raises CatalogueError or OutputError where the catalogue cannot be read, and Refused (429)."""
        with self.room.enter() as stay:
            stay.photo()
            return await asyncio.get_running_loop().run_in_executor(self.thread, question, *values)

    # In the thread

    def open(self) -> None:
        self.catalogue = Catalogue.open(self.file)
        listing.prepare(self.catalogue)

    def page(self, asked: Asked, offset: int, limit: int) -> tuple[list[Row], int, int]:
        """(rows, how many are asked for in all, how many of these have no score)."""
        scored, failed = self.summed(asked, lambda: listing.counted(self.catalogue, asked))
        rows = listing.rows(self.catalogue, asked, offset=offset, limit=limit, scored=scored)
        return rows, scored + failed, failed

    def folders(self) -> list[str] | None:
        return self.summed("folders", lambda: listing.folders(self.catalogue))

    def row(self, id: str) -> Row | None:
        return listing.row(self.catalogue, self.model, id)

    def votes(self, path: str):
        """(H, W) region votes as the scan kept them; None where it kept none."""
        return entry(self.catalogue, path, self.model).votes_HW

    def summed(self, what: Any, sum: Callable[[], Any]) -> Any:
        """A sum over the catalogue, remembered until another program changes it."""
        (version,) = self.catalogue.reading("PRAGMA data_version").fetchone()
        if version != self.version or len(self.sums) > SUMS_KEPT:
            self.version, self.sums = version, {}
        if what not in self.sums:
            self.sums[what] = sum()
        return self.sums[what]


def check(file: Path, name: str, hash: str) -> None:
    """Raises CatalogueError where there is no catalogue, or none with scores of the model that is served."""
    with Catalogue.open(file) as catalogue:
        if model_asked_for(catalogue, None) == hash:
            return
        known = catalogue.reading("SELECT name FROM model WHERE hash = ?", (hash,)).fetchone()
    if known is None:
        raise CatalogueError(
            f"{file} holds no scores of {name} ({hash}), which is to be served: "
            f"scan its folders with  rgnet scan --model {name} FOLDER, or serve another --model"
        )
