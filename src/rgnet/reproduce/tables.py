"""An experiment's results as JSON, with all that is needed to repeat it, and as Markdown next to the paper's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from rgnet.datasets.records import list_hash
from rgnet.reproduce.claims import Interval
from rgnet.reproduce.experiments import Experiment
from rgnet.reproduce.runs import Run, Workspace
from rgnet.reproduce.statistics import Difference, Judged, Row, Spread
from rgnet.text import markdown_table
from rgnet.training.recipes import Recipe

_NOTHING = "—"
COLUMNS = {"accuracy": "accuracy, %", "average_precision": "AP", "srcc": "SRCC", "plcc": "PLCC"}


def make_report(
    experiment: Experiment,
    rows: Sequence[Row],
    judged: Sequence[Judged],
    recipe: Recipe,
    workspace: Workspace,
    *,
    command: str,
) -> dict[str, Any]:
    """Everything in the tables, each run's own figures, and what they were made from."""
    rated, evaluated = workspace.rated, workspace.evaluated_photos
    return {
        "title": experiment.title,
        "paper": experiment.paper,
        "reference": experiment.reference,
        "data": rated.name,
        "learned_from": {"photos": len(rated.train), "list": list_hash(rated.train)},
        "examined": {"split": workspace.split, "photos": len(evaluated), "list": list_hash(evaluated)},
        "threshold": rated.threshold,
        "base_rate": float(np.mean([photo.mean >= rated.threshold for photo in evaluated])),
        "recipe": recipe.to_dict(),
        "weights": {name: _describe_weights(value) for name, value in workspace.weights.items()}
        | {"others": _describe_weights(workspace.default_weights)},
        "command": command,
        "date": date.today().isoformat(),
        "claims": [asdict(one) | {"verdict": one.verdict} for one in judged],
        "rows": [asdict(row) | {"runs": [_without_scores(run) for run in row.runs]} for row in rows],
    }


def _describe_weights(weights: bool | Path) -> str:
    return weights.name if isinstance(weights, Path) else ("ImageNet's" if weights else "none")


def _without_scores(run: Run) -> dict[str, Any]:
    return {name: value for name, value in asdict(run).items() if name != "scores"}


def format_markdown(report: Mapping[str, Any], rows: Sequence[Row], judged: Sequence[Judged]) -> str:
    parts = [
        f"## {report['title']}",
        _describe_conditions(report, rows),
        _format_table(rows, report["reference"]),
        *_describe_failures(rows),
        f"The paper: {report['paper']}",
        *([_format_claims(judged)] if judged else []),
        f"`{report['command']}`, {report['date']}, on {_list_machines(rows)}.",
    ]
    return "\n\n".join(parts)


def _describe_conditions(report: Mapping[str, Any], rows: Sequence[Row]) -> str:
    learned, examined, recipe = report["learned_from"], report["examined"], report["recipe"]
    epochs = "+".join(f"{epochs} at {side}" for epochs, side in recipe["sizes"])
    seeds = max(len(row.runs) for row in rows)
    spread = "mean ± standard deviation [95 % t interval of the mean]" if seeds > 1 else "no spread"
    return (
        f"{report['data']}: trained on {learned['photos']} photos (list {learned['list']}), evaluated on "
        f"{examined['photos']} {examined['split']} photos (list {examined['list']}) of which people rate "
        f"{report['base_rate']:.2%} at {report['threshold']:g} or above. Recipe {recipe['name']}: "
        f"{recipe['architecture']['backbone']}, epochs {epochs} pixels, evaluated after the last one. "
        f"Seeds per network: {seeds}, {spread}."
    )


def _format_table(rows: Sequence[Row], reference: str) -> str:
    heads = ["network", "paper: accuracy, %", "paper: AP", *COLUMNS.values()]
    if reference:
        heads += [f"SRCC minus {reference}'s [over seeds]", "[over photos]"]
    return markdown_table(heads, (_format_row(row, compared=bool(reference)) for row in rows))


def _format_claims(judged: Sequence[Judged]) -> str:
    heads = ["claim", "SRCC of", "minus that of", "difference [over seeds]", "[over photos]", "verdict"]
    return markdown_table(
        heads,
        (
            [
                one.claim.text,
                one.claim.better,
                one.claim.worse,
                *format_difference(one.difference),
                one.verdict,
            ]
            for one in judged
        ),
    )


def _format_row(row: Row, *, compared: bool) -> list[str]:
    printed = [_NOTHING, _NOTHING]
    if row.paper:
        printed = [f"{100 * row.paper['accuracy']:.2f}", f"{row.paper['average_precision']:.4f}"]
    cells = [row.name, *printed]
    for name in COLUMNS:
        scale, digits = (100, 2) if name == "accuracy" else (1, 4)
        cells.append(format_spread(row.figures.get(name), scale=scale, digits=digits))
    return cells + (format_difference(row.difference) if compared else [])


def format_spread(found: Spread | None, *, scale: float = 1, digits: int = 4) -> str:
    if found is None:
        return _NOTHING
    text = f"{found.mean * scale:.{digits}f}"
    if found.sd is not None:
        text += f" ± {found.sd * scale:.{digits}f}"
    return text + format_interval(found.interval, scale=scale, digits=digits)


def format_difference(found: Difference | None) -> list[str]:
    if found is None:
        return [_NOTHING, _NOTHING]
    return [
        f"{found.mean:+.4f}" + format_interval(found.seeds, sign="+"),
        format_interval(found.photos, sign="+").strip(),
    ]


def format_interval(interval: Interval | None, *, scale: float = 1, digits: int = 4, sign: str = "") -> str:
    if interval is None:
        return ""
    low, high = (f"{end * scale:{sign}.{digits}f}" for end in interval)
    return f" [{low}, {high}]"


def _describe_failures(rows: Sequence[Row]) -> list[str]:
    return [
        f"{row.name}: {len(row.failed)} of {len(row.runs)} training runs failed ({row.failed[0].problem})."
        for row in rows
        if row.failed
    ]


def _list_machines(rows: Sequence[Row]) -> str:
    return "; ".join(sorted({run.machine for row in rows for run in row.runs}))
