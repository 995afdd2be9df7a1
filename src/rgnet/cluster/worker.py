"""What runs on every worker: a model, processes that decode, threads that fetch; a part in, a file of rows out."""

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
from rgnet.cluster.store import Store, is_url, opened
from rgnet.errors import ClusterError, PhotoError, PhotoNotFound, PhotoRefused, need
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob, run_job
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.workers import SECONDS, DecodePool, Decoder
from rgnet.outputs.tables import open_table
from rgnet.results import Record
from rgnet.scorer import Scorer
from rgnet.scorer import opened as scorer_of
from rgnet.weights.file import read_model

FETCHERS = 4
TRIES, PAUSE_S = 3, 1.0
ERRORS_TOLD = 10

Answer = TypeVar("Answer")


class OutOfReach(PhotoRefused):
    """The network's fault or the bucket's, as far as one can see; not the photo's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What a worker is told once.

    store:   URL of the destination, where plan, list and model lie
    cpus:    processes that decode, and threads of the network
    witness: a local photo that the machine which started the run sees: a worker that does not would call every
             photo missing
    seconds: that decoding a photo may take; decode: what does a job
    """

    store: str
    cpus: int = 1
    witness: str = ""
    seconds: float = SECONDS
    decode: Decoder = run_job


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a part; `left` says why it was not written, `errors` are the first few."""

    part: int
    scored: int = 0
    failed: int = 0
    left: str = ""
    errors: list[str] = field(default_factory=list)


class Worker:
    """One of Ray's actors."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.store = Store(post.store)
        found = plan.read(self.store)
        if found is None:
            raise ClusterError(
                f"{platform.node()} does not see {post.store}: mount it there, or use a bucket"
            )
        self.plan = found
        self.at_home()
        self.scorer = self.load()
        self.policy = DecodePolicy()
        self.decoders = DecodePool(post.cpus, seconds=post.seconds, decode=post.decode)
        self.fetchers = ThreadPoolExecutor(FETCHERS * post.cpus, thread_name_prefix="rgnet-fetch")

    def at_home(self) -> None:
        """Relative names mean the same here as where the run began."""
        with contextlib.suppress(OSError):
            os.chdir(self.plan.base or ".")
        if self.post.witness and not Path(self.post.witness).exists():
            raise ClusterError(
                f"{platform.node()} does not see {self.post.witness}, which the machine that started the run sees: "
                "mount the photos at the same place on every machine, or name them by URLs"
            )

    def load(self) -> Scorer:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.safetensors")
            path.write_bytes(self.store.read(plan.MODEL))
            file = read_model(path)
        if file.card.sha256 != self.plan.model_sha256:
            raise ClusterError(f"{self.store.url}/{plan.MODEL} is another model than its plan says")
        chosen = {"engine": self.plan.engine, "precision": self.plan.precision}
        return scorer_of(file, **chosen, threads=self.post.cpus)

    def __call__(self, parts: Any) -> Any:
        """A table of parts in, one of what came of each out. Photos and rows do not pass through Ray."""
        arrow = need("pyarrow", extra="cluster", purpose="rgnet cluster")
        text = arrow.string()
        kinds = {"part": arrow.int64(), "scored": arrow.int64(), "failed": arrow.int64(), "left": text}
        schema = arrow.schema({**kinds, "errors": arrow.list_(text)})
        rows = [asdict(self.part(part)) for part in parts["part"].to_pylist()]
        return arrow.Table.from_pylist(rows, schema=schema)

    def part(self, part: int) -> Outcome:
        """Score a part and write it; or leave it, where more of it than an odd photo is out of reach."""
        names, errors = self.plan.names(self.store, part), []
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, plan.part_file(part))
            try:
                with open_table(path) as write:
                    for record in self.score(names):
                        write(record)
                        errors += [] if record.ok else [record.error]
            except OutOfReach as problem:
                return Outcome(part, left=str(problem))
            self.store.write(plan.part_file(part), path.read_bytes())
        return Outcome(part, len(names) - len(errors), len(errors), errors=errors[:ERRORS_TOLD])

    def score(self, names: list[str]) -> Iterator[Record]:
        """Records in the order of the names, while the next photos are fetched and decoded.

        Raises OutOfReach where more than one in a hundred is, and more than one.
        """
        cores, away = self.post.cpus, 0
        fetched = ahead((self.fetchers.submit(self.fetch, name) for name in names), 2 * FETCHERS * cores)
        decoding = (self.decode(name, data) for name, data in zip(names, fetched, strict=True))
        photos = (found.prepared_or_error for found in ahead(decoding, 3 * cores))
        for batch in plan.pieces(zip(names, photos, strict=True), self.plan.batch):
            names_now, photos_now = zip(*batch, strict=True)
            away += sum(isinstance(photo, OutOfReach) for photo in photos_now)
            if away > max(1, len(names) // 100):
                raise next(photo for photo in photos_now if isinstance(photo, OutOfReach))
            yield from self.scorer.score_prepared(names_now, photos_now)

    def decode(self, name: str, data: bytes | PhotoError | None) -> Future[DecodedPhoto]:
        """data: what was fetched; None: the name is a path."""
        if isinstance(data, PhotoError):
            failed: Future[DecodedPhoto] = Future()
            failed.set_result(DecodedPhoto(error=data))
            return failed
        source = name if data is None else data
        preprocess = self.scorer.card.preprocess
        return self.decoders.submit(
            DecodeJob(source=source, name=name, preprocess=preprocess, policy=self.policy)
        )

    def fetch(self, name: str) -> bytes | PhotoError | None:
        """A URL's bytes, or why there are none; nothing for a path, which is read where it is decoded."""
        if not is_url(name):
            return None
        for attempt in range(TRIES):
            time.sleep(PAUSE_S * attempt)
            try:
                return fetched(name, self.policy.max_bytes)
            except PhotoError as problem:
                return problem
            except Exception as problem:  # every file system has errors of its own
                reason = f"{type(problem).__name__}: {problem}"
        return OutOfReach(f"{name}: cannot be fetched ({reason}): check the address and the network")


def fetched(url: str, limit: int) -> bytes:
    """In one request, and no more than a photo may have. Raises PhotoError where trying again would not help."""
    fs, path = opened(url)
    try:
        data = fs.cat_file(path, start=0, end=limit + 1)
    except FileNotFoundError:
        raise PhotoNotFound(f"{url}: expected a photo file, found none: check the address") from None
    except (PermissionError, IsADirectoryError) as problem:
        raise PhotoRefused(f"{url}: cannot be read ({problem}): check its permissions") from problem
    except Exception:
        # Servers refuse a range of nothing
        if fs.size(path) == 0:
            return b""
        raise
    if len(data) > limit:
        raise PhotoRefused(f"{url}: expected at most {limit} bytes, found more: shrink it")
    return data


def ahead(futures: Iterable[Future[Answer]], count: int) -> Iterator[Answer]:
    """What the futures give, in their order, `count` of them taken before they are asked for."""
    begun: deque[Future[Answer]] = deque()
    try:
        for future in futures:
            begun.append(future)
            if len(begun) >= count:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    finally:
        for future in begun:
            future.cancel()
