"""An exam as a folder: exam.json for programs, exam.md and exam.png for people, exam.csv with every photo's score."""

from __future__ import annotations

import csv
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rgnet.atomic import make_writable_folder, replacing
from rgnet.errors import SettingError
from rgnet.evaluation.evaluate import Exam
from rgnet.evaluation.figures import draw
from rgnet.evaluation.predictions import Answers
from rgnet.text import markdown_table


def check_report(folder: Path) -> None:
    """Make the folder of a report, or say before hours of scoring that it cannot be written."""
    if folder.suffix in (".json", ".md", ".png", ".csv"):
        raise SettingError(f"a report is a folder of four files: give --output a folder, not {folder.name}")
    make_writable_folder(folder)


def write_report(folder: Path, exam: Exam, answers: Answers) -> None:
    """Write or replace the four files of a report: all of them or, where one cannot be written, none."""
    writers = {
        "exam.json": lambda path: write_json(path, exam.to_dict()),
        "exam.md": lambda path: path.write_text(markdown(exam), encoding="utf-8"),
        "exam.png": lambda path: draw(exam, answers, path),
        "exam.csv": lambda path: write_scores(path, answers),
    }
    with ExitStack() as files:
        for name, write in writers.items():
            write(files.enter_context(replacing(folder / name)))


def write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def write_scores(path: Path, answers: Answers) -> None:
    """A row a photo in the order of the list. `score` is the model's own number, as `rgnet score` prints it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("photo", "score", "human", "said_high", "is_high"))
        columns = zip(
            answers.photos, answers.records, answers.said_N.tolist(), answers.high_N.tolist(), strict=True
        )
        rows.writerows(
            (photo.key, record.score, photo.mean, int(said), int(high))
            for photo, record, said, high in columns
        )


def markdown(exam: Exam) -> str:
    low, high = exam.scale
    parts = [
        f"# {exam.model} on {exam.data}, {exam.split}",
        f"{exam.photos} photos (list `{exam.list_hash}`), {len(exam.failures)} without a score. "
        f"Model `{exam.model_hash}`, engine {exam.engine}, rgnet {exam.rgnet}. Scale {low:g} to {high:g}.",
        f"95 % intervals over {exam.resamples:,} bootstrap draws of the photos in brackets.",
        markdown_table(
            ("figure", "value"),
            [
                *exam.figures().items(),
                (f"base rate (mean of {exam.threshold:g} or more)", f"{exam.base_rate:.4f}"),
            ],
        ),
        *stability_part(exam),
        "## Has the model met these photos?",
        f"Leaks: {exam.leaks}.",
        "## By kind of photo",
        markdown_table(
            ("by", "kind", "photos", "SRCC", "accuracy"),
            [
                (part.by, part.kind, part.photos, part.srcc or "too few", part.accuracy or "too few")
                for part in exam.slices
            ],
        ),
        "## Scores against people, in tenths of the scores",
        markdown_table(
            ("photos", "mean score", "people's mean"),
            [(tenth.photos, f"{tenth.score:.3f}", tenth.human) for tenth in exam.calibration],
        ),
        "## The ten worst misses",
        markdown_table(
            ("photo", "score", "people"),
            [(miss.photo, f"{miss.score:.3f}", f"{miss.human:.3f}") for miss in exam.worst],
        ),
        "![scores against people, calibration, kinds of photos and the worst misses](exam.png)",
        *failures_part(exam),
        "## How photos were fed",
        ", ".join(f"{name} {value}" for name, value in exam.preprocess.items()) + ".",
        *exam.notes,
    ]
    return "\n\n".join(parts) + "\n"


def stability_part(exam: Exam) -> list[str]:
    if not exam.stability:
        return []
    rows = [
        (shift.change, shift.photos, f"{shift.mean:.4f}", f"{shift.largest:.4f}", f"{shift.srcc:.4f}")
        if shift.photos
        else (shift.change, 0, "does not apply", "", "")
        for shift in exam.stability
    ]
    heads = ("a photo is", "photos", "mean move", "largest move", "SRCC of before and after")
    return ["## How far a score moves, in points of the model's scale", markdown_table(heads, rows)]


def failures_part(exam: Exam) -> list[str]:
    if not exam.failures:
        return []
    rows = [(failure.photo, failure.error) for failure in exam.failures]
    return ["## Photos without a score, left out of every figure", markdown_table(("photo", "why"), rows)]
