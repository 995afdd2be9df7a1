"""The overhead of Ray on two cores: `python benchmarks/cluster.py [--json FILE]`.

Prints, all measured in this one run, over the same 12-megapixel JPEG files and the default model:
  score_photos_per_s    `Scorer.score_many` with two threads, as `rgnet score` runs it
  workers               `rgnet cluster` with two workers of one core, and with one worker of two:
    photos_per_s        after every worker has done its first part
    ratio               of that to score_photos_per_s; the aim is 0.85
    start_s             from the call to the first part, with Ray running
    worker_mb           resident memory of a worker and of its decoding processes, the largest seen
  ray_start_s           Ray's own start on this machine
  s_per_part            overhead of Ray and of the file for a part: of one photo of 16 x 16 pixels, minus its scoring
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import psutil
from measure import CORES, describe_machine, use_two_cores, write_figures

PART = 8
ROUNDS = 3
TINY = 400


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--json", type=Path, help="also write the figures to this file")
    options.add_argument("--photos", type=Path, help="keep the 12-megapixel photos here for the next run")
    options.add_argument("--count", type=int, default=200)
    chosen = options.parse_args()
    use_two_cores()
    with tempfile.TemporaryDirectory() as scratch:
        figures = {"machine": describe_machine()} | measure(Path(scratch), chosen.photos, chosen.count)
    print(json.dumps(figures, indent=2))
    write_figures(chosen.json, figures)


def measure(scratch: Path, photos: Path | None, count: int) -> dict:
    from photos import twelve_megapixels

    from rgnet.cluster.run import WorkerPool, connect

    paths = twelve_megapixels(photos or scratch / "photos", count)
    (scratch / "list.txt").write_text("".join(f"{path}\n" for path in paths))
    figures: dict = {"photos": count, "score_photos_per_s": round(score_rate(paths), 1)}
    begun = time.perf_counter()
    with connect(WorkerPool()):
        figures["ray_start_s"] = round(time.perf_counter() - begun, 1)
        figures["workers"] = {}
        for workers, cpus in ((CORES, 1), (1, CORES)):
            found = cluster_rate(scratch, f"{workers}x{cpus}", WorkerPool(workers=workers, cpus=cpus))
            found["ratio"] = round(found["photos_per_s"] / figures["score_photos_per_s"], 3)
            figures["workers"][f"{workers} of {cpus} cores"] = found
            print(json.dumps(figures, indent=2), file=sys.stderr, flush=True)
        figures["s_per_part"] = round(per_part(scratch), 4)
    return figures


def score_rate(paths: list[Path]) -> float:
    import rgnet

    scorer, seconds = rgnet.load(threads=CORES), []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        assert all(record.ok for record in scorer.score_many(paths))
        seconds.append(time.perf_counter() - begun)
    return len(paths) / median(seconds)


def cluster_rate(scratch: Path, name: str, pool) -> dict:
    """The rate from the moment when every worker has done its first part to the last part."""
    begun, arrived, megabytes = time.perf_counter(), [], 0
    for result in run(scratch, name, "list.txt", pool, PART):
        assert result.failed == 0 and not result.skipped
        arrived.append((time.perf_counter(), result.scored))
        megabytes = max(megabytes, largest_worker())
    (start, _), (end, _) = arrived[pool.workers], arrived[-1]
    rate = sum(scored for _, scored in arrived[pool.workers + 1 :]) / (end - start)
    return {
        "photos_per_s": round(rate, 1),
        "start_s": round(arrived[0][0] - begun, 1),
        "worker_mb": megabytes,
    }


def per_part(scratch: Path) -> float:
    """Seconds of a worker for a part of one tiny photo, minus the scoring."""
    from PIL import Image

    import rgnet
    from rgnet.cluster.run import WorkerPool

    Image.new("RGB", (16, 16), "grey").save(scratch / "tiny.png")
    (scratch / "tiny.txt").write_text(f"{scratch / 'tiny.png'}\n" * TINY)
    arrived = [
        time.perf_counter() for _ in run(scratch, "tiny", "tiny.txt", WorkerPool(workers=1), part=1, batch=1)
    ]
    scorer = rgnet.load(threads=1)
    scorer.score(scratch / "tiny.png")
    begun = time.perf_counter()
    for _ in range(TINY):
        scorer.score(scratch / "tiny.png")
    return (arrived[-1] - arrived[0]) / (TINY - 1) - (time.perf_counter() - begun) / TINY


def run(scratch: Path, name: str, listed: str, pool, part: int, batch: int | None = None):
    from rgnet.cluster.plan import PlanRequest, load_or_create
    from rgnet.cluster.run import run_parts
    from rgnet.cluster.store import Store
    from rgnet.weights.file import read_card
    from rgnet.weights.registry import find_model

    store, model = Store(str(scratch / name)), find_model(None)
    request = PlanRequest(source=str(scratch / listed), part_size=part, batch=batch)
    plan = load_or_create(store, request, read_card(model), model)
    return run_parts(store, plan, list(range(plan.parts)), pool)


def largest_worker() -> int:
    """Megabytes of the largest of Ray's workers, with its child processes."""
    sizes = [0]
    for process in psutil.Process().children(recursive=True):
        try:
            if "MapWorker" in process.name() or "MapWorker" in " ".join(process.cmdline()):
                family = [process, *process.children(recursive=True)]
                sizes.append(sum(one.memory_info().rss for one in family) // 2**20)
        except psutil.Error:
            continue
    return max(sizes)


if __name__ == "__main__":
    main()
