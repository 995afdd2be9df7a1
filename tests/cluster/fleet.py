"""Photos for workers, decoders that do harm, and what `rgnet score` says of the same photos."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.dataset
import pyarrow.parquet
from PIL import Image

import rgnet
from rgnet.cluster import run
from rgnet.cluster.plan import Plan, PlanRequest, finished_parts, load_or_create
from rgnet.cluster.store import Store
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob, run_job
from rgnet.outputs.tables import open_table
from rgnet.weights.file import read_card

BROKEN = b"\xff\xd8\xff\xe0 not a photo"


def photos(folder: Path, count: int) -> list[str]:
    """Of several shapes, each with pixels of its own; every tenth does not decode."""
    folder.mkdir(parents=True, exist_ok=True)
    paths, draw = [folder / f"{index:03}.png" for index in range(count)], np.random.default_rng(0)
    for index, path in enumerate(paths):
        pixels = draw.integers(0, 256, (5, 4, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize(((80, 100), (120, 60), (90, 90))[index % 3]).save(path)
        if index % 10 == 7:
            path.write_bytes(BROKEN)
    return [str(path) for path in paths]


def plan_of(store: Store, source: str | Path, model: Path, **asked) -> Plan:
    return load_or_create(store, PlanRequest(source=str(source), **asked), read_card(model), model)


def done(store: Store, found: Plan, pool: run.WorkerPool) -> dict[int, run.PartResult]:
    """What came of the parts that were missing."""
    missing = [part for part in range(found.parts) if part not in finished_parts(store, found)]
    return {result.part: result for result in run.run_parts(store, found, missing, pool)}


def rows(store: Store) -> pyarrow.Table:
    """All parts in their order."""
    names = sorted(name for name in store.names() if name.startswith("part-"))
    tables = [pyarrow.parquet.read_table(pyarrow.BufferReader(store.read(name))) for name in names]
    return pyarrow.concat_tables(tables)


def scored(names: list[str], model: Path, file: Path) -> pyarrow.Table:
    """The rows that `rgnet score --output` writes."""
    with open_table(file) as write:
        for record in rgnet.load(model).score_many(names):
            write(record)
    return pyarrow.parquet.read_table(file)


# Decoders, found by the decoding process through import


def deadly(job: DecodeJob) -> DecodedPhoto:
    """The first that meets a photo named kill-worker kills its worker; a photo named crash ends its own process."""
    path = Path(job.name)
    (path.parent / f"worker-{os.getppid()}").touch()
    if path.stem == "kill-worker" and not (path.parent / "killed").exists():
        (path.parent / "killed").write_text(str(os.getppid()))
        os.kill(os.getppid(), signal.SIGKILL)
    if path.stem.endswith("always-kill-worker"):
        os.kill(os.getppid(), signal.SIGKILL)
    if path.stem == "crash":
        os.abort()
    time.sleep(0.05)
    return run_job(job)
