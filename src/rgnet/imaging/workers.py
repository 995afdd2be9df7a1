"""A pool of processes that decode photos, and may crash, hang or ask for too much memory without harm to anybody else.

As a program, this module is such a process: it does the jobs that come pickled on its standard input. Only the
process that started it can speak to it; no socket is opened.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Self, TypeVar

from rgnet.errors import PhotoDecoderCrashed, PhotoError, PhotoTimedOut, SettingError
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob, run_job, unexpected_failure
from rgnet.imaging.policy import MEMORY, SECONDS

# A process killed from outside, or late because a disk stalled, says nothing of the photo; two of them do
ATTEMPTS = 2
# Of a process, on a machine with much else to do; it is not on the photo's account
_START_SECONDS = 120.0
_MOST_SECONDS = 24 * 3600.0
# Jobs taken ahead for each process, so that none waits for its next
_AHEAD = 3
# With glibc's own thresholds each photo's memory goes back to the system, and the next one takes a tenth longer
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 2**20),
}

Key = TypeVar("Key")
Decoder = Callable[[DecodeJob], DecodedPhoto]


def cores() -> int:
    """CPU cores this process may use: those it may run on, within a container's quota, rounded up."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cpu_quota()
    return available if quota is None else max(1, min(available, math.ceil(quota)))


def _cpu_quota(root: Path = Path("/sys/fs/cgroup")) -> float | None:
    """CPU cores' worth of time that the control group allows (version 2, else 1); None without a limit."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = (root / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
        limit = int((root / "cpu" / "cpu.cfs_quota_us").read_text())
        return None if limit < 0 else limit / int((root / "cpu" / "cpu.cfs_period_us").read_text())
    return None


class DecodePool(contextlib.AbstractContextManager["DecodePool"]):
    """`processes` that decode photos at the same time, each started by its first job; None: one for each core.

    seconds:  that an attempt may take, the start of a process left out
    memory:   bytes that each process may have, where the system can bound them
    attempts: processes that a photo may cost before it is given up
    decode:   what they do with a job, found there by import
    Its processes stay in the folder in which they began. Raises SettingError for an impossible time limit.
    """

    def __init__(
        self,
        processes: int | None = None,
        *,
        seconds: float = SECONDS,
        memory: int = MEMORY,
        attempts: int = ATTEMPTS,
        decode: Decoder = run_job,
    ) -> None:
        if not 0 < seconds <= _MOST_SECONDS:
            raise SettingError(
                f"a photo's time limit: expected more than 0 and at most {_MOST_SECONDS:g} s, found {seconds:g} s"
            )
        self.processes = processes or cores()
        self._attempts = attempts
        self._workers = [_Worker(decode, seconds=seconds, memory=memory) for _ in range(self.processes)]
        self._idle = list(self._workers)
        self._threads = ThreadPoolExecutor(self.processes, thread_name_prefix="rgnet-decode")

    def start(self, count: int) -> None:
        """Start up to `count` processes now: they load their decoders while the caller loads a model."""
        for worker in self._idle[-count:]:
            with contextlib.suppress(OSError):  # its first job says so
                worker.started()

    def submit(self, job: DecodeJob) -> Future[DecodedPhoto]:
        """The answer to come. Whatever happens to the photo or its process is the answer's `error`."""
        return self._threads.submit(self._run, job)

    def call(self, function: Callable[..., DecodedPhoto], *arguments: object) -> Future[DecodedPhoto]:
        """The answer to come of a function of this process, run in a thread: for what has been decoded already."""
        return self._threads.submit(function, *arguments)

    def as_completed(self, jobs: Iterable[tuple[Key, DecodeJob]]) -> Iterator[tuple[Key, DecodedPhoto]]:
        """(key, answer) of every job, as they are done.

        A few jobs for each process are taken ahead, and no more, however many there are; in this thread.
        """
        jobs = iter(jobs)
        running: dict[Future[DecodedPhoto], Key] = {}
        try:
            while True:
                for key, job in islice(jobs, _AHEAD * self.processes - len(running)):
                    running[self.submit(job)] = key
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
        finally:
            for future in running:
                future.cancel()

    def in_order(self, jobs: Iterable[tuple[Key, DecodeJob]]) -> Iterator[tuple[Key, DecodedPhoto]]:
        """(key, answer) of every job, in their order, as many taken ahead as by `as_completed`."""
        running: deque[tuple[Key, Future[DecodedPhoto]]] = deque()
        try:
            for key, job in jobs:
                running.append((key, self.submit(job)))
                if len(running) >= _AHEAD * self.processes:
                    key, future = running.popleft()
                    yield key, future.result()
            while running:
                key, future = running.popleft()
                yield key, future.result()
        finally:
            for _, future in running:
                future.cancel()

    def close(self) -> None:
        """End the processes. Jobs that have not begun are cancelled, those in progress fail."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _run(self, job: DecodeJob) -> DecodedPhoto:
        worker = self._idle.pop()
        try:
            attempts = 1
            while (answer := worker.run(job)).lost_its_process and attempts < self._attempts:
                attempts += 1
            return replace(answer, attempts=attempts)
        finally:
            self._idle.append(worker)


class _Worker:
    """One process, started by its first job, and anew by the first job after its death."""

    def __init__(self, decode: Decoder, *, seconds: float, memory: int) -> None:
        self.decode, self.seconds, self.memory = decode, seconds, memory
        self.process: subprocess.Popen[bytes] | None = None
        self.starting = threading.Lock()
        self.ready = self.closed = False

    def run(self, job: DecodeJob) -> DecodedPhoto:
        try:
            process = self.started()
        except OSError as problem:
            reason = f"its decoder cannot be started ({problem.strerror})"
            return self.failure(job, PhotoDecoderCrashed(job.display_name, reason, "end other programs"))
        assert process.stdin and process.stdout
        limit = _TimeLimit(process)
        try:
            if not self.ready:
                with limit.of(_START_SECONDS):
                    self.ready = pickle.load(process.stdout)
            with limit.of(self.seconds):
                pickle.dump(job, process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
                process.stdin.flush()
                return pickle.load(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            process.kill()
            return self.failure(job, self.error(job, process.wait(), timed_out=limit.expired))

    def started(self) -> subprocess.Popen[bytes]:
        """A process that is alive: one that ended while it was idle is nobody's fault."""
        with self.starting:
            if self.closed:
                raise RuntimeError("the decode pool is closed")
            if self.process is None or self.process.poll() is not None:
                self.discard()
                self.process, self.ready = _start(self.decode, self.memory), False
            return self.process

    def error(self, job: DecodeJob, code: int, *, timed_out: bool) -> PhotoError:
        name, hint = job.display_name, "save it again, or leave it out"
        if timed_out:
            return PhotoTimedOut(name, f"decoding this photo took more than {self.seconds:g} s", hint)
        return PhotoDecoderCrashed(name, f"this photo crashed its decoder ({_cause(code)})", hint)

    def failure(self, job: DecodeJob, error: PhotoError) -> DecodedPhoto:
        if isinstance(job.source, str):
            return DecodedPhoto(error=error)
        sha256 = hashlib.sha256(job.source).digest()
        return DecodedPhoto(sha256=sha256, byte_count=len(job.source), error=error)

    def close(self) -> None:
        with self.starting:
            self.closed = True
            self.discard()

    def discard(self) -> None:
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe and pipe.close()
        self.process = None


class _TimeLimit:
    """Kills a process that is too late. expired: whether it did."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process, self.expired = process, False

    @contextlib.contextmanager
    def of(self, seconds: float) -> Iterator[None]:
        timer = threading.Timer(seconds, self._expire)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _expire(self) -> None:
        self.expired = True
        self.process.kill()


def _cause(code: int) -> str:
    with contextlib.suppress(ValueError):
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"


def _start(decode: Decoder, memory: int) -> subprocess.Popen[bytes]:
    """A new process. Warnings that decoders print are discarded; the error is in the answer."""
    process = subprocess.Popen(
        # -P: a file of the current folder must not be imported in place of a library
        [sys.executable, "-P", "-m", "rgnet.imaging.workers", str(memory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | _ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdin
    with contextlib.suppress(OSError):
        pickle.dump(decode, process.stdin)
        process.stdin.flush()
    return process


# --- the process itself ----------------------------------------------------------------------------------


def _main() -> None:
    """Do jobs until the caller is gone. A terminal's Ctrl-C is the caller's to handle."""
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    _bound_memory(int(sys.argv[1]))
    # What a decoder prints must not get among the answers
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(OSError, EOFError):
        decode = pickle.load(jobs)
        _load_decoders()
        pickle.dump(True, answers)
        answers.flush()
        while True:
            _answer(decode, jobs, answers)


def _answer(decode: Decoder, jobs: BinaryIO, answers: BinaryIO) -> None:
    job = pickle.load(jobs)
    job = replace(job, policy=replace(job.policy, camera_raw=True))
    try:
        answer = decode(job)
    except PhotoError as problem:
        answer = DecodedPhoto(error=problem.about(job.display_name))
    except Exception as problem:
        answer = DecodedPhoto(error=unexpected_failure(job.display_name, problem))
    pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
    answers.flush()


def _load_decoders() -> None:
    """What most jobs need, before the time of the first one runs."""
    from rgnet.imaging import decode, pictures, prepare  # noqa: F401


def _bound_memory(limit: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    _main()
