"""What every benchmark does: use two cores, name the machine, take a median, write the figures."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

CORES = 2
ROUNDS = 3


def use_two_cores() -> None:
    """Bind this process, and those it starts from now on, to two cores where the system allows it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:CORES]))


def describe_machine() -> str:
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    return f"{model}, {CORES} cores used of {os.cpu_count()}"


def median_seconds(work: Callable[[], object], *, rounds: int = ROUNDS) -> float:
    """Median seconds of `rounds` runs, after one to warm up."""
    work()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return median(seconds)


def write_figures(file: Path | None, figures: dict[str, Any]) -> None:
    """To the file of --json, where one was given."""
    if file is not None:
        file.write_text(json.dumps(figures, indent=2) + "\n")
