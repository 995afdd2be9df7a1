"""Figures 2 and 6 as pictures: the photos a model ranks first and last, and the regions it considers similar."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from PIL import Image

from rgnet.atomic import replacing
from rgnet.explanation import STAGES
from rgnet.imaging.decode import decode
from rgnet.reproduce.similarity import SIMILAR, SimilarityMaps, largest_similar_area

INK, QUERY, PAPER = "#1a1a1a", "#e4002b", "white"
COLOURS, VEIL = "inferno", 0.65
THUMBNAIL = 640


def draw_similarity_maps(found: Sequence[SimilarityMaps], target: Path) -> None:
    """A row for each photo: the photo with the query region framed, then its similarity map at every stage."""
    photos = [make_thumbnail(decode(one.path).image) for one in found]
    heights = [2.3 * min(1.3, photo.height / photo.width) for photo in photos]
    figure = Figure(figsize=(9.4, sum(heights) + 0.9), dpi=130, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(found), 1 + len(STAGES), squeeze=False, height_ratios=heights)
    for axes_row, one, photo in zip(grid, found, photos, strict=True):
        axes_row[0].imshow(photo)
        for axes, map_HW in zip(axes_row[1:], one.similarity_SHW, strict=True):
            shade = _draw_map(axes, photo, map_HW)
        for axes in axes_row:
            _frame_query(axes, photo, one)
            axes.set_axis_off()
    for axes, name in zip(grid[0], ("highest-voted region", *STAGES), strict=True):
        axes.set_title(name, color=INK, fontsize=11, fontweight="bold")
    bar = figure.colorbar(shade, ax=grid, location="bottom", shrink=0.5, aspect=50, pad=0.01)
    assert bar.solids is not None
    bar.solids.set(alpha=1)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelcolor=INK)
    bar.set_label(
        f"cosine similarity; outlined, with its share: largest connected area of {SIMILAR:g} or more",
        color=INK,
    )
    with replacing(target) as path:
        figure.savefig(path, format="png")


def _draw_map(axes: Axes, photo: Image.Image, map_HW: np.ndarray) -> AxesImage:
    axes.imshow(np.asarray(photo.convert("L")), cmap="gray", vmin=0, vmax=255)
    extent = (-0.5, photo.width - 0.5, photo.height - 0.5, -0.5)
    shade = axes.imshow(map_HW, cmap=COLOURS, alpha=VEIL, vmin=0, vmax=1, extent=extent, aspect="equal")
    area_HW = largest_similar_area(map_HW, SIMILAR)
    _outline(axes, area_HW, photo)
    share = axes.text(0.03, 0.04, f"{area_HW.mean():.0%}", transform=axes.transAxes, color=PAPER, fontsize=10)
    share.set_path_effects([withStroke(linewidth=2.5, foreground=INK)])
    return shade


def _outline(axes: Axes, mask_HW: np.ndarray, photo: Image.Image) -> None:
    """Draw the border of a mask along its regions' edges."""
    padded = np.pad(mask_HW, 1).astype(int)
    wide, tall = photo.width / mask_HW.shape[1], photo.height / mask_HW.shape[0]
    for row, column in zip(*np.nonzero(np.diff(padded, axis=1)), strict=True):
        x, y = column * wide - 0.5, (row - 1) * tall - 0.5
        axes.plot([x, x], [y, y + tall], color=PAPER, linewidth=1.2)
    for row, column in zip(*np.nonzero(np.diff(padded, axis=0)), strict=True):
        x, y = (column - 1) * wide - 0.5, row * tall - 0.5
        axes.plot([x, x + wide], [y, y], color=PAPER, linewidth=1.2)


def _frame_query(axes: Axes, photo: Image.Image, one: SimilarityMaps) -> None:
    rows, columns = one.similarity_SHW.shape[1:]
    wide, tall = photo.width / columns, photo.height / rows
    corner = (one.query[1] * wide - 0.5, one.query[0] * tall - 0.5)
    axes.add_patch(Rectangle(corner, wide, tall, fill=False, edgecolor=QUERY, linewidth=1.8))


def draw_captioned_photos(
    bands: Sequence[tuple[str, Sequence[tuple[Image.Image, str]]]], target: Path
) -> None:
    """Bands of captioned photos, each a title over rows of up to four photos of equal height."""
    width, gap, caption, title = 11.0, 0.08, 0.24, 0.42
    rows = [
        ("" if start else name, photos[start : start + 4])
        for name, photos in bands
        for start in range(0, len(photos), 4)
    ]
    heights = [_row_height([photo for photo, _ in row], width, gap) for _, row in rows]
    total = sum(heights) + sum(caption + (title if name else 0) for name, _ in rows) + gap
    figure = Figure(figsize=(width, total), dpi=130, facecolor=PAPER)
    FigureCanvasAgg(figure)
    top = total
    for (name, row), height in zip(rows, heights, strict=True):
        if name:
            top -= title
            figure.text(gap / width, (top + 0.12) / total, name, color=INK, fontsize=12, fontweight="bold")
        left = gap
        for photo, words in row:
            wide = height * photo.width / photo.height
            axes = figure.add_axes((left / width, (top - height) / total, wide / width, height / total))
            axes.imshow(photo, aspect="auto")
            axes.set_axis_off()
            figure.text(left / width, (top - height - 0.17) / total, words, color=INK, fontsize=9)
            left += wide + gap
        top -= height + caption
    with replacing(target) as path:
        figure.savefig(path, format="png")


def _row_height(photos: Sequence[Image.Image], width: float, gap: float) -> float:
    """The height at which photos side by side fill `width`, 3 at most."""
    ratio = sum(photo.width / photo.height for photo in photos)
    return min(3.0, (width - gap * (len(photos) + 1)) / ratio)


def make_thumbnail(image: Image.Image) -> Image.Image:
    small = image.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    return small
