"""Speed of scans and queries: `python benchmarks/catalogue.py [--photos FOLDER] [--rows N] [--json FILE]`.

Prints, all measured in this one run on two cores:
  scan_photos_per_s   `rgnet scan` of FOLDER (default: 400 photos of 12 megapixels) into a new catalogue
  bound_photos_per_s  what decoding, in as many processes, plus inference alone would allow on the same cores
  rescan_x            seconds of that scan over seconds of the next one, of an unchanged folder
  peak_mb             peak memory of a scan of a fifth of the photos and of all, without its decoders
  query_ms            median of `top`, `show` and filters on N synthetic rows (1,000,000), and a scan's look-up of 500
                      paths in them and in a catalogue of 1,000
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from measure import CORES, describe_machine, use_two_cores, write_figures
from photos import twelve_megapixels

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.queries import find_entry, find_failed, find_scored
from rgnet.catalogue.selects import Filter
from rgnet.imaging.discovery import find_photos
from rgnet.imaging.jobs import DecodeJob
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.workers import DecodePool
from rgnet.scorer import BATCH, open_scorer
from rgnet.weights.file import read_model
from rgnet.weights.registry import find_model


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--photos", type=Path, help="folder of photos to scan")
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--skip", nargs="*", default=[], choices=["scan", "queries"])
    options.add_argument("--json", type=Path, help="also write the figures to this file")
    chosen = options.parse_args()
    use_two_cores()
    figures: dict = {"machine": describe_machine()}
    with tempfile.TemporaryDirectory() as scratch:
        if "scan" not in chosen.skip:
            figures |= measure_scans(Path(scratch), chosen.photos)
        if "queries" not in chosen.skip:
            figures |= measure_queries(Path(scratch), chosen.rows)
    print(json.dumps(figures, indent=2))
    write_figures(chosen.json, figures)


def measure_scans(scratch: Path, folder: Path | None) -> dict:
    if folder is None:
        folder = twelve_megapixels(scratch / "photos", 400)[0].parent
    paths = list(find_photos([folder]))
    part = scratch / "part"
    part.mkdir()
    for index, path in enumerate(paths[: len(paths) // 5]):
        shutil.copy2(path, part / f"{index:06}{path.suffix}")

    small_peak = scan(part, scratch / "part.sqlite")[1]
    first, large_peak = scan(folder, scratch / "whole.sqlite")
    second, _ = scan(folder, scratch / "whole.sqlite")
    third, _ = scan(folder, scratch / "whole.sqlite")
    decoding, inference = parts(paths)
    return {
        "photos": len(paths),
        "scan_photos_per_s": round(len(paths) / first, 1),
        "bound_photos_per_s": round(len(paths) / (decoding + inference), 1),
        "of_bound": round((decoding + inference) / first, 3),
        "rescan_x": round(first / min(second, third), 1),
        "rescan_s": round(min(second, third), 2),
        "peak_mb": {len(paths) // 5: small_peak, len(paths): large_peak},
    }


def scan(folder: Path, file: Path) -> tuple[float, int]:
    """Seconds of the command, its start included, and its peak megabytes."""
    command = [sys.executable, "-m", "rgnet", "scan", str(folder), "--catalogue", str(file)]
    start = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as running:
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    return time.perf_counter() - start, used.ru_maxrss // 1024


def parts(paths: list[Path]) -> tuple[float, float]:
    """Seconds of reading and decoding in processes, and of inference, each alone on the cores."""
    file = read_model(find_model(None))
    scorer = open_scorer(file, threads=CORES)
    policy, wanted = DecodePolicy(), file.card.preprocess
    jobs = [(path, DecodeJob(source=str(path), preprocess=wanted, policy=policy)) for path in paths]
    with DecodePool(CORES) as pool:
        list(pool.as_completed(jobs[: 2 * CORES]))
        start = time.perf_counter()
        for _ in pool.as_completed(jobs):
            pass
        decoding = time.perf_counter() - start
    pixels = np.zeros((BATCH, wanted.size, wanted.size, 3), np.uint8)
    scorer.engine.run(pixels)
    start = time.perf_counter()
    for _ in range(0, len(paths), BATCH):
        scorer.engine.run(pixels)
    return decoding, time.perf_counter() - start


def measure_queries(scratch: Path, rows: int) -> dict:
    small = make_catalogue(scratch / "small.sqlite", 1000)
    large = make_catalogue(scratch / "large.sqlite", rows)
    with Catalogue.open(small) as few, Catalogue.open(large) as many:
        wanted = partial(Filter, model="m")
        paths = [path_of(index) for index in range(0, 1000, 2)]
        spread = [path_of(index) for index in range(0, rows, rows // 500)][:500]
        asked: dict[str, Callable[[], object]] = {
            "top 20": lambda: list(find_scored(many, wanted(), limit=20)),
            "top 20 of a small folder": lambda: list(find_scored(many, wanted(folder="/p/007"), limit=20)),
            "top 20 of a folder that holds all": lambda: list(
                find_scored(many, wanted(folder="/p"), limit=20)
            ),
            "top 20 of a day": lambda: list(
                find_scored(many, wanted(since="2020-05-01", until="2020-05-01"), limit=20)
            ),
            "top 20 of two years": lambda: list(
                find_scored(many, wanted(since="2020-01-01", until="2021-12-31"), limit=20)
            ),
            "20 below 2": lambda: list(find_scored(many, wanted(highest=2.0), limit=20)),
            "20 errors": lambda: list(find_failed(many, wanted(), limit=20)),
            "show": lambda: find_entry(many, os.fsdecode(path_of(rows // 2)), "m"),
            "look-up of 500 paths": lambda: many.known_files(spread, "m"),
            "look-up of 500 paths among 1,000": lambda: few.known_files(paths, "m"),
        }
        return {
            "rows": rows,
            "query_ms": {name: round(1e3 * seconds(query), 2) for name, query in asked.items()},
        }


def seconds(query: Callable[[], object]) -> float:
    times = []
    for _ in range(7):
        start = time.perf_counter()
        query()
        times.append(time.perf_counter() - start)
    return median(times)


def path_of(index: int, folder: str = "/p") -> bytes:
    return f"{folder}/{index % 1000:03}/{index:07}.jpg".encode()


def make_catalogue(
    file: Path, rows: int, *, folder: str = "/p", model: str = "m", name: str = "invented"
) -> Path:
    """A catalogue of photos that do not exist; one in a thousand without a score."""
    draw = np.random.default_rng(0)
    scores, days = draw.normal(3, 0.6, rows).clip(1, 5), draw.integers(0, 3650, rows)
    first, votes = np.datetime64("2015-01-01"), bytes(392)
    taken = [f"{day}T12:00:00" for day in np.datetime_as_string(first + days)]
    with Catalogue.open(file, create=True) as catalogue, catalogue.transaction():
        catalogue.execute("INSERT INTO model VALUES (?, ?, 0, 1, 5)", (model, name))
        catalogue.execute_many(
            "INSERT INTO photo VALUES (?, ?, ?, 4000, 3000, ?, 'camera', 1)",
            ((index, index.to_bytes(32, "big"), 5_000_000 + index, taken[index]) for index in range(rows)),
        )
        catalogue.execute_many(
            "INSERT INTO path (path, photo, bytes, mtime, read) VALUES (?, ?, 1, 1, 1)",
            ((path_of(index, folder), index) for index in range(rows)),
        )
        catalogue.execute_many(
            """INSERT INTO score (photo, model, score, percentile, engine, notes, error, rows, votes)
            VALUES (?, ?, ?, 50, 'none', '[]', ?, 14, ?)""",
            (
                (index, model, *((float(score), None) if index % 1000 else (None, "damaged")), votes)
                for index, score in enumerate(scores)
            ),
        )
    return file


if __name__ == "__main__":
    main()
