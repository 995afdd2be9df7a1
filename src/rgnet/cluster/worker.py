"""A worker: a model, processes that decode, threads that fetch. It takes a part and writes a file of rows."""

from __future__ import annotations

import contextlib
import os
import platform
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from rgnet.cluster import plan
from rgnet.cluster.store import Store, is_url, open_filesystem
from rgnet.errors import ClusterError, PhotoError, PhotoNotFound, PhotoRefused, PhotoTooLarge, need
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob, run_job
from rgnet.imaging.policy import SECONDS, DecodePolicy
from rgnet.imaging.workers import DecodePool, Decoder
from rgnet.outputs.tables import open_table
from rgnet.results import Record, ScoreFailure
from rgnet.scorer import Scorer, open_scorer
from rgnet.text import printable
from rgnet.weights.file import read_model

# Times that a part is started in one run: each of them but the last ended with its worker
MAX_ATTEMPTS = 3
FETCH_ATTEMPTS, FETCH_PAUSE_S = 3, 1.0
_FETCHERS = 4
_ERRORS_REPORTED = 10
# S3's refusals that say nothing of the photo: with other credentials, or at another hour, it would be read
_CREDENTIALS = {
    "AccountProblem",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidSecurity",
    "NotSignedUp",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
}

Result = TypeVar("Result")


class PhotoUnreachable(PhotoError):
    """A photo that cannot be fetched, as far as one can see by the fault of the network or the bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What every worker of a run is started with.

    store:   URL of the destination with plan, list and model
    run:     a name of the run, under which attempts are counted
    cpus:    processes that decode, and threads of the network
    probe:   a local photo that the machine which started the run sees: a worker that does not see it would report
             every photo as missing
    seconds: time limit for decoding a photo; decode: the function that does it
    """

    store: str
    run: str = "run"
    cpus: int = 1
    probe: str = ""
    seconds: float = SECONDS
    decode: Decoder = run_job


@dataclass(frozen=True, slots=True)
class PartResult:
    """What came of a part. skipped: why it was not written, or ""; errors: the first few, with the photos' names."""

    part: int
    scored: int = 0
    failed: int = 0
    skipped: str = ""
    errors: list[str] = field(default_factory=list)


class Worker:
    """One of Ray's actors."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings
        self.store = Store(settings.store)
        found = plan.load(self.store)
        if found is None:
            raise ClusterError(
                f"{platform.node()} does not see {settings.store}: mount it there, or use a bucket"
            )
        self.plan = found
        self._enter_base_folder()
        self.scorer = self._load_scorer()
        self.policy = DecodePolicy()
        self.decoders = DecodePool(settings.cpus, seconds=settings.seconds, decode=settings.decode)
        self.fetchers = ThreadPoolExecutor(_FETCHERS * settings.cpus, thread_name_prefix="rgnet-fetch")

    def __call__(self, parts: Any) -> Any:
        """A table of parts in, a table of their results out. Photos and rows do not pass through Ray."""
        arrow = need("pyarrow", extra="cluster", purpose="rgnet cluster")
        text, integer = arrow.string(), arrow.int64()
        columns = {"part": integer, "scored": integer, "failed": integer, "skipped": text}
        schema = arrow.schema({**columns, "errors": arrow.list_(text)})
        rows = [asdict(self.score_part(part)) for part in parts["part"].to_pylist()]
        return arrow.Table.from_pylist(rows, schema=schema)

    def close(self) -> None:
        self.decoders.close()
        self.fetchers.shutdown(cancel_futures=True)

    def score_part(self, part: int) -> PartResult:
        """Score a part and write it; or skip it if it has killed its workers, or its photos cannot be reached."""
        if not self._count_attempt(part):
            reason = f"its worker died {MAX_ATTEMPTS} times"
            return PartResult(part, skipped=f"{plan.part_file(part)}: {reason}: look at its photos")
        names, failures = self.plan.names(self.store, part), list[ScoreFailure]()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, plan.part_file(part))
            try:
                with open_table(path) as write:
                    for record in self._score(names):
                        write(record)
                        failures += [record] if isinstance(record, ScoreFailure) else []
            except PhotoUnreachable as problem:
                return PartResult(part, skipped=printable(str(problem)))
            self.store.write(plan.part_file(part), path.read_bytes())
        errors = [_error_line(failure) for failure in failures[:_ERRORS_REPORTED]]
        return PartResult(part, len(names) - len(failures), len(failures), errors=errors)

    # --- getting ready

    def _enter_base_folder(self) -> None:
        """Relative names mean the same here as where the run was started."""
        with contextlib.suppress(OSError):
            os.chdir(self.plan.base or ".")
        if self.settings.probe and not Path(self.settings.probe).exists():
            raise ClusterError(
                f"{platform.node()} does not see {self.settings.probe}, which the machine that started the run sees: "
                "mount the photos at the same place on every machine, or name them by URLs"
            )

    def _load_scorer(self) -> Scorer:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.safetensors")
            path.write_bytes(self.store.read(plan.MODEL_FILE))
            model = read_model(path)
        if model.card.sha256 != self.plan.model_sha256:
            raise ClusterError(f"{self.store.url}/{plan.MODEL_FILE} is not the model of the plan")
        return open_scorer(
            model, engine=self.plan.engine, precision=self.plan.precision, threads=self.settings.cpus
        )

    def _count_attempt(self, part: int) -> bool:
        """Note that the part is started; whether it may be.

        Ray starts a dead worker's part again, on any machine and without end: only the destination can count.
        """
        name = f"{plan.ATTEMPTS}/{self.settings.run}/{part:07}"
        try:
            attempts = int(self.store.read(name))
        except FileNotFoundError:
            attempts = 0
        if attempts >= MAX_ATTEMPTS:
            return False
        self.store.write(name, str(attempts + 1).encode())
        return True

    # --- photos

    def _score(self, names: list[str]) -> Iterator[Record]:
        """Records in the order of the names, while the next photos are fetched and decoded.

        Raises PhotoUnreachable where more than one photo in a hundred is, and more than one.
        """
        cores, unreachable = self.settings.cpus, list[PhotoUnreachable]()
        fetching = (self.fetchers.submit(self._fetch, name) for name in names)
        fetched = prefetch(fetching, 2 * _FETCHERS * cores)
        decoding = (self._decode(name, data) for name, data in zip(names, fetched, strict=True))
        photos = (decoded.prepared_or_error for decoded in prefetch(decoding, 3 * cores))
        for batch in plan.batched(zip(names, photos, strict=True), self.plan.batch):
            unreachable += [photo for _, photo in batch if isinstance(photo, PhotoUnreachable)]
            if len(unreachable) > max(1, len(names) // 100):
                raise unreachable[0]
            yield from self.scorer.score_prepared(*zip(*batch, strict=True))

    def _decode(self, name: str, data: bytes | PhotoError | None) -> Future[DecodedPhoto]:
        """data: what was fetched; None: the name is a path."""
        if isinstance(data, PhotoError):
            failed: Future[DecodedPhoto] = Future()
            failed.set_result(DecodedPhoto(error=data))
            return failed
        source = name if data is None else data
        preprocess = self.scorer.card.preprocess
        job = DecodeJob(source=source, name=name, hashed=False, preprocess=preprocess, policy=self.policy)
        return self.decoders.submit(job)

    def _fetch(self, name: str) -> bytes | PhotoError | None:
        """A URL's bytes, or why there are none; nothing for a path, which is read where it is decoded."""
        if not is_url(name):
            return None
        reason = ""
        for attempt in range(FETCH_ATTEMPTS):
            time.sleep(FETCH_PAUSE_S * attempt)
            try:
                return fetch(name, self.policy.max_bytes)
            except PhotoError as problem:
                return problem
            except Exception as problem:  # every file system has errors of its own
                reason = f"{type(problem).__name__}: {problem}"
        return PhotoUnreachable(name, f"it cannot be fetched ({reason})", "check the address and the network")


def fetch(url: str, limit: int) -> bytes:
    """A photo in one request of at most `limit` bytes. Raises PhotoError where trying again would not help."""
    fs, path = open_filesystem(url)
    try:
        data = fs.cat_file(path, start=0, end=limit + 1)
    except FileNotFoundError:
        raise PhotoNotFound(url, "there is no such photo", "check the address") from None
    except (PermissionError, IsADirectoryError) as problem:
        if _code(problem) in _CREDENTIALS:
            raise
        raise PhotoRefused(url, f"it cannot be read ({problem})", "check its permissions") from problem
    except Exception:
        # Servers refuse a range of nothing
        if fs.size(path) == 0:
            return b""
        raise
    if len(data) > limit:
        raise PhotoTooLarge(url, f"it has more than the {limit} bytes that are allowed", "shrink it")
    return data


def _code(problem: OSError) -> str:
    """Of S3's error behind it; empty for those of other file systems."""
    return getattr(problem.__cause__, "response", {}).get("Error", {}).get("Code", "")


def prefetch(futures: Iterable[Future[Result]], count: int) -> Iterator[Result]:
    """Results in the order of the futures, of which `count` are submitted ahead."""
    pending: deque[Future[Result]] = deque()
    try:
        for future in futures:
            pending.append(future)
            if len(pending) >= count:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _error_line(failure: ScoreFailure) -> str:
    """Names that are not UTF-8 do not pass through Arrow as they are."""
    return printable(f"{failure.path}: {failure.error}")
