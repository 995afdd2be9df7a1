"""What is drawn onto a photo: its map in transparent colours, regions as frames, edges as arcs.

Pixel (0, 0) of the axes is the photo's top left pixel, and a grid of regions or cells spans the whole photo.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.image import AxesImage
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.patheffects import withStroke
from PIL import Image

from rgnet.explanation import EDGES
from rgnet.outputs.colormaps import AMOUNT, LESS_TEXT, MORE_TEXT
from rgnet.results import box_of
from rgnet.what_if import WhatIf

Point = tuple[float, float]
Box = tuple[float, float, float, float]

# Weakest edge that is drawn
MIN_WEIGHT = 0.01
_OPACITY = 0.48, 0.7
_DARK, _LIGHT, _MARK = "#101010", "#ffffff", "#ff2d55"
_LABELLED_CELLS = 3
_ARC_BEND = 0.16


def draw_photo(axes: Axes, photo: Image.Image) -> None:
    axes.imshow(photo, extent=(0, photo.width, photo.height, 0), aspect="auto")


def draw_map(
    axes: Axes,
    *,
    photo: Image.Image,
    values: np.ndarray,
    span: tuple[float, float],
    colours: str | Colormap = AMOUNT,
    smooth: bool = True,
    opacity: tuple[float, float] = _OPACITY,
) -> AxesImage:
    """The photo in grey under the colours of (H, W) values.

    span:    values of the first and the last colour
    opacity: over the smallest and the largest value, so that small values hide little of the photo; where the span
             is symmetric about 0, 0 is the smallest and both ends are the largest
    """
    extent = (0, photo.width, photo.height, 0)
    symmetric = span[0] == -span[1]
    darkest = -260 if symmetric else -20
    axes.imshow(
        np.asarray(photo.convert("L")), cmap="gray", vmin=darkest, vmax=275, extent=extent, aspect="auto"
    )
    share = np.clip(np.abs(values) / span[1] if symmetric else (values - span[0]) / (span[1] - span[0]), 0, 1)
    return axes.imshow(
        values,
        cmap=colours,
        alpha=opacity[0] + (opacity[1] - opacity[0]) * share,
        vmin=span[0],
        vmax=span[1],
        extent=extent,
        aspect="auto",
        interpolation="bicubic" if smooth else "nearest",
    )


def draw_region_frame(
    axes: Axes, size: tuple[int, int], grid: tuple[int, int], region: tuple[int, int]
) -> Rectangle:
    """A frame around one region, visible on any photo."""
    return _draw_frame(axes, box_of(grid, *region, width=size[0], height=size[1]), _MARK)


def _draw_frame(axes: Axes, box: Box, colour: str) -> Rectangle:
    left, top, right, bottom = box
    frame = Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, linewidth=2.2)
    frame.set_path_effects([withStroke(linewidth=4.2, foreground=_LIGHT)])
    frame.set_clip_on(False)
    axes.add_patch(frame)
    return frame


def draw_edges(
    axes: Axes, size: tuple[int, int], weight_HW: np.ndarray, region: tuple[int, int], *, inward: bool
) -> None:
    """Arcs between a region and the EDGES others with the largest weights, from MIN_WEIGHT on; wider the stronger.

    inward: whether they point at the region, which attends to the others, or at the others, which attend to it
    """
    others_HW = weight_HW.copy()
    others_HW[region] = 0
    rows, columns = weight_HW.shape
    here = _centre(size, (rows, columns), region)
    frame = draw_region_frame(axes, size, (rows, columns), region)
    for index in np.argsort(-others_HW, axis=None, kind="stable")[:EDGES]:
        other = divmod(int(index), columns)
        if others_HW[other] < MIN_WEIGHT:
            break
        there = _centre(size, (rows, columns), other)
        start, end = (there, here) if inward else (here, there)
        arrow = _draw_arrow(axes, start, end, size, weight=float(others_HW[other]))
        # The arrow ends at the frame of the region, not in its middle
        if inward:
            arrow.set_patchB(frame)
        else:
            arrow.set_patchA(frame)


def _draw_arrow(
    axes: Axes, start: Point, end: Point, size: tuple[int, int], *, weight: float
) -> FancyArrowPatch:
    arrow = FancyArrowPatch(
        posA=start,
        posB=end,
        connectionstyle=f"arc3,rad={arc_bend(start, end, size)}",
        arrowstyle="-|>",
        mutation_scale=11,
        linewidth=0.8 + 1.8 * weight**0.5,
        color=_LIGHT,
        shrinkA=2,
        shrinkB=2,
    )
    arrow.set_path_effects([withStroke(linewidth=arrow.get_linewidth() + 2.2, foreground=_DARK)])
    axes.add_patch(arrow)
    return arrow


def arc_bend(start: Point, end: Point, size: tuple[int, int]) -> float:
    """How far an arc from start to end leaves the straight line, towards the middle of the photo.

    matplotlib's arc3 is pulled towards (mean x - rad * dy, mean y + rad * dx), y downwards.
    """
    (left, top), (right, bottom) = start, end
    aside = np.array([top - bottom, right - left])
    inwards = (np.array(size) - [left + right, top + bottom]) / 2
    return _ARC_BEND if aside @ inwards >= 0 else -_ARC_BEND


def _centre(size: tuple[int, int], grid: tuple[int, int], region: tuple[int, int]) -> Point:
    left, top, right, bottom = box_of(grid, *region, width=size[0], height=size[1])
    return (left + right) / 2, (top + bottom) / 2


def label_cells(axes: Axes, size: tuple[int, int], what_if: WhatIf) -> None:
    """Frames around the few cells that raise the score most and the few that lower it most, with their points."""
    ranked = what_if.ranked()
    raising = [cell for cell in ranked[:_LABELLED_CELLS] if cell[2] > 0]
    lowering = [cell for cell in ranked[-_LABELLED_CELLS:] if cell[2] < 0]
    for cells, colour in ((lowering, LESS_TEXT), (raising, MORE_TEXT)):
        for row, column, effect in cells:
            box = box_of(what_if.grid, row, column, width=size[0], height=size[1])
            _draw_frame(axes, box, colour)
            _draw_label(axes, box, f"{effect:+.2f}".replace("-", "\N{MINUS SIGN}"), colour)


def _draw_label(axes: Axes, box: Box, text: str, colour: str) -> None:
    left, top, right, bottom = box
    label = axes.text(
        (left + right) / 2,
        (top + bottom) / 2,
        text,
        color=colour,
        fontsize=8,
        fontweight="bold",
        ha="center",
        va="center",
    )
    label.set_path_effects([withStroke(linewidth=3, foreground=_LIGHT)])
