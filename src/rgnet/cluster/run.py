"""One run: Ray Data hands the parts that are not there yet to a pool of workers, and tells what came of each.

Ray restarts a worker that died and gives its part out again. What is written is whole, so that a run may be ended at
any moment: the next one does the parts that are missing.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from rgnet.cluster import plan
from rgnet.cluster.plan import Plan
from rgnet.cluster.store import Store, is_url
from rgnet.cluster.worker import Outcome, Post, Worker
from rgnet.errors import ClusterError, RgnetError, need
from rgnet.imaging.jobs import run_job
from rgnet.imaging.workers import SECONDS, Decoder, cores

WITNESSES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Who does the work.

    workers: None for as many as there is room for
    cpus, gpus: of each worker
    address: of a Ray cluster; None for $RAY_ADDRESS, or else for this machine alone
    verbose: let Ray say what it does
    seconds, decode: as in Post
    """

    workers: int | None = None
    cpus: int = 1
    gpus: float = 0
    address: str | None = None
    verbose: bool = False
    seconds: float = SECONDS
    decode: Decoder = run_job

    def post(self, store: Store, found: Plan) -> Post:
        asked = {"seconds": self.seconds, "decode": self.decode, "cpus": self.cpus}
        return Post(store=store.url, witness=witness(found.names(store, 0)), **asked)


def run(store: Store, found: Plan, parts: list[int], pool: Pool) -> Iterator[Outcome]:
    """What came of each of these parts, as they are done. Raises ClusterError, or what a worker raised of ours."""
    if not parts:
        return
    with connected(pool) as ray, explained(ray):
        yield from outcomes(parts, pool, pool.post(store, found), pool.workers or room(ray, pool))
    store.sweep()


def outcomes(parts: list[int], pool: Pool, post: Post, workers: int) -> Iterator[Outcome]:
    data = quiet_data(pool.verbose)
    # One block a part, and one part a worker: what a worker has not begun, another may take
    listed = data.from_items([{"part": part} for part in parts], override_num_blocks=len(parts))
    done = listed.map_batches(
        Worker,
        fn_constructor_args=(post,),
        batch_size=1,
        batch_format="pyarrow",
        compute=data.ActorPoolStrategy(size=min(workers, len(parts)), max_tasks_in_flight_per_actor=1),
        num_cpus=pool.cpus,
        num_gpus=pool.gpus or None,
    )
    for row in done.iter_rows():
        yield Outcome(**row)


@contextlib.contextmanager
def connected(pool: Pool) -> Iterator[ModuleType]:
    """Ray, started here or joined at the address; left alone where the caller has started it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = need("ray", extra="cluster", purpose="rgnet cluster")
    if ray.is_initialized():
        yield ray
        return
    address = pool.address or os.environ.get("RAY_ADDRESS") or "local"
    level = logging.INFO if pool.verbose else logging.ERROR
    if not pool.verbose:
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    options = {"log_to_driver": pool.verbose, "logging_level": level}
    try:
        with contextlib.nullcontext() if pool.verbose else silent():
            ray.init(address, **options, **(here(pool) if address == "local" else {}))
    except (ConnectionError, ValueError, RuntimeError) as problem:
        raise ClusterError(
            f"there is no Ray cluster at {address} ({problem}): start one, or check it"
        ) from problem
    try:
        yield ray
    finally:
        ray.shutdown()


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Nothing on standard error, from C++ neither: Ray announces there how loud it is going to be."""
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def here(pool: Pool) -> dict[str, Any]:
    """How Ray starts on this machine: with room for the workers asked for, whatever the cores."""
    asked = {"num_cpus": max(cores(), pool.workers * pool.cpus)} if pool.workers else {"num_cpus": cores()}
    return {**asked, "include_dashboard": False, "object_store_memory": 256 * 2**20}


def room(ray: ModuleType, pool: Pool) -> int:
    """Workers that the cluster's processors and cards, as they are now, have room for."""
    there = ray.cluster_resources()
    fits = [int(there.get("CPU", 0) // pool.cpus)]
    fits += [int(there.get("GPU", 0) // pool.gpus)] if pool.gpus else []
    if min(fits) < 1:
        raise ClusterError(
            f"a worker needs {pool.cpus} processors and {pool.gpus:g} cards, the cluster has {there.get('CPU', 0):g} "
            f"and {there.get('GPU', 0):g}: ask for less a worker, or say --workers where the cluster grows by itself"
        )
    return min(fits)


def quiet_data(verbose: bool) -> ModuleType:
    data = need("ray.data", extra="cluster", purpose="rgnet cluster")
    if not verbose:
        data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    return data


@contextlib.contextmanager
def explained(ray: ModuleType) -> Iterator[None]:
    """Of an error of Ray's, what of ours lies at its root, or its last line."""
    try:
        yield
    except ray.exceptions.RayError as problem:
        cause: BaseException | None = problem
        while cause and not isinstance(cause, RgnetError):
            cause = getattr(cause, "cause", None) or cause.__cause__
        if cause:
            raise cause from None
        reason = str(problem).strip().splitlines()[-1]
        raise ClusterError(
            f"Ray gave up ({reason}): --verbose shows its log; the same command goes on"
        ) from problem


def witness(names: list[str]) -> str:
    """The first local photo that is there, in the first few."""
    paths = (name for name in names[:WITNESSES] if not is_url(name))
    return next((os.path.abspath(path) for path in paths if os.path.exists(path)), "")  # noqa: PTH100, PTH110


def failed_before(store: Store, parts: set[int]) -> int:
    """Rows without a score in parts that were there already."""
    if not parts:
        return 0
    arrow = need("pyarrow.dataset", extra="cluster", purpose="reading Parquet")
    paths = [f"{store.root}/{plan.part_file(part)}" for part in sorted(parts)]
    rows = arrow.dataset(paths, filesystem=store.fs, format="parquet")
    return rows.count_rows(filter=arrow.field("error").is_valid())
