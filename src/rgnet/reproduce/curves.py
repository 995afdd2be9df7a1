"""Figure 5: the effect of a setting on a network, with the spread over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rgnet.atomic import replacing
from rgnet.reproduce.experiments import Variant
from rgnet.reproduce.statistics import Row

INK, FAINT, LINE = "#1a1a1a", "#d9d9d9", "#20639b"
LABELS = {
    "r": "r of log-sum-exp (0 is the plain average)",
    "blocks": "graph convolutions",
    "attention blocks": "layers of the attention graph",
}
PAPERS = {"r": 4, "blocks": 3, "attention blocks": 3}
SHOWN = {"srcc": ("SRCC", 1), "accuracy": ("accuracy, %", 100)}


def draw_curves(variants: Sequence[Variant], rows: Sequence[Row], target: Path) -> None:
    """A column for each curve, a row for each of SHOWN: means over seeds as a line, every run as a dot."""
    curves: dict[str, list[tuple[float, Row]]] = {}
    for variant, row in zip(variants, rows, strict=True):
        curves.setdefault(variant.curve, []).append((variant.at, row))
    figure = Figure(figsize=(4.6 * len(curves), 5.6), dpi=150, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(SHOWN), len(curves), sharex="col", sharey="row", squeeze=False)
    for column, (curve, points) in zip(grid.T, curves.items(), strict=True):
        for axes, name in zip(column, SHOWN, strict=True):
            _draw_curve(axes, [row for _, row in points], name)
            _mark_papers_choice(axes, [at for at, _ in points], PAPERS[curve])
        column[-1].set_xlabel(LABELS[curve], color=INK)
    for axes, (label, _) in zip(grid[:, 0], SHOWN.values(), strict=True):
        axes.set_ylabel(label, color=INK)
    with replacing(target) as path:
        figure.savefig(path, format="png")


def _draw_curve(axes: Axes, rows: Sequence[Row], name: str) -> None:
    """Points are evenly spaced, whatever their values."""
    scale = SHOWN[name][1]
    known = [(place, row) for place, row in enumerate(rows) if name in row.figures]
    means = [row.figures[name].mean * scale for _, row in known]
    axes.plot([place for place, _ in known], means, color=LINE, linewidth=2)
    for place, row in known:
        values = [run.figures[name] * scale for run in row.runs if not run.problem]
        axes.plot([place] * len(values), values, "o", color=LINE, markersize=5, alpha=0.45, markeredgewidth=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(length=0, labelcolor=INK)
    axes.grid(axis="y", color=FAINT, linewidth=0.5)


def _mark_papers_choice(axes: Axes, values: Sequence[float], paper: float) -> None:
    axes.set_xticks(range(len(values)), [f"{value:g}" for value in values])
    if paper in values:
        axes.axvspan(
            values.index(paper) - 0.3, values.index(paper) + 0.3, color=FAINT, alpha=0.5, linewidth=0
        )
