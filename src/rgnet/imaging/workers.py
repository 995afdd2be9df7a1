"""Calls in a process of their own, which may crash, hang or ask for too much memory without harm to anybody else.

As a program, this module is that process: it answers calls that come pickled on its standard input. Only the process
that started it can speak to it; no socket is opened.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Any, BinaryIO, TypeVar

from rgnet.errors import PhotoDamaged, PhotoDecoderCrashed, PhotoError, PhotoTimedOut

Task = TypeVar("Task")
SECONDS, MEMORY = 60.0, 4 * 2**30


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Cell:
    """One process, started by the first call, and anew by the first call after its death.

    seconds: that a call may take; memory: bytes that the process may have (where the system can bound them)
    """

    def __init__(self, *, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.seconds = seconds
        self.memory = memory
        self.process: subprocess.Popen[bytes] | None = None

    def call(self, function: Callable[..., Any], *arguments: Any, name: str) -> Any:
        """What function(*arguments) gives there; both are found there by import.

        Raises the PhotoError that it raised, PhotoDamaged for any other error, PhotoDecoderCrashed where the process
        died of it, and PhotoTimedOut where it took too long, both naming the photo `name`.
        """
        process = self.process = self.process or start(self.memory)
        late = threading.Timer(self.seconds, process.kill)
        late.start()
        try:
            pickle.dump((function, arguments), process.stdin)
            process.stdin.flush()
            good, answer = pickle.load(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            code, self.process = process.wait(), None
            raise self.failure(name, code, timed_out=not late.is_alive()) from None
        finally:
            late.cancel()
        if good:
            return answer
        raise (
            answer if isinstance(answer, PhotoError) else PhotoDamaged(name, f"decoding failed with {answer}")
        )

    def failure(self, name: str, code: int, *, timed_out: bool) -> PhotoError:
        if timed_out:
            return PhotoTimedOut(
                name, f"takes more than {self.seconds:g} s to decode", "save it anew, or leave it out"
            )
        reason = f"its decoder crashed ({cause(code)})"
        return PhotoDecoderCrashed(name, reason, "save it anew, or leave it out")

    def close(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


def cause(code: int) -> str:
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"


def start(memory: int) -> subprocess.Popen[bytes]:
    """What decoders print of damaged files is nobody's news: the answer says it."""
    return subprocess.Popen(
        [sys.executable, "-m", "rgnet.imaging.workers", str(memory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


class Cells(contextlib.AbstractContextManager):
    """`count` cells at work at the same time."""

    def __init__(self, count: int, *, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self.cells = [Cell(seconds=seconds, memory=memory) for _ in range(count)]
        self.idle = list(self.cells)
        self.threads = ThreadPoolExecutor(count, thread_name_prefix="rgnet-cell")

    def as_done(
        self, function: Callable[[Task], Any], tasks: Iterable[Task], *, name: Callable[[Task], str]
    ) -> Iterator[tuple[Task, Any]]:
        """(task, what function(task) gives or the PhotoError it ended with), in the order they are done.

        A few tasks a cell are taken ahead, and no more, however many there are; they are taken in this thread.
        """
        tasks, running = iter(tasks), {}
        while True:
            for task in islice(tasks, 3 * len(self.cells) - len(running)):
                running[self.threads.submit(self.one, function, task, name)] = task
            if not running:
                return
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield running.pop(future), outcome(future)

    def one(self, function: Callable[[Task], Any], task: Task, name: Callable[[Task], str]) -> Any:
        cell = self.idle.pop()
        try:
            return cell.call(function, task, name=name(task))
        finally:
            self.idle.append(cell)

    def __exit__(self, *_exception: object) -> None:
        self.threads.shutdown(wait=False, cancel_futures=True)
        for cell in self.cells:
            cell.close()


def outcome(future: Future) -> Any:
    try:
        return future.result()
    except PhotoError as problem:
        return problem


# --- the process itself ----------------------------------------------------------------------------------


def main() -> None:
    """Answer calls until the caller is gone. A terminal's Ctrl-C is the caller's to handle."""
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    bound_memory(int(sys.argv[1]))
    # What a decoder prints must not get among the answers
    calls, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(OSError, EOFError):
        while True:
            answer(calls, answers)


def answer(calls: BinaryIO, answers: BinaryIO) -> None:
    function, arguments = pickle.load(calls)
    try:
        found = True, function(*arguments)
    except PhotoError as problem:
        found = False, problem
    except Exception as problem:
        found = False, f"{type(problem).__name__}: {problem}"
    pickle.dump(found, answers, protocol=pickle.HIGHEST_PROTOCOL)
    answers.flush()


def bound_memory(limit: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main()
