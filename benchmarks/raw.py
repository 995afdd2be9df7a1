"""Camera raw: a score for every file of a folder, previews against developed pictures, and mutated files.

    python benchmarks/raw.py ../shared/photos/raw
    python benchmarks/raw.py ../shared/photos/raw --mutations 2000 [--seed 0]

Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import rgnet
from rgnet.errors import PhotoDecoderCrashed, PhotoTimedOut
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob
from rgnet.imaging.raw_preview import find_previews
from rgnet.imaging.workers import DecodePool
from rgnet.text import markdown_table


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--mutations", type=int, default=0)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--threads", type=int, default=1)
    chosen = options.parse_args()
    files = sorted(path for path in chosen.folder.glob("*/*") if path.is_file())
    with DecodePool(chosen.threads) as pool:
        if chosen.mutations:
            print(mutation_table(pool, files, chosen.mutations, chosen.seed))
        else:
            print(score_table(pool, files, chosen.threads))


# --- scores ----------------------------------------------------------------------------------------------


def score_table(pool: DecodePool, files: list[Path], threads: int) -> str:
    """A row per file: its score, that of the developed picture where a preview was scored, and how long it took."""
    scorer = rgnet.load(threads=threads)
    pool.submit(DecodeJob(source=str(files[0]), preprocess=scorer.preprocess)).result()

    def score(job: DecodeJob) -> tuple[float | None, str, float]:
        start = time.perf_counter()
        answer = pool.submit(job).result()
        seconds = time.perf_counter() - start
        (record,) = scorer.score_prepared([job.display_name], [answer.prepared_or_error])
        return record.score, record.error or "; ".join(record.notes), seconds

    rows = []
    for path in files:
        data, wanted = path.read_bytes(), {"name": path.name, "preprocess": scorer.preprocess}
        found, words, seconds = score(DecodeJob(source=data, **wanted))
        developed = None
        if words.startswith("camera raw: scored by"):
            developed, _, _ = score(DecodeJob(source=without_previews(data), **wanted))
        rows.append(
            (path.parent.name, path.name, text(found), text(developed), f"{1000 * seconds:.0f}", words)
        )
    return markdown_table(("folder", "file", "score", "developed", "ms", "notes or error"), rows)


def without_previews(data: bytes) -> bytes:
    """The same file, whose previews are none any more."""
    changed = bytearray(data)
    for preview in find_previews(data):
        changed[preview.start] = 0
    return bytes(changed)


def text(score: float | None) -> str:
    return "" if score is None else f"{score:.3f}"


# --- mutations -------------------------------------------------------------------------------------------


def mutation_table(pool: DecodePool, files: list[Path], count: int, seed: int) -> str:
    """What came of mutated files; each has an answer, or this fails."""
    outcomes, slowest, start = Counter[str](), 0.0, time.perf_counter()
    answered = 0
    for began, answer in pool.in_order(jobs(files, count, seed)):
        outcomes[outcome(answer)] += 1
        slowest = max(slowest, time.perf_counter() - began)
        answered += 1
    assert answered == count, f"{answered} answers for {count} files"
    rows = [*outcomes.most_common(), ("seconds in all", f"{time.perf_counter() - start:.0f}")]
    return markdown_table((f"{count} mutations of {len(files)} files, seed {seed}", "files"), rows)


def jobs(files: list[Path], count: int, seed: int) -> Iterator[tuple[float, DecodeJob]]:
    random = np.random.default_rng(seed)
    for index in range(count):
        path = files[index % len(files)]
        data = mutate(path.read_bytes(), random)
        yield time.perf_counter(), DecodeJob(source=data, name=path.name, pictures=(64,))


def mutate(data: bytes, random: np.random.Generator) -> bytes:
    """Bytes changed, near the front more often than elsewhere; a block erased, doubled or moved; or the end cut off."""
    changed = bytearray(data)
    reach = len(data) if random.random() < 0.4 else min(len(data), 4096)
    position, length = int(random.integers(reach)), int(random.integers(1, 256))
    match random.integers(6):
        case 0 | 1:
            for place in random.integers(reach, size=random.integers(1, 40)):
                changed[place] = random.integers(256)
        case 2:
            changed[position : position + length] = bytes(len(changed[position : position + length]))
        case 3:
            changed[position:position] = changed[position : position + length]
        case 4:
            del changed[position : position + length]
        case 5:
            del changed[int(random.integers(1, len(data) + 1)) :]
    return bytes(changed)


def outcome(answer: DecodedPhoto) -> str:
    if answer.error is None:
        return "decoded"
    if isinstance(answer.error, PhotoDecoderCrashed):
        return "crashed its process: a row that says so"
    if isinstance(answer.error, PhotoTimedOut):
        return "too late: a row that says so"
    return "refused"


if __name__ == "__main__":
    main()
