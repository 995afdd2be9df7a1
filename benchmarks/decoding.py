"""Decode every file of a folder in a process of its own: what is refused, the slowest file, the peak memory.

    python benchmarks/decoding.py ../shared/photos/hard [--whole]

Prints a Markdown table with a row per subfolder.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from rgnet.text import markdown_table

CHILD = """
import json, resource, sys, time
from rgnet.errors import PhotoError
from rgnet.imaging.decode import decode

start = time.perf_counter()
try:
    decode(sys.argv[1], at_least=(300, 300) if sys.argv[2] == "fitted" else None)
    outcome = "decoded"
except PhotoError:
    outcome = "refused"
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([outcome, time.perf_counter() - start, peak]))
"""
OUTCOMES = ("decoded", "refused", "crashed")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument(
        "--whole", action="store_true", help="decode at full size, not at 300 x 300 as scoring does"
    )
    chosen = options.parse_args()
    size = "whole" if chosen.whole else "fitted"
    folders = sorted(path for path in chosen.folder.iterdir() if path.is_dir())
    header = (f"folder ({size})", "files", *OUTCOMES, "slowest, s", "peak, MB")
    print(markdown_table(header, [row for folder in folders if (row := measure_folder(folder, size))]))


def measure_folder(folder: Path, size: str) -> tuple[object, ...]:
    """A row of the table; () for a folder without files."""
    results = [measure(file, size) for file in sorted(folder.rglob("*")) if file.is_file()]
    if not results:
        return ()
    counts = [sum(outcome == one for outcome, _, _ in results) for one in OUTCOMES]
    slowest, peak = max(seconds for _, seconds, _ in results), max(megabytes for _, _, megabytes in results)
    return (folder.name, len(results), *counts, f"{slowest:.2f}", f"{peak:.0f}")


def measure(file: Path, size: str) -> tuple[str, float, float]:
    """Outcome, seconds and peak megabytes."""
    child = subprocess.run([sys.executable, "-c", CHILD, str(file), size], capture_output=True, text=True)
    if child.returncode != 0:
        return "crashed", 0.0, 0.0
    outcome, seconds, megabytes = json.loads(child.stdout)
    return outcome, seconds, megabytes


if __name__ == "__main__":
    main()
