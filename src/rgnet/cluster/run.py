"""A run: Ray Data gives the parts that are missing to a pool of workers, and reports the result of each.

Ray restarts a worker that died and starts its part again, MAX_ATTEMPTS times in all. Parts are written atomically, so
a run may be stopped at any moment: the next one does the parts that are missing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from rgnet.cluster import plan
from rgnet.cluster.plan import Plan
from rgnet.cluster.store import Store, is_url
from rgnet.cluster.worker import PartResult, Worker, WorkerSettings
from rgnet.errors import ClusterError, RgnetError, need
from rgnet.imaging.jobs import run_job
from rgnet.imaging.policy import SECONDS
from rgnet.imaging.workers import Decoder, cores

_PROBED_NAMES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPool:
    """The workers of a run.

    workers:    their number; None: as many as the cluster has room for
    cpus, gpus: of each worker
    address:    of a Ray cluster; None: $RAY_ADDRESS, or else this machine alone
    verbose:    show Ray's log
    seconds, decode: as in WorkerSettings
    """

    workers: int | None = None
    cpus: int = 1
    gpus: float = 0
    address: str | None = None
    verbose: bool = False
    seconds: float = SECONDS
    decode: Decoder = run_job

    def settings(self, store: Store, plan: Plan) -> WorkerSettings:
        return WorkerSettings(
            store=store.url,
            run=uuid.uuid4().hex[:12],
            cpus=self.cpus,
            probe=_find_probe(plan.names(store, 0)),
            seconds=self.seconds,
            decode=self.decode,
        )


def run_parts(store: Store, plan: Plan, parts: list[int], pool: WorkerPool) -> Iterator[PartResult]:
    """Results of these parts, as they are done. Raises ClusterError, or what a worker raised of rgnet's errors."""
    if not parts:
        return
    with connect(pool) as ray, _ray_errors_explained(ray):
        yield from _map_parts(
            parts, pool, pool.settings(store, plan), pool.workers or _count_workers(ray, pool)
        )
    _clean_up(store)


def count_failed(store: Store, parts: set[int]) -> int:
    """Rows without a score in finished parts. Raises ClusterError where one is damaged."""
    if not parts:
        return 0
    arrow = need("pyarrow.dataset", extra="cluster", purpose="reading Parquet")
    paths = [f"{store.root}/{plan.part_file(part)}" for part in sorted(parts)]

    def count(some: list[str]) -> int:
        rows = arrow.dataset(some, filesystem=store.fs, format="parquet")
        return rows.count_rows(filter=arrow.field("error").is_valid())

    try:
        return count(paths)
    except Exception:
        # Arrow's message seldom names the file
        for path in paths:
            try:
                count([path])
            except Exception as problem:
                url = store.fs.unstrip_protocol(path)
                raise ClusterError(
                    f"{url} is damaged ({_last_line(problem)}): delete it, and the same command scores its photos again"
                ) from problem
        raise


def _map_parts(
    parts: list[int], pool: WorkerPool, settings: WorkerSettings, workers: int
) -> Iterator[PartResult]:
    data = _ray_data(verbose=pool.verbose)
    # One block per part, and one part per worker: what a worker has not begun, another one may take
    blocks = data.from_items([{"part": part} for part in parts], override_num_blocks=len(parts))
    results = blocks.map_batches(
        Worker,
        fn_constructor_args=(settings,),
        batch_size=1,
        batch_format="pyarrow",
        compute=data.ActorPoolStrategy(size=min(workers, len(parts)), max_tasks_in_flight_per_actor=1),
        num_cpus=pool.cpus,
        num_gpus=pool.gpus or None,
    )
    for row in results.iter_rows():
        yield PartResult(**row)


def _clean_up(store: Store) -> None:
    """What counted attempts, and what killed workers left. That it cannot be removed spoils no rows."""
    with contextlib.suppress(Exception):
        store.remove_folder(plan.ATTEMPTS)
    with contextlib.suppress(OSError):
        store.remove_leftovers()


# --- Ray -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def connect(pool: WorkerPool) -> Iterator[ModuleType]:
    """Ray, started here or joined at the address; left running where the caller started it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray = need("ray", extra="cluster", purpose="rgnet cluster")
    if ray.is_initialized():
        yield ray
        return
    address = pool.address or os.environ.get("RAY_ADDRESS") or "local"
    level = logging.INFO if pool.verbose else logging.ERROR
    if not pool.verbose:
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    options: dict[str, Any] = {"log_to_driver": pool.verbose, "logging_level": level}
    if address == "local":
        options |= _local_options(pool)
    try:
        with contextlib.nullcontext() if pool.verbose else _silenced_stderr():
            ray.init(address, **options)
    except (ConnectionError, ValueError, RuntimeError) as problem:
        raise ClusterError(
            f"there is no Ray cluster at {address} ({problem}): start one, or check the address"
        ) from problem
    try:
        yield ray
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _silenced_stderr() -> Iterator[None]:
    """Nothing on standard error, not even from C++: Ray announces its log level there."""
    original = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)


def _local_options(pool: WorkerPool) -> dict[str, Any]:
    """Ray on this machine has room for the workers asked for, however many cores there are."""
    cpus = max(cores(), (pool.workers or 0) * pool.cpus)
    return {"num_cpus": cpus, "include_dashboard": False, "object_store_memory": 256 * 2**20}


def _count_workers(ray: ModuleType, pool: WorkerPool) -> int:
    """Workers that the cluster's CPUs and GPUs, as they are now, have room for."""
    available = ray.cluster_resources()
    fits = [int(available.get("CPU", 0) // pool.cpus)]
    fits += [int(available.get("GPU", 0) // pool.gpus)] if pool.gpus else []
    if min(fits) < 1:
        raise ClusterError(
            f"a worker needs {pool.cpus} CPUs and {pool.gpus:g} GPUs, the cluster has {available.get('CPU', 0):g} "
            f"and {available.get('GPU', 0):g}: ask for less per worker, or give --workers if the cluster can grow"
        )
    return min(fits)


def _ray_data(*, verbose: bool) -> ModuleType:
    data = need("ray.data", extra="cluster", purpose="rgnet cluster")
    if not verbose:
        data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    return data


@contextlib.contextmanager
def _ray_errors_explained(ray: ModuleType) -> Iterator[None]:
    """For an error of Ray's: the error of rgnet's at its root, or its last line."""
    try:
        yield
    except ray.exceptions.RayError as problem:
        cause: BaseException | None = problem
        while cause and not isinstance(cause, RgnetError):
            cause = getattr(cause, "cause", None) or cause.__cause__
        if cause:
            raise cause from None
        raise ClusterError(
            f"Ray gave up ({_last_line(problem)}): --verbose shows its log; run the same command again to resume"
        ) from problem


def _last_line(problem: BaseException) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[-1]


def _find_probe(names: list[str]) -> str:
    """The first local photo that exists, among the first few."""
    paths = (name for name in names[:_PROBED_NAMES] if not is_url(name))
    return next((os.path.abspath(path) for path in paths if os.path.exists(path)), "")  # noqa: PTH100, PTH110
