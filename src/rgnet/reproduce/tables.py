"""An experiment's rows as JSON, with all that is needed to repeat it, and as Markdown beside the paper's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from rgnet.datasets.records import list_hash
from rgnet.reproduce.experiments import Experiment
from rgnet.reproduce.runs import Run, Workplace
from rgnet.reproduce.statistics import Difference, Interval, Row, Spread
from rgnet.text import markdown_table
from rgnet.training.recipes import Recipe

NOTHING = "—"
COLUMNS = {"accuracy": "accuracy, %", "average_precision": "AP", "srcc": "SRCC", "plcc": "PLCC"}


def report_of(
    experiment: Experiment, rows: Sequence[Row], recipe: Recipe, workplace: Workplace, *, command: str
) -> dict[str, Any]:
    """Everything in the table, each run's own figures, and what they were made from."""
    photos, exam = workplace.photos, workplace.exam
    return {
        "title": experiment.title,
        "paper": experiment.paper,
        "reference": experiment.reference,
        "data": photos.name,
        "learned_from": {"photos": len(photos.train), "list": list_hash(photos.train)},
        "examined": {"split": workplace.examined, "photos": len(exam), "list": list_hash(exam)},
        "threshold": photos.threshold,
        "base_rate": float(np.mean([photo.mean >= photos.threshold for photo in exam])),
        "recipe": recipe.to_dict(),
        "weights": {name: named(value) for name, value in workplace.weights.items()}
        | {"others": named(workplace.default)},
        "command": command,
        "date": date.today().isoformat(),
        "rows": [asdict(row) | {"runs": [without_scores(run) for run in row.runs]} for row in rows],
    }


def named(weights: bool | Path) -> str:
    return weights.name if isinstance(weights, Path) else ("ImageNet's" if weights else "none")


def without_scores(run: Run) -> dict[str, Any]:
    return {name: value for name, value in asdict(run).items() if name != "scores"}


def as_markdown(report: Mapping[str, Any], rows: Sequence[Row]) -> str:
    parts = [
        f"## {report['title']}",
        conditions(report, rows),
        table(rows, report["reference"]),
        *left_out(rows),
        f"The paper: {report['paper']}",
        f"`{report['command']}`, {report['date']}, on {machines(rows)}.",
    ]
    return "\n\n".join(parts)


def conditions(report: Mapping[str, Any], rows: Sequence[Row]) -> str:
    learned, examined, recipe = report["learned_from"], report["examined"], report["recipe"]
    epochs = "+".join(f"{epochs} at {side}" for epochs, side in recipe["sizes"])
    seeds = max(len(row.runs) for row in rows)
    spread = "mean ± standard deviation [95 % t interval of the mean]" if seeds > 1 else "no spread"
    return (
        f"{report['data']}: learned from {learned['photos']} photos (list {learned['list']}), examined on "
        f"{examined['photos']} {examined['split']} photos (list {examined['list']}) of which people put "
        f"{report['base_rate']:.2%} at {report['threshold']:g} or above. Recipe {recipe['name']}: "
        f"{recipe['architecture']['backbone']}, epochs {epochs} pixels, the last one counts. "
        f"Seeds of each network: {seeds}, {spread}."
    )


def table(rows: Sequence[Row], reference: str) -> str:
    heads = ["network", "paper: accuracy, %", "paper: AP", *COLUMNS.values()]
    if reference:
        heads += [f"SRCC less {reference}'s [over seeds]", "[over photos]"]
    return markdown_table(heads, (cells_of(row, compared=bool(reference)) for row in rows))


def cells_of(row: Row, *, compared: bool) -> list[str]:
    printed = [NOTHING, NOTHING]
    if row.paper:
        printed = [f"{100 * row.paper['accuracy']:.2f}", f"{row.paper['average_precision']:.4f}"]
    cells = [row.name, *printed]
    for name in COLUMNS:
        scale, digits = (100, 2) if name == "accuracy" else (1, 4)
        cells.append(cell(row.figures.get(name), scale=scale, digits=digits))
    return cells + (differing(row.difference) if compared else [])


def cell(found: Spread | None, *, scale: float = 1, digits: int = 4) -> str:
    if found is None:
        return NOTHING
    text = f"{found.mean * scale:.{digits}f}"
    if found.sd is not None:
        text += f" ± {found.sd * scale:.{digits}f}"
    return text + bracketed(found.interval, scale=scale, digits=digits)


def differing(found: Difference | None) -> list[str]:
    if found is None:
        return [NOTHING, NOTHING]
    return [
        f"{found.mean:+.4f}" + bracketed(found.seeds, sign="+"),
        bracketed(found.photos, sign="+").strip(),
    ]


def bracketed(interval: Interval | None, *, scale: float = 1, digits: int = 4, sign: str = "") -> str:
    if interval is None:
        return ""
    low, high = (f"{end * scale:{sign}.{digits}f}" for end in interval)
    return f" [{low}, {high}]"


def left_out(rows: Sequence[Row]) -> list[str]:
    return [
        f"{row.name}: {len(row.failed)} of {len(row.runs)} trainings left out ({row.failed[0].problem})."
        for row in rows
        if row.failed
    ]


def machines(rows: Sequence[Row]) -> str:
    return "; ".join(sorted({run.machine for row in rows for run in row.runs}))
