"""Damaged photos through `rgnet score`: `python benchmarks/mutations.py FOLDER [FOLDER ...] [--count 5000]`.

Takes good photos of the folders, damages copies of them at random (the same with the same --seed), and scores them in
batches. Prints, and exits with 1 where one of the first four is not 0:
  missing    files without a row
  commands   batches that did not end with exit code 0 or 3
  crashed    photos that crashed their decoder twice
  late       photos that took more than --timeout seconds twice
  scored, refused, seconds, and the peak memory of any process in MB
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measure import describe_machine, write_figures

BATCH = 500
# In bytes: larger photos would fill the disk with the same damage
LARGEST = 3_000_000
HEADER = 1024
BAD = ("missing", "commands", "crashed", "late")

Draw = np.random.Generator


def flip(data: bytearray, draw: Draw) -> None:
    for place in draw.integers(0, len(data), draw.integers(1, 20)):
        data[place] ^= 1 << draw.integers(8)


def damage_header(data: bytearray, draw: Draw) -> None:
    for place in draw.integers(0, min(HEADER, len(data)), draw.integers(1, 8)):
        data[place] = draw.integers(256)


def widen_field(data: bytearray, draw: Draw) -> None:
    """The largest, smallest or any number into a field of the header: lengths, offsets, sizes."""
    size = int(draw.choice((2, 4)))
    place = int(draw.integers(0, min(HEADER, len(data))))
    number = (b"\xff" * size, b"\x7f" + b"\xff" * (size - 1), bytes(size), draw.bytes(size))
    data[place : place + size] = number[draw.integers(len(number))]


def cut(data: bytearray, draw: Draw) -> None:
    del data[int(draw.integers(1, len(data))) :]


def insert(data: bytearray, draw: Draw) -> None:
    place = int(draw.integers(0, len(data)))
    data[place:place] = draw.bytes(int(draw.integers(1, 200)))


def remove(data: bytearray, draw: Draw) -> None:
    place = int(draw.integers(0, len(data)))
    del data[place : place + int(draw.integers(1, 2000))]


def repeat(data: bytearray, draw: Draw) -> None:
    """A piece once more, up to a hundred times: scans, tags, boxes."""
    place, size = int(draw.integers(0, len(data))), int(draw.integers(1, 2000))
    data[place:place] = bytes(data[place : place + size]) * int(draw.integers(1, 100))


DAMAGE: tuple[Callable[[bytearray, Draw], None], ...] = (
    flip,
    damage_header,
    widen_field,
    cut,
    insert,
    remove,
    repeat,
)


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("folders", type=Path, nargs="+", help="good photos, searched with their subfolders")
    options.add_argument("--count", type=int, default=5000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--timeout", type=float, default=10.0)
    options.add_argument("--keep", type=Path, help="a folder for the photos that crash or are late")
    options.add_argument("--json", type=Path, help="also write the figures to this file")
    chosen = options.parse_args()
    photos = [
        path
        for folder in chosen.folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and 0 < path.stat().st_size <= LARGEST
    ]
    draw, figures = np.random.default_rng(chosen.seed), Counter[str]()
    for start in range(0, chosen.count, BATCH):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "photos"
            folder.mkdir()
            for index in range(start, min(start + BATCH, chosen.count)):
                write_damaged(photos[draw.integers(len(photos))], folder, index, draw)
            score(folder, figures, chosen.timeout, chosen.keep)
        print(json.dumps(figures), flush=True)
    write_figures(
        chosen.json, {"machine": describe_machine(), "photos": chosen.count, "of": len(photos), **figures}
    )
    sys.exit(any(figures[name] for name in BAD))


def write_damaged(source: Path, folder: Path, index: int, draw: Draw) -> None:
    data = bytearray(source.read_bytes())
    for _ in range(draw.integers(1, 4)):
        if data:
            DAMAGE[draw.integers(len(DAMAGE))](data, draw)
    (folder / f"{index:06}-{source.name}").write_bytes(data)


def score(folder: Path, figures: Counter[str], timeout: float, keep: Path | None) -> None:
    """One batch, added to the figures."""
    table, start = folder.parent / "rows.csv", time.perf_counter()
    command = [sys.executable, "-m", "rgnet", "score", str(folder), "-o", str(table)]
    process = subprocess.Popen(
        [*command, "--timeout", str(timeout)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    # Of the command and of every process that it has waited for
    _, status, usage = os.wait4(process.pid, 0)
    figures["seconds"] += round(time.perf_counter() - start)
    figures["peak_mb"] = max(figures["peak_mb"], usage.ru_maxrss // 1024)
    figures["commands"] += os.waitstatus_to_exitcode(status) not in (0, 3)
    rows = {}
    if table.exists():
        with table.open(newline="") as lines:
            rows = {Path(row["path"]).name: row["error"] for row in csv.DictReader(lines)}
    for path in folder.iterdir():
        kind = classify(rows.get(path.name))
        figures[kind] += 1
        if keep and kind in BAD:
            keep.mkdir(parents=True, exist_ok=True)
            path.rename(keep / path.name)


def classify(error: str | None) -> str:
    if error is None:
        return "missing"
    if "crashed its decoder" in error:
        return "crashed"
    if "decoding this photo took more than" in error:
        return "late"
    return "refused" if error else "scored"


if __name__ == "__main__":
    main()
