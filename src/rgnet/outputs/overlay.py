"""What is drawn onto a photo: its map as a veil of colour, regions as frames, edges as arcs.

Pixel (0, 0) of axes is the photo's top left pixel, and a grid of regions or cells spans the whole photo.
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
from rgnet.outputs.colormaps import AMOUNT, LESS_INK, MORE_INK
from rgnet.results import box_of
from rgnet.what_if import WhatIf

VEIL = 0.48, 0.7
DARK, LIGHT, MARK = "#101010", "#ffffff", "#ff2d55"
NAMED = 3
BEND = 0.16
FAINTEST = 0.01


def show_photo(axes: Axes, photo: Image.Image) -> None:
    axes.imshow(photo, extent=(0, photo.width, photo.height, 0), aspect="auto")


def overlay(
    axes: Axes,
    *,
    photo: Image.Image,
    values: np.ndarray,
    span: tuple[float, float],
    colours: str | Colormap = AMOUNT,
    smooth: bool = True,
    veil: tuple[float, float] = VEIL,
) -> AxesImage:
    """The photo in grey under the colours of (H, W) values.

    veil: opacity over the least and over the most, so that little hides little of the photo; where the span
          has 0 in its middle, 0 is the least and both ends are the most
    """
    extent = (0, photo.width, photo.height, 0)
    two_arms = span[0] == -span[1]
    darkest = -260 if two_arms else -20
    axes.imshow(
        np.asarray(photo.convert("L")), cmap="gray", vmin=darkest, vmax=275, extent=extent, aspect="auto"
    )
    share = np.clip(np.abs(values) / span[1] if two_arms else (values - span[0]) / (span[1] - span[0]), 0, 1)
    return axes.imshow(
        values,
        cmap=colours,
        alpha=veil[0] + (veil[1] - veil[0]) * share,
        vmin=span[0],
        vmax=span[1],
        extent=extent,
        aspect="auto",
        interpolation="bicubic" if smooth else "nearest",
    )


def frame(axes: Axes, size: tuple[int, int], grid: tuple[int, int], region: tuple[int, int]) -> Rectangle:
    """A frame around one region, seen on any photo."""
    left, top, right, bottom = box_of(grid, *region, width=size[0], height=size[1])
    edges = Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=MARK, linewidth=2.2)
    edges.set_path_effects([withStroke(linewidth=4.2, foreground=LIGHT)])
    edges.set_clip_on(False)
    axes.add_patch(edges)
    return edges


def draw_edges(
    axes: Axes, size: tuple[int, int], weight_HW: np.ndarray, region: tuple[int, int], *, inward: bool
) -> None:
    """Arcs between a region and its EDGES strongest others of 1 % at least, wider the stronger.

    inward: whether they point at the region, which hears the others, or at the others, which hear it
    """
    others_HW = weight_HW.copy()
    others_HW[region] = 0
    here, edges = centre(size, weight_HW.shape, region), frame(axes, size, weight_HW.shape, region)
    for index in np.argsort(-others_HW, axis=None, kind="stable")[:EDGES]:
        other = divmod(int(index), weight_HW.shape[1])
        if others_HW[other] >= FAINTEST:
            there = centre(size, weight_HW.shape, other)
            ends = (
                {"posA": there, "posB": here, "patchB": edges}
                if inward
                else {"posA": here, "posB": there, "patchA": edges}
            )
            draw_edge(axes, size, weight=float(others_HW[other]), **ends)


def draw_edge(axes: Axes, size: tuple[int, int], *, weight: float, **ends) -> None:
    arrow = FancyArrowPatch(
        **ends,
        connectionstyle=f"arc3,rad={bend(ends['posA'], ends['posB'], size)}",
        arrowstyle="-|>",
        mutation_scale=11,
        linewidth=0.8 + 1.8 * weight**0.5,
        color=LIGHT,
        shrinkA=2,
        shrinkB=2,
    )
    arrow.set_path_effects([withStroke(linewidth=arrow.get_linewidth() + 2.2, foreground=DARK)])
    axes.add_patch(arrow)


def bend(start: tuple[float, float], end: tuple[float, float], size: tuple[int, int]) -> float:
    """How far an arc from start to end leaves the straight line, on the side of the photo's middle.

    matplotlib's arc3 is pulled towards (mean x - rad * dy, mean y + rad * dx), y downwards.
    """
    (left, top), (right, bottom) = start, end
    aside = np.array([top - bottom, right - left])
    inwards = (np.array(size) - [left + right, top + bottom]) / 2
    return BEND if aside @ inwards >= 0 else -BEND


def centre(size: tuple[int, int], grid: tuple[int, int], region: tuple[int, int]) -> tuple[float, float]:
    left, top, right, bottom = box_of(grid, *region, width=size[0], height=size[1])
    return (left + right) / 2, (top + bottom) / 2


def name_cells(axes: Axes, size: tuple[int, int], what_if: WhatIf) -> None:
    """Frames around the NAMED cells that lift most and the NAMED that distract most, with their points."""
    ranked = what_if.ranked()
    lifting = [cell for cell in ranked[:NAMED] if cell[2] > 0]
    distracting = [cell for cell in ranked[-NAMED:] if cell[2] < 0]
    for cells, colour in ((distracting, LESS_INK), (lifting, MORE_INK)):
        for row, column, effect in cells:
            name_cell(axes, box_of(what_if.grid, row, column, width=size[0], height=size[1]), effect, colour)


def name_cell(axes: Axes, box: tuple[float, float, float, float], effect: float, colour: str) -> None:
    left, top, right, bottom = box
    edges = Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, linewidth=2.2)
    edges.set_path_effects([withStroke(linewidth=4.2, foreground=LIGHT)])
    edges.set_clip_on(False)
    axes.add_patch(edges)
    words = axes.text(
        (left + right) / 2,
        (top + bottom) / 2,
        f"{effect:+.2f}".replace("-", "\N{MINUS SIGN}"),
        color=colour,
        fontsize=8,
        fontweight="bold",
        ha="center",
        va="center",
    )
    words.set_path_effects([withStroke(linewidth=3, foreground=LIGHT)])
