"""An evaluation as a folder: evaluation.json, .md, .png, and .csv with every photo's score."""

from __future__ import annotations

import csv
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rgnet.atomic import make_writable_folder, replacing
from rgnet.errors import SettingError
from rgnet.evaluation.evaluate import Evaluation
from rgnet.evaluation.figures import draw_evaluation
from rgnet.evaluation.predictions import Predictions
from rgnet.text import markdown_table


def check_report(folder: Path) -> None:
    """Make the folder of a report, and refuse one that cannot be written to before hours of scoring."""
    if folder.suffix in (".json", ".md", ".png", ".csv"):
        raise SettingError(f"a report is a folder of four files: give --output a folder, not {folder.name}")
    make_writable_folder(folder)


def write_report(folder: Path, evaluation: Evaluation, predictions: Predictions) -> None:
    """Write or replace the four files of a report: all of them or, where one cannot be written, none."""
    writers = {
        "evaluation.json": lambda path: write_json(path, evaluation.to_dict()),
        "evaluation.md": lambda path: path.write_text(markdown(evaluation), encoding="utf-8"),
        "evaluation.png": lambda path: draw_evaluation(evaluation, predictions, path),
        "evaluation.csv": lambda path: write_scores(path, predictions),
    }
    with ExitStack() as files:
        for name, write in writers.items():
            write(files.enter_context(replacing(folder / name)))


def write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def write_scores(path: Path, predictions: Predictions) -> None:
    """A row per photo in the order of the list. `score` is the model's own number, as `rgnet score` prints it."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("photo", "score", "human", "predicted_high", "is_high"))
        columns = zip(
            predictions.photos,
            predictions.records,
            predictions.predicted_high_N.tolist(),
            predictions.high_N.tolist(),
            strict=True,
        )
        rows.writerows(
            (photo.key, record.score, photo.mean, int(predicted), int(high))
            for photo, record, predicted, high in columns
        )


def markdown(evaluation: Evaluation) -> str:
    low, high = evaluation.scale
    parts = [
        f"# {evaluation.model} on {evaluation.data}, {evaluation.split}",
        f"{evaluation.photos} photos (list `{evaluation.list_hash}`), {len(evaluation.failures)} without a score. "
        f"Model `{evaluation.model_hash}`, engine {evaluation.engine}, rgnet {evaluation.rgnet}. "
        f"Scale {low:g} to {high:g}.",
        f"95 % intervals over {evaluation.resamples:,} bootstrap resamples of the photos in brackets.",
        markdown_table(
            ("metric", "value"),
            [
                *evaluation.metrics().items(),
                (f"base rate (mean of {evaluation.threshold:g} or more)", f"{evaluation.base_rate:.4f}"),
            ],
        ),
        *_stability_part(evaluation),
        "## Was the model trained on these photos?",
        f"Leaks: {evaluation.leaks}.",
        "## By kind of photo",
        markdown_table(
            ("by", "kind", "photos", "SRCC", "accuracy"),
            [
                (part.by, part.kind, part.photos, part.srcc or "too few", part.accuracy or "too few")
                for part in evaluation.slices
            ],
        ),
        "## Scores against people, in tenths of the scores",
        markdown_table(
            ("photos", "mean score", "people's mean"),
            [(part.photos, f"{part.score:.3f}", part.human) for part in evaluation.calibration],
        ),
        "## The ten worst cases",
        markdown_table(
            ("photo", "score", "people"),
            [(case.photo, f"{case.score:.3f}", f"{case.human:.3f}") for case in evaluation.worst],
        ),
        "![scores against people, calibration, kinds of photos and the worst cases](evaluation.png)",
        *_failures_part(evaluation),
        "## Preprocessing",
        ", ".join(f"{name} {value}" for name, value in evaluation.preprocess.items()) + ".",
        *evaluation.notes,
    ]
    return "\n\n".join(parts) + "\n"


def _stability_part(evaluation: Evaluation) -> list[str]:
    if not evaluation.stability:
        return []
    rows = [
        (shift.change, shift.photos, f"{shift.mean:.4f}", f"{shift.largest:.4f}", f"{shift.srcc:.4f}")
        if shift.photos
        else (shift.change, 0, "does not apply", "", "")
        for shift in evaluation.stability
    ]
    header = ("a photo is", "photos", "mean change", "largest change", "SRCC of before and after")
    return [
        "## Stability: how far a score moves, in points of the model's scale",
        markdown_table(header, rows),
    ]


def _failures_part(evaluation: Evaluation) -> list[str]:
    if not evaluation.failures:
        return []
    rows = [(failure.photo, failure.error) for failure in evaluation.failures]
    return ["## Photos without a score, excluded from every metric", markdown_table(("photo", "why"), rows)]
