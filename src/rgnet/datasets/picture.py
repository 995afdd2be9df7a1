"""The ratings of a data set as one picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rgnet.atomic import replacing
from rgnet.datasets.records import RatedPhotos, base_rate

BINS = 40
COLOURS = {"train": "#9aa5b1", "held_out": "#2f6fb2", "test": "#c8553d"}


def draw_ratings(rated: RatedPhotos, target: Path) -> None:
    """A PNG: share of each side's photos by their mean rating, and where "high" begins."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), dpi=150, layout="constrained")
    axes = figure.subplots()
    edges = np.linspace(rated.low, rated.high, BINS + 1)
    for side, listed in rated.sides().items():
        if not listed:
            continue
        share = np.histogram([photo.mean for photo in listed], edges)[0] / len(listed)
        label = f"{side}: {len(listed):,} photos, {base_rate(listed, rated.threshold):.1%} high"
        axes.stairs(100 * share, edges, label=label, color=COLOURS[side], fill=side == "train", linewidth=1.6)
    axes.axvline(rated.threshold, color="black", linewidth=0.8, linestyle="--")
    axes.annotate(" high", (rated.threshold, 1), xycoords=("data", "axes fraction"), va="bottom")
    axes.set_xlim(rated.low, rated.high)
    axes.set_xlabel(f"mean rating, {rated.low:g} to {rated.high:g}")
    axes.set_ylabel("% of photos")
    axes.set_title(rated.name, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    with replacing(target) as path:
        figure.savefig(path, format="png")
