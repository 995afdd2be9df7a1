"""A sheet of panels, all of one photo: a headline, each panel under its title and over its legend.

Lengths are inches, from the top left of the sheet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rgnet.atomic import replacing

INK, QUIET, HAIR, PAPER = "#1a1a1a", "#6b6b6b", "#d9d9d9", "#ffffff"
DPI = 150
MARGIN, GAP = 0.4, 0.36
HEAD, TITLE, BAR = 0.8, 0.3, 0.1
LEGEND = {"gap": 0.13, "words": 0.27, "bar": BAR, "numbers": 0.2}
AREA, AREA_OF_MANY, WIDEST, HIGHEST, NARROWEST = 19.0, 12.0, 9.6, 6.6, 3.5
WIDE, TALL = 2.4, 0.9
WIDEST_BAR = 6.0


@dataclass(frozen=True, slots=True)
class Legend:
    """What the colours mean.

    words: the quantity and its unit; mark: a value to point at; numbers: how they are written
    """

    words: str
    mark: float | None = None
    numbers: Callable[[float], str] = "{:g}".format


@dataclass(frozen=True, slots=True)
class Panel:
    """paint: draws into axes and returns what the legend is about, or None."""

    title: str
    paint: Callable[[Axes], ScalarMappable | None]
    legend: Legend | None = None


class Plan(NamedTuple):
    """Where panels go: `columns` of them side by side, each width x height in a place as wide as `pitch`."""

    columns: int
    width: float
    height: float
    pitch: float


def write_sheet(
    target: Path, panels: Sequence[Panel], *, ratio: float, head: tuple[str, Sequence[str], str]
) -> None:
    """Write the sheet as PNG.

    ratio: width / height of the photo; head: what is said large, the lines beside it, and the words far right
    """
    place = plan(ratio, len(panels))
    rows = [panels[start : start + place.columns] for start in range(0, len(panels), place.columns)]
    depths = [depth(row, place) for row in rows]
    size = (
        2 * MARGIN + place.columns * (place.pitch + GAP) - GAP,
        2 * MARGIN + HEAD + sum(depths) + (len(rows) - 1) * GAP,
    )
    figure = Figure(figsize=size, dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    headline(figure, *head)
    top = MARGIN + HEAD
    for row, deep in zip(rows, depths, strict=True):
        for column, panel in enumerate(row):
            show(figure, panel, place, (MARGIN + column * (place.pitch + GAP), top))
        top += deep + GAP
    with replacing(target) as path:
        figure.savefig(path, format="png")


def plan(ratio: float, count: int) -> Plan:
    """Side by side, or two by two, or under one another where the photo is wide; the fewer, the larger."""
    columns = 1 if ratio > WIDE else (count if count < 3 or ratio < TALL else 2)
    area = AREA if columns == count else AREA_OF_MANY
    height = min(math.sqrt(area / ratio), WIDEST / ratio, HIGHEST)
    return Plan(columns, height * ratio, height, max(height * ratio, NARROWEST))


def depth(row: Sequence[Panel], place: Plan) -> float:
    legend = sum(LEGEND.values()) if any(panel.legend for panel in row) else 0
    return TITLE + place.height + legend


def headline(figure: Figure, large: str, lines: Sequence[str], right: str) -> None:
    wide, tall = figure.get_size_inches()
    top = 1 - MARGIN / tall
    number = figure.text(MARGIN / wide, top, large, color=INK, fontsize=30, fontweight="bold", va="top")
    end = number.get_window_extent().x1 / figure.dpi + 0.2
    for index, line in enumerate(lines):
        y = top - (0.07 + 0.21 * index) / tall
        figure.text(end / wide, y, line, color=QUIET, fontsize=10, va="top")
    far = 1 - MARGIN / wide
    y = top - 0.07 / tall
    figure.text(far, y, right, color=QUIET, fontsize=8.5, va="top", ha="right", parse_math=False)


def show(figure: Figure, panel: Panel, place: Plan, corner: tuple[float, float]) -> None:
    left, top = corner
    figure.text(*at(figure, left, top), panel.title, color=INK, fontsize=11, va="top")
    axes = figure.add_axes(box(figure, left, top + TITLE, place.width, place.height))
    axes.set(xticks=(), yticks=())
    axes.spines[:].set(color=HAIR, linewidth=0.6)
    shade = panel.paint(axes)
    if panel.legend and shade:
        below = top + TITLE + place.height + LEGEND["gap"]
        explain_colours(figure, panel.legend, shade, (left, below, max(place.width, NARROWEST)))


def explain_colours(
    figure: Figure, legend: Legend, shade: ScalarMappable, where: tuple[float, float, float]
) -> None:
    left, top, width = where
    figure.text(*at(figure, left, top), legend.words, color=QUIET, fontsize=8.5, va="top")
    axes = figure.add_axes(box(figure, left, top + LEGEND["words"], min(width, WIDEST_BAR), BAR))
    bar = figure.colorbar(shade, cax=axes, orientation="horizontal")
    bar.solids.set(alpha=1)
    bar.outline.set_visible(False)
    low, high = shade.get_clim()
    values = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)
    values = [value for value in values if low - 1e-9 <= value <= high + 1e-9]
    bar.set_ticks(values, labels=[legend.numbers(value) for value in values])
    axes.tick_params(length=2, width=0.6, color=QUIET, labelcolor=INK, labelsize=8.5, pad=2)
    # Numbers at the ends stay over the bar, off the next one's
    for value, label in zip(values, axes.get_xticklabels(), strict=True):
        label.set_ha({low: "left", high: "right"}.get(value, "center"))
    if legend.mark is not None:
        up = axes.get_xaxis_transform()
        axes.plot([legend.mark], [1.6], marker="v", markersize=4.5, color=INK, clip_on=False, transform=up)


def at(figure: Figure, left: float, top: float) -> tuple[float, float]:
    wide, tall = figure.get_size_inches()
    return left / wide, 1 - top / tall


def box(figure: Figure, left: float, top: float, width: float, height: float) -> tuple[float, ...]:
    wide, tall = figure.get_size_inches()
    return left / wide, 1 - (top + height) / tall, width / wide, height / tall
