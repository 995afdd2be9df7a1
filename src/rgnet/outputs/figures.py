"""An explanation as a picture: the photo with what the network says of its regions laid over it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from PIL import Image

from rgnet.explanation import Explanation
from rgnet.outputs.colormaps import more_or_less
from rgnet.outputs.layout import Legend, Panel, write_sheet
from rgnet.outputs.overlay import FAINTEST, draw_edges, frame, name_cells, overlay, show_photo

LONG_SIDE = 1200
QUIETEST = 0.02
SLIVER = 8
SPARSE, WORTH = (0.16, 0.8), (0.12, 0.84)
LIKENESS = ("Alike by local features (FCN)", "Alike with their context (ASPP)", "Alike after the graph")

Region = tuple[int, int]


def draw(found: Explanation, photo: Image.Image, target: Path, *, what: str, region: Region, scale) -> None:
    """Write one kind of map of a photo as PNG.

    photo:  upright RGB pixels of the explained photo, any size
    what:   a key of PANELS
    scale:  of the model's card
    region: (row, column) that the graph and the stages are about
    """
    photo = photo.copy()
    photo.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    panels = PANELS[what](found, photo, region, scale)
    ratio = min(max(photo.width / photo.height, 1 / SLIVER), SLIVER)
    write_sheet(target, panels, ratio=ratio, head=headline(found, scale))


def headline(found: Explanation, scale) -> tuple[str, list[str], str]:
    scored = found.photo
    lines = [
        f"on the scale {scale.low:g} to {scale.high:g}",
        f"better than {scored.percentile:.0f} % of the rated photos",
    ]
    return f"{scored.score:.2f}", lines, scored.model


def votes(found: Explanation, photo: Image.Image, _region: Region, scale) -> list[Panel]:
    paint = partial(overlay, photo=photo, values=found.regions.votes, span=(scale.low, scale.high))
    words = "the region's vote, in points of the score   ▾ the photo's"
    return [
        Panel("The photo", partial(show_photo, photo=photo)),
        Panel("How each region votes", paint, Legend(words, found.photo.score)),
    ]


def weights(found: Explanation, photo: Image.Image, _region: Region, _scale) -> list[Panel]:
    """1 is what every region would have if all counted alike."""
    even = found.regions.weights * found.regions.weights.size
    paint = partial(overlay, photo=photo, values=even, span=(0, even.max()))
    words = "weight in the score, in multiples of   ▾ an even share"
    return [
        Panel("The photo", partial(show_photo, photo=photo)),
        Panel("How much each region counts", paint, Legend(words, 1, times)),
    ]


def graph(found: Explanation, photo: Image.Image, region: Region, _scale) -> list[Panel]:
    def panel(title: str, words: str, values: np.ndarray, inward: bool) -> Panel:
        def paint(axes: Axes) -> ScalarMappable:
            top = 100 * max(float(values.max()), FAINTEST)
            shade = overlay(axes, photo=photo, values=100 * values, span=(0, top), veil=SPARSE)
            draw_edges(axes, photo.size, values, region, inward=inward)
            return shade

        return Panel(title, paint, Legend(words, numbers=percent))

    heard_by = found.heard_by(*region)
    listeners = "Who hears the marked region" + ("" if heard_by.max() >= FAINTEST else ": nobody")
    return [
        panel("What the marked region hears", "share of all it hears", found.hears(*region), True),
        panel(listeners, "the marked region's share of all they hear", heard_by, False),
    ]


def stages(found: Explanation, photo: Image.Image, region: Region, _scale) -> list[Panel]:
    def panel(title: str, values: np.ndarray, legend: Legend | None) -> Panel:
        def paint(axes: Axes) -> ScalarMappable:
            shade = overlay(axes, photo=photo, values=values, span=(0, 1))
            frame(axes, photo.size, values.shape, region)
            return shade

        return Panel(title, paint, legend)

    def marked(axes: Axes) -> None:
        show_photo(axes, photo)
        frame(axes, photo.size, found.regions.grid, region)

    # Without a graph the last two stages are one
    depths = 2 if found.affinity_NN is None else 3
    legends = [None] * (depths - 1) + [Legend("likeness to the marked region: cosine of their features")]
    maps = zip(LIKENESS[:depths], found.similarity(*region)[:depths], legends, strict=True)
    return [Panel("The marked region", marked), *(panel(*one) for one in maps)]


def what_if(found: Explanation, photo: Image.Image, _region: Region, _scale) -> list[Panel]:
    effect = found.what_if.effect_RC
    reach = max(float(np.abs(effect).max()), QUIETEST)

    def named(axes: Axes) -> None:
        show_photo(axes, photo)
        name_cells(axes, photo.size, found.what_if)

    paint = partial(
        overlay,
        photo=photo,
        values=effect,
        span=(-reach, reach),
        colours=more_or_less(),
        smooth=False,
        veil=WORTH,
    )
    words = "points of the score that the part is worth"
    return [
        Panel("What lifts, and what distracts", named),
        Panel("Each part blurred in turn", paint, Legend(words, numbers=signed)),
    ]


def times(value: float) -> str:
    return f"{value:g} \N{MULTIPLICATION SIGN}"


def percent(value: float) -> str:
    return f"{value:g} %"


def signed(value: float) -> str:
    return f"{value:+g}".replace("-", "\N{MINUS SIGN}") if abs(value) > 1e-9 else "0"


PANELS: dict[str, Callable[..., list[Panel]]] = {
    "votes": votes,
    "weights": weights,
    "graph": graph,
    "stages": stages,
    "what-if": what_if,
}
