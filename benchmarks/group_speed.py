"""What look-alikes cost: `python benchmarks/group_speed.py FOLDER [--json FILE]`, with 1,000 photos or more in FOLDER.

Prints:
  speed  seconds to group 12,500 to 100,000 rows of a catalogue, and so how they grow
  scan   seconds of CPU that a scan of 1,000 photos takes, with and without measuring
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from measure import describe_machine, write_figures

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.scan import Scan
from rgnet.catalogue.selects import Filter
from rgnet.culling.look_alikes import find_groups
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob, run_job
from rgnet.imaging.measure import THUMBNAIL, TILES, Measurement

CPU = ("user", "system", "children_user", "children_system")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--json", type=Path, help="also write the figures to this file")
    options.add_argument("--only", nargs="*", default=("speed", "scan"), choices=("speed", "scan"))
    chosen = options.parse_args()
    figures: dict = {"machine": describe_machine()}
    if "speed" in chosen.only:
        figures["speed"] = speed()
    if "scan" in chosen.only:
        figures["scan"] = scan(sorted(chosen.folder.rglob("*.jpg"))[:1000])
    print(json.dumps(figures, indent=2))
    write_figures(chosen.json, figures)


# --- speed ---------------------------------------------------------------------------------------------------


def speed() -> dict:
    """Bursts of 1 to 10 frames, a minute apart on average."""
    found: dict = {}
    with tempfile.TemporaryDirectory() as scratch:
        for rows in (12_500, 25_000, 50_000, 100_000):
            file = invent_catalogue(Path(scratch) / f"{rows}.sqlite", rows)
            with Catalogue.open(file) as catalogue:
                start, began = time.process_time(), time.perf_counter()
                groups = find_groups(catalogue, Filter(model="m")).groups
                found[f"{rows} rows"] = {
                    "cpu_s": round(time.process_time() - start, 1),
                    "wall_s": round(time.perf_counter() - began, 1),
                    "groups": len(groups),
                }
    return found


def invent_catalogue(file: Path, rows: int) -> Path:
    """Bursts of photos that do not exist: each frame's thumbnail is that of its burst with noise."""
    draw = np.random.default_rng(0)
    burst = np.repeat(np.arange(rows), draw.integers(1, 11, rows))[:rows]
    second = np.cumsum(np.where(np.diff(burst, prepend=-1) > 0, draw.exponential(60, rows), 0.25))
    first = np.datetime64("2020-01-01T00:00:00", "ms") + (1000 * second).astype("timedelta64[ms]")
    taken = np.datetime_as_string(first.astype("datetime64[s]"))
    milliseconds = (1000 * second).astype(np.int64) % 1000
    scores, votes = draw.normal(3, 0.6, rows).clip(1, 5), bytes(392)
    with Catalogue.open(file, create=True) as catalogue, catalogue.transaction():
        catalogue.execute("INSERT INTO model VALUES ('m', 'invented', 0, 1, 5)")
        for index in range(rows):
            found = _invented(int(burst[index]), draw)
            catalogue.execute(
                "INSERT INTO photo VALUES (?, ?, ?, 6000, 4000, ?, 'camera', 1)",
                (index, index.to_bytes(32, "big"), 9_000_000 + index, str(taken[index])),
            )
            catalogue.execute(
                "INSERT INTO measurement VALUES (?, ?, ?, ?, ?, ?, 0.01, 4, 100, 0)",
                (index, found.hash - 2**63, found.thumbnail, found.sharpness, 0.0, int(milliseconds[index])),
            )
        catalogue.execute_many(
            "INSERT INTO path (path, photo, bytes, mtime, read) VALUES (?, ?, 1, 1, 1)",
            ((f"/p/{index // 1000:04}/{index:07}.jpg".encode(), index) for index in range(rows)),
        )
        catalogue.execute_many(
            """INSERT INTO score (photo, model, score, percentile, engine, notes, rows, votes)
            VALUES (?, 'm', ?, 50, 'none', '[]', 14, ?)""",
            ((index, float(score), votes) for index, score in enumerate(scores)),
        )
    return file


def _invented(burst: int, draw: np.random.Generator) -> Measurement:
    scene = np.random.default_rng(burst)
    hash = int(scene.integers(0, 2**63)) * 2
    for bit in draw.integers(0, 64, 5):
        hash ^= 1 << int(bit)
    thumbnail = scene.integers(0, 200, THUMBNAIL**2) + draw.integers(0, 40, THUMBNAIL**2)
    sharpness = draw.uniform(5, 20, TILES**2).astype(np.float16)
    return Measurement(thumbnail.astype(np.uint8).tobytes(), hash, sharpness.tobytes(), 0.0)


# --- what measuring costs a scan ---------------------------------------------------------------------------


def scan(paths: list[Path], rounds: int = 2) -> dict:
    """Seconds of CPU, of all processes, in turn with and without measuring; two processes decode."""
    import rgnet

    scorer = rgnet.load(threads=1)
    spent: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(rounds):
        for name, decode in (("without", decode_only), ("with", run_job)):
            spent[name].append(_scan_once(scorer, paths, decode))
    return {f"cpu_s {name}": [round(one, 2) for one in times] for name, times in spent.items()}


def _scan_once(scorer, paths: list[Path], decode) -> float:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "photos"
        folder.mkdir()
        for index, path in enumerate(paths):
            (folder / f"{index:05}.jpg").symlink_to(path)
        with Catalogue.open(Path(scratch) / "c.sqlite", create=True) as catalogue:
            run = Scan(catalogue, scorer.card, lambda: scorer, lambda *_: None, processes=2, decode=decode)
            times = os.times()
            run.run([folder])
            after = os.times()
    return sum(getattr(after, name) - getattr(times, name) for name in CPU)


def decode_only(job: DecodeJob) -> DecodedPhoto:
    return run_job(replace(job, measure=False))


if __name__ == "__main__":
    main()
