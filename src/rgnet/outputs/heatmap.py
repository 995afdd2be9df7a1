"""A photo beside its region map, as a PNG."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from rgnet.results import ScoredPhoto

LONG_SIDE = 1200
INK, PAPER = "#1a1a1a", "#ffffff"
TITLE = {"loc": "left", "color": INK, "fontsize": 12}
COLOURS = "viridis"
VEIL = 0.62


def draw(
    scored: ScoredPhoto,
    photo: Image.Image,
    target: Path,
    *,
    what: Literal["votes", "weights"] = "votes",
    scale,
) -> None:
    """Write the upright photo and, beside it, the photo under the map of its regions.

    scored: with regions; photo: upright RGB pixels of the same photo, any size
    what:   "votes", each region's score on the human `scale`; "weights", its share of the photo's score in
            percent of an even share
    """
    values_HW, label = shown_values(scored, what)
    photo = photo.copy()
    photo.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)

    figure = Figure(figsize=size_of(photo), dpi=150, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    left.imshow(photo)
    grey = right.imshow(np.asarray(photo.convert("L")), cmap="gray", vmin=0, vmax=255)
    shade = right.imshow(
        values_HW, cmap=COLOURS, alpha=VEIL, extent=grey.get_extent(), interpolation="bicubic"
    )
    for axes in (left, right):
        axes.set_axis_off()

    bar = figure.colorbar(shade, cax=right.inset_axes((1.03, 0, 0.035, 1)))
    bar.solids.set(alpha=1)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelcolor=INK)
    bar.set_label(label, color=INK)
    left.set_title(
        f"{scored.score:.2f} on the scale {scale.low:g} to {scale.high:g}", **TITLE, fontweight="bold"
    )
    right.set_title(f"better than {scored.percentile:.0f} % of the rated photos", **TITLE)
    figure.savefig(target, format="png")


def shown_values(scored: ScoredPhoto, what: str) -> tuple[np.ndarray, str]:
    """(H, W) values of the map and their label with units."""
    if what == "votes":
        return scored.regions.votes, "the region's own score"
    weights = scored.regions.weights
    return weights * weights.size * 100, "share in the score, % of an even share"


def size_of(photo: Image.Image) -> tuple[float, float]:
    """Inches that hold both pictures, the bar and the titles, 11 wide at most."""
    wide = photo.width / photo.height
    height = min(7.0, 4.9 / wide + 0.5)
    return max(6.0, 2 * (height - 0.5) * wide + 1.2), height
