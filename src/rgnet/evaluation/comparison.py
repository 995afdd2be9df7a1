"""The table of an experiment: its figures over seeds beside the paper's, as JSON and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from rgnet.datasets.records import list_hash
from rgnet.errors import need
from rgnet.evaluation.ablation import FIGURES, Run, Workplace
from rgnet.evaluation.variants import Experiment, Variant
from rgnet.training.recipes import Recipe

NOTHING = "—"
HEADINGS = {"accuracy": "accuracy %", "average_precision": "AP", "srcc": "SRCC", "plcc": "PLCC"}


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean over seeds, their standard deviation, and a 95 % t interval; None where fewer than two leave it open."""

    mean: float
    sd: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One network: figures by name, and by how much its SRCC differs from the reference's (Welch's interval)."""

    name: str
    paper: Mapping[str, float]
    figures: Mapping[str, Spread]
    difference: Spread | None
    runs: tuple[Run, ...]

    @property
    def failed(self) -> tuple[Run, ...]:
        return tuple(run for run in self.runs if run.problem)


def spread(values: Sequence[float]) -> Spread:
    mean = float(np.mean(values))
    if len(values) < 2:
        return Spread(mean)
    stats = need("scipy.stats", extra="exam", purpose="an interval over seeds")
    sd = float(np.std(values, ddof=1))
    half = float(stats.t.ppf(0.975, len(values) - 1)) * sd / len(values) ** 0.5
    return Spread(mean, sd, mean - half, mean + half)


def difference(values: Sequence[float], reference: Sequence[float]) -> Spread | None:
    """Mean of `values` less that of `reference`, with the 95 % interval of Welch's t test."""
    if not values or not reference:
        return None
    mean = float(np.mean(values) - np.mean(reference))
    if min(len(values), len(reference)) < 2 or max(np.ptp(values), np.ptp(reference)) == 0:
        return Spread(mean)
    stats = need("scipy.stats", extra="exam", purpose="an interval over seeds")
    interval = stats.ttest_ind(values, reference, equal_var=False).confidence_interval(0.95)
    return Spread(mean, None, float(interval.low), float(interval.high))


def rows_of(
    experiment: Experiment, variants: Sequence[Variant], runs: Mapping[str, Sequence[Run]]
) -> list[Row]:
    reference = () if experiment.reference not in runs else values_of(runs[experiment.reference], "srcc")
    return [
        Row(
            name=variant.name,
            paper=variant.paper,
            figures={
                name: spread(values) for name in FIGURES if (values := values_of(runs[variant.name], name))
            },
            difference=None
            if variant.name == experiment.reference
            else difference(values_of(runs[variant.name], "srcc"), reference),
            runs=tuple(runs[variant.name]),
        )
        for variant in variants
    ]


def values_of(runs: Sequence[Run], name: str) -> list[float]:
    return [run.figures[name] for run in runs if not run.problem]


def as_json(experiment: Experiment, rows: Sequence[Row], conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Everything in the table, and each run's own figures; the photos' scores stay in the runs' files."""
    return {
        "title": experiment.title,
        "paper": experiment.paper,
        "reference": experiment.reference,
        **conditions,
        "rows": [asdict(row) | {"runs": [told(run) for run in row.runs]} for row in rows],
    }


def told(run: Run) -> dict[str, Any]:
    return {name: value for name, value in asdict(run).items() if name != "scores"}


def conditions_of(recipe: Recipe, workplace: Workplace, command: str) -> dict[str, Any]:
    """Under what the runs were made."""
    photos, exam = workplace.photos, workplace.exam
    high = [photo.mean >= photos.threshold for photo in exam]
    return {
        "data": photos.name,
        "learned_from": {"photos": len(photos.train), "list": list_hash(photos.train)},
        "examined": {"split": workplace.examined, "photos": len(exam), "list": list_hash(exam)},
        "threshold": photos.threshold,
        "base_rate": float(np.mean(high)),
        "recipe": recipe.to_dict(),
        "weights": {name: named(value) for name, value in workplace.weights.items()}
        | {"others": named(workplace.default)},
        "command": command,
        "date": date.today().isoformat(),
    }


def named(weights: bool | Path) -> str:
    return weights.name if isinstance(weights, Path) else ("ImageNet's" if weights else "none")


def as_markdown(report: Mapping[str, Any], rows: Sequence[Row]) -> str:
    learned, examined = report["learned_from"], report["examined"]
    recipe = report["recipe"]
    machines = sorted({run.machine for row in rows for run in row.runs})
    seeds = max(len(row.runs) for row in rows)
    against = f" SRCC less that of {report['reference']} |" if report["reference"] else ""
    lines = [
        f"## {report['title']}",
        "",
        f"{report['data']}: learned from {learned['photos']} photos (list {learned['list']}), examined on "
        f"{examined['photos']} {examined['split']} photos (list {examined['list']}), of which people put "
        f"{report['base_rate']:.2%} at {report['threshold']:g} or above. Recipe {recipe['name']}, backbone "
        f"{recipe['architecture']['backbone']}; the last epoch counts. {seeds} of each network, by seed: mean ± standard "
        "deviation [95 % t interval over seeds].",
        "",
        "| network | paper: accuracy %, AP | "
        + " | ".join(HEADINGS[name] for name in FIGURES)
        + " |"
        + against,
        "|---" * (2 + len(FIGURES) + bool(against)) + "|",
        *(line_of(row, compared=bool(against)) for row in rows),
        "",
        f"The paper (on AVA): {report['paper']}",
        "",
        f"`{report['command']}`, {report['date']}, on {'; '.join(machines)}.",
    ]
    lines += [
        f"\n{row.name}: {len(row.failed)} of {len(row.runs)} runs left out, {row.failed[0].problem}."
        for row in rows
        if row.failed
    ]
    return "\n".join(lines)


def line_of(row: Row, *, compared: bool) -> str:
    paper = (
        f"{row.paper['accuracy']:.2%}".rstrip("%") + f", {row.paper['average_precision']:.4f}"
        if row.paper
        else NOTHING
    )
    cells = [row.name, paper]
    for name in FIGURES:
        percent = name == "accuracy"
        cells.append(cell(row.figures.get(name), scale=100 if percent else 1, digits=2 if percent else 4))
    if compared:
        cells.append(cell(row.difference, sign="+"))
    return "| " + " | ".join(cells) + " |"


def cell(found: Spread | None, *, scale: int = 1, digits: int = 4, sign: str = "") -> str:
    if found is None:
        return NOTHING
    text = f"{found.mean * scale:{sign}.{digits}f}"
    if found.sd is not None:
        text += f" ± {found.sd * scale:.{digits}f}"
    if found.low is not None:
        text += f" [{found.low * scale:{sign}.{digits}f}, {found.high * scale:{sign}.{digits}f}]"
    return text
