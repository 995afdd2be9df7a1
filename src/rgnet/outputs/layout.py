"""A figure of panels about one photo: a headline, then each panel between its title and its legend.

Lengths are inches, from the top left of the figure.
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

_TEXT, _QUIET_TEXT, _BORDER, _BACKGROUND = "#1a1a1a", "#6b6b6b", "#d9d9d9", "#ffffff"
_DPI = 150
_MARGIN, _GAP = 0.4, 0.36
_HEADLINE_HEIGHT, _TITLE_HEIGHT, _BAR_HEIGHT = 0.8, 0.3, 0.1
_LEGEND_HEIGHTS = {"gap": 0.13, "text": 0.27, "bar": _BAR_HEIGHT, "numbers": 0.2}
# Of a panel: its area in square inches, alone in its row or not, and the limits of its sides
_AREA, _AREA_OF_MANY = 19.0, 12.0
_MAX_WIDTH, _MAX_HEIGHT, _MIN_WIDTH = 9.6, 6.6, 3.5
_MAX_BAR_WIDTH = 6.0
# Aspect ratios from which panels are stacked, and up to which all are in one row
_WIDE, _TALL = 2.4, 0.9


@dataclass(frozen=True, slots=True)
class Legend:
    """What the colours mean.

    text: the quantity and its unit; mark: a value to point at; format: how numbers are written
    """

    text: str
    mark: float | None = None
    format: Callable[[float], str] = "{:g}".format


@dataclass(frozen=True, slots=True)
class Panel:
    """draw: draws into axes and returns the image that the legend explains, or None."""

    title: str
    draw: Callable[[Axes], ScalarMappable | None]
    legend: Legend | None = None


class Headline(NamedTuple):
    """large: large text at the left; lines: next to it; right: small text at the far right."""

    large: str
    lines: Sequence[str]
    right: str


class Arrangement(NamedTuple):
    """`columns` panels side by side, each width x height in a cell of the width `cell`."""

    columns: int
    width: float
    height: float
    cell: float


def write_figure(target: Path, panels: Sequence[Panel], *, ratio: float, headline: Headline) -> None:
    """Write the panels as PNG. ratio: width / height of the photo. Raises OutputError."""
    grid = arrange(ratio, len(panels))
    rows = [panels[start : start + grid.columns] for start in range(0, len(panels), grid.columns)]
    heights = [_row_height(row, grid) for row in rows]
    width = 2 * _MARGIN + grid.columns * (grid.cell + _GAP) - _GAP
    height = 2 * _MARGIN + _HEADLINE_HEIGHT + sum(heights) + (len(rows) - 1) * _GAP
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor=_BACKGROUND)
    FigureCanvasAgg(figure)
    _draw_headline(figure, headline)
    top = _MARGIN + _HEADLINE_HEIGHT
    for row, row_height in zip(rows, heights, strict=True):
        for column, panel in enumerate(row):
            _draw_panel(figure, panel, grid, (_MARGIN + column * (grid.cell + _GAP), top))
        top += row_height + _GAP
    with replacing(target) as path:
        figure.savefig(path, format="png")


def arrange(ratio: float, count: int) -> Arrangement:
    """Side by side, two by two, or stacked where the photo is wide; the fewer panels, the larger."""
    columns = 1 if ratio > _WIDE else (count if count < 3 or ratio < _TALL else 2)
    area = _AREA if columns == count else _AREA_OF_MANY
    height = min(math.sqrt(area / ratio), _MAX_WIDTH / ratio, _MAX_HEIGHT)
    return Arrangement(columns, height * ratio, height, max(height * ratio, _MIN_WIDTH))


def _row_height(row: Sequence[Panel], grid: Arrangement) -> float:
    legend = sum(_LEGEND_HEIGHTS.values()) if any(panel.legend for panel in row) else 0
    return _TITLE_HEIGHT + grid.height + legend


def _draw_headline(figure: Figure, headline: Headline) -> None:
    width, height = figure.get_size_inches()
    top = 1 - _MARGIN / height
    number = figure.text(
        _MARGIN / width, top, headline.large, color=_TEXT, fontsize=30, fontweight="bold", va="top"
    )
    end = number.get_window_extent().x1 / figure.dpi + 0.2
    for index, line in enumerate(headline.lines):
        y = top - (0.07 + 0.21 * index) / height
        figure.text(end / width, y, line, color=_QUIET_TEXT, fontsize=10, va="top")
    x, y = 1 - _MARGIN / width, top - 0.07 / height
    figure.text(x, y, headline.right, color=_QUIET_TEXT, fontsize=8.5, va="top", ha="right", parse_math=False)


def _draw_panel(figure: Figure, panel: Panel, grid: Arrangement, corner: tuple[float, float]) -> None:
    left, top = corner
    figure.text(*_position(figure, left, top), panel.title, color=_TEXT, fontsize=11, va="top")
    axes = figure.add_axes(_rectangle(figure, left, top + _TITLE_HEIGHT, grid.width, grid.height))
    axes.set(xticks=(), yticks=())
    axes.spines[:].set(color=_BORDER, linewidth=0.6)
    image = panel.draw(axes)
    if panel.legend and image:
        below = top + _TITLE_HEIGHT + grid.height + _LEGEND_HEIGHTS["gap"]
        _draw_legend(figure, panel.legend, image, (left, below, max(grid.width, _MIN_WIDTH)))


def _draw_legend(
    figure: Figure, legend: Legend, image: ScalarMappable, place: tuple[float, float, float]
) -> None:
    """place: left, top, width"""
    left, top, width = place
    figure.text(*_position(figure, left, top), legend.text, color=_QUIET_TEXT, fontsize=8.5, va="top")
    bar_width = min(width, _MAX_BAR_WIDTH)
    axes = figure.add_axes(_rectangle(figure, left, top + _LEGEND_HEIGHTS["text"], bar_width, _BAR_HEIGHT))
    bar = figure.colorbar(image, cax=axes, orientation="horizontal")
    bar.outline.set_visible(False)
    if bar.solids is not None:
        bar.solids.set(alpha=1)
    low, high = image.get_clim()
    values = MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low, high)
    values = [value for value in values if low - 1e-9 <= value <= high + 1e-9]
    bar.set_ticks(values, labels=[legend.format(value) for value in values])
    axes.tick_params(length=2, width=0.6, color=_QUIET_TEXT, labelcolor=_TEXT, labelsize=8.5, pad=2)
    # Numbers at the ends stay over the bar, away from those of the next one
    for value, label in zip(values, axes.get_xticklabels(), strict=True):
        label.set_horizontalalignment("left" if value == low else "right" if value == high else "center")
    if legend.mark is not None:
        up = axes.get_xaxis_transform()
        axes.plot([legend.mark], [1.6], marker="v", markersize=4.5, color=_TEXT, clip_on=False, transform=up)


def _position(figure: Figure, left: float, top: float) -> tuple[float, float]:
    """In matplotlib's coordinates: fractions of the figure, from the bottom left."""
    width, height = figure.get_size_inches()
    return left / width, 1 - top / height


def _rectangle(
    figure: Figure, left: float, top: float, width: float, height: float
) -> tuple[float, float, float, float]:
    x, y = _position(figure, left, top + height)
    figure_width, figure_height = figure.get_size_inches()
    return x, y, width / figure_width, height / figure_height
