"""A forest plot: differences in SRCC with their intervals, one below the other, around zero."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rgnet.atomic import replacing
from rgnet.reproduce.claims import Interval, judge

# At run time that would load torch, which building the documentation has no use for
if TYPE_CHECKING:
    from rgnet.reproduce.statistics import Judged

INK, FAINT = "#1a1a1a", "#8c8c8c"
COLOURS = {"holds": "#20639b", "reversed": "#c8553d", "not shown": FAINT}
_ROW_IN, _MARGINS_IN, _WIDTH_IN = 0.34, 0.95, 9.2


@dataclass(frozen=True, slots=True)
class Line:
    """One difference: its mean, and the 95 % intervals that are known of it."""

    label: str
    mean: float
    seeds: Interval | None = None
    photos: Interval | None = None


def draw_claims(judged: Iterable[Judged], target: Path) -> None:
    """The claims of an experiment as a PNG."""
    lines = [
        Line(one.claim.text, one.difference.mean, one.difference.seeds, one.difference.photos)
        for one in judged
    ]
    with replacing(target) as path:
        make_forest(lines).savefig(path, format="png", dpi=150, facecolor="white")


def make_forest(lines: Sequence[Line]) -> Figure:
    """A row for each line, the first one on top: thick the interval over seeds, thin that over photos."""
    height = _ROW_IN * len(lines) + _MARGINS_IN
    figure = Figure(figsize=(_WIDTH_IN, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.axvline(0, color=INK, linewidth=0.8)
    for place, line in enumerate(lines):
        _draw_line(axes, place, line)
    axes.set_yticks(range(len(lines)), [line.label for line in lines])
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlabel("difference in SRCC: thick, 95 % over seeds; thin, 95 % over photos", color=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(length=0, labelcolor=INK)
    axes.grid(axis="x", color=FAINT, linewidth=0.5, alpha=0.4)
    return figure


def _draw_line(axes: Axes, place: int, line: Line) -> None:
    color = COLOURS[judge(line.seeds, line.photos)]
    for interval, shift, width in ((line.seeds, -0.1, 4), (line.photos, 0.1, 1.2)):
        if interval:
            axes.plot(interval, [place + shift] * 2, color=color, linewidth=width, solid_capstyle="round")
    axes.plot(line.mean, place, "o", color=color, markersize=7, markeredgecolor="white", markeredgewidth=1.2)
