"""The distribution of a data set's ratings as a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rgnet.atomic import replacing
from rgnet.datasets.records import RatedPhotos, base_rate

_BINS = 40
_COLOURS = {"train": "#9aa5b1", "held_out": "#2f6fb2", "test": "#c8553d"}


def draw_ratings(rated: RatedPhotos, target: Path) -> None:
    """A PNG: share of each side's photos by their mean rating, and where "high" begins."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), dpi=150, layout="constrained")
    axes = figure.subplots()
    edges = np.linspace(rated.low, rated.high, _BINS + 1)
    for split, photos in rated.splits().items():
        if not photos:
            continue
        share = np.histogram([photo.mean for photo in photos], edges)[0] / len(photos)
        label = f"{split}: {len(photos):,} photos, {base_rate(photos, rated.threshold):.1%} high"
        axes.stairs(
            100 * share, edges, label=label, color=_COLOURS[split], fill=split == "train", linewidth=1.6
        )
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
