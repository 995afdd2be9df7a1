"""Answers that were costly to make, kept in memory up to a size; the one used longest ago goes first."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable


class Kept:
    """Belongs to one event loop. size: bytes of all values together."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.held = 0
        self.values: OrderedDict[Hashable, bytes] = OrderedDict()
        self.making: dict[Hashable, asyncio.Task[bytes]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """The value of a key, made once however many ask for it at the same time. Raises what `make` raises."""
        if key in self.values:
            self.values.move_to_end(key)
            return self.values[key]
        task = self.making.get(key)
        if task is None:
            task = self.making[key] = asyncio.ensure_future(make())
            task.add_done_callback(lambda done: self.made(key, done))
        return await asyncio.shield(task)

    def made(self, key: Hashable, task: asyncio.Task[bytes]) -> None:
        del self.making[key]
        if not task.cancelled() and task.exception() is None:
            self.keep(key, task.result())

    def keep(self, key: Hashable, value: bytes) -> None:
        self.values[key] = value
        self.held += len(value)
        while self.held > self.size:
            _, oldest = self.values.popitem(last=False)
            self.held -= len(oldest)
