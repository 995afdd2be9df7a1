"""Photos of many requests gathered into batches for one thread that computes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


class Batches:
    """Belongs to one event loop.

    work:     a list of items to a list of as many answers; called in one thread, `size` items at most at a time
    gather_s: seconds that the first item of a batch waits for more, as long as more are `coming`
    coming:   items on their way here, counted by who brings them
    """

    def __init__(
        self,
        work: Callable[[list[Any]], list[Any]],
        *,
        size: int,
        gather_s: float,
        seen: Callable[[int], None],
    ) -> None:
        self.work, self.size, self.gather_s, self.seen = work, size, gather_s, seen
        self.coming = 0
        self.queue: asyncio.Queue[tuple[Any, asyncio.Future]] = asyncio.Queue()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="rgnet-network")

    async def answer(self, item: Any) -> Any:
        """What `work` says of the item, or what it raised."""
        future = asyncio.get_running_loop().create_future()
        self.queue.put_nowait((item, future))
        return await future

    async def alone(self, call: Callable[..., Any], *arguments: Any) -> Any:
        """Another call's answer, in the same thread, between two batches."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, call, *arguments)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            batch = await self.gathered()
            self.seen(len(batch))
            try:
                answers = await self.alone(self.work, [item for item, _ in batch])
            except Exception as problem:
                answers = [problem] * len(batch)
            for (_, future), answer in zip(batch, answers, strict=True):
                settle(future, answer)

    async def gathered(self) -> list[tuple[Any, asyncio.Future]]:
        batch = [await self.queue.get()]
        latest = asyncio.get_running_loop().time() + self.gather_s
        while len(batch) < self.size:
            if not self.queue.empty():
                batch.append(self.queue.get_nowait())
                continue
            left = latest - asyncio.get_running_loop().time()
            if not self.coming or left <= 0:
                break
            try:
                batch.append(await asyncio.wait_for(self.queue.get(), left))
            except TimeoutError:
                break
        return batch


def settle(future: asyncio.Future, answer: Any) -> None:
    """Unless who asked has gone away."""
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
