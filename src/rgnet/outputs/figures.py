"""An explanation as a picture: the photo with what the network computes for its regions drawn over it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from PIL import Image

from rgnet.errors import SettingError
from rgnet.explanation import Explanation
from rgnet.outputs.colormaps import diverging
from rgnet.outputs.layout import Headline, Legend, Panel, write_figure
from rgnet.outputs.overlay import (
    MIN_WEIGHT,
    draw_edges,
    draw_map,
    draw_photo,
    draw_region_frame,
    label_cells,
)
from rgnet.what_if import WhatIf

LONG_SIDE = 1200
# Aspect ratio beyond which panels do not follow the photo's
_MAX_RATIO = 8
# Smallest range of colours of a what-if map, in points of the score
_MIN_EFFECT = 0.02
# Of the colours of a map of votes, as a share of the scale
_MIN_SPAN = 0.05
_EDGE_OPACITY, _EFFECT_OPACITY = (0.16, 0.8), (0.12, 0.84)
_STAGE_TITLES = ("Similar by local features (FCN)", "Similar with context (ASPP)", "Similar after the graph")

Region = tuple[int, int]


class Scale(Protocol):
    """The ends of the scale that people rated on."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def draw(
    explanation: Explanation, photo: Image.Image, target: Path, *, what: str, region: Region, scale: Scale
) -> None:
    """Write one kind of map of a photo as PNG.

    photo:  upright RGB pixels of the explained photo, any size
    what:   a key of PANELS
    region: (row, column) that "graph" and "stages" are about
    scale:  of the model's card
    Raises SettingError where the explanation has no such map, OutputError where the file cannot be written.
    """
    photo = photo.copy()
    photo.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
    panels = PANELS[what](explanation, photo, region, scale)
    ratio = min(max(photo.width / photo.height, 1 / _MAX_RATIO), _MAX_RATIO)
    write_figure(target, panels, ratio=ratio, headline=_headline(explanation, scale))


def _headline(explanation: Explanation, scale: Scale) -> Headline:
    scored = explanation.photo
    lines = (
        f"on the scale {scale.low:g} to {scale.high:g}",
        f"better than {scored.percentile:.0f} % of the rated photos",
    )
    return Headline(f"{scored.score:.2f}", lines, scored.model)


# --- panels of each kind of map --------------------------------------------------------------------------


def _vote_panels(explanation: Explanation, photo: Image.Image, _region: Region, scale: Scale) -> list[Panel]:
    votes_HW = explanation.regions.votes
    draw = partial(draw_map, photo=photo, values=votes_HW, span=_span_of(votes_HW, scale))
    legend = Legend(
        "the region's vote, in points of the score   ▾ the photo's score", explanation.photo.score
    )
    return [_photo_panel(photo), Panel("How each region votes", draw, legend)]


def _span_of(votes_HW: np.ndarray, scale: Scale) -> tuple[float, float]:
    """From the lowest vote to the highest, which lie close together; at least a part of the scale."""
    least, most = float(votes_HW.min()), float(votes_HW.max())
    padding = max(0.0, _MIN_SPAN * (scale.high - scale.low) - (most - least)) / 2
    return least - padding, most + padding


def _weight_panels(
    explanation: Explanation, photo: Image.Image, _region: Region, _scale: Scale
) -> list[Panel]:
    """1 is the weight of every region if all counted alike."""
    relative_HW = explanation.regions.weights * explanation.regions.weights.size
    draw = partial(draw_map, photo=photo, values=relative_HW, span=(0, relative_HW.max()))
    legend = Legend("weight in the score, in multiples of   ▾ an equal share", 1, _format_multiple)
    return [_photo_panel(photo), Panel("How much each region counts", draw, legend)]


def _graph_panels(explanation: Explanation, photo: Image.Image, region: Region, _scale: Scale) -> list[Panel]:
    def panel(title: str, text: str, values_HW: np.ndarray, *, inward: bool) -> Panel:
        def draw(axes: Axes) -> ScalarMappable:
            top = 100 * max(float(values_HW.max()), MIN_WEIGHT)
            image = draw_map(axes, photo=photo, values=100 * values_HW, span=(0, top), opacity=_EDGE_OPACITY)
            draw_edges(axes, photo.size, values_HW, region, inward=inward)
            return image

        return Panel(title, draw, Legend(text, format=_format_percent))

    received_HW = explanation.attention_received(*region)
    title = "What attends to the marked region" + ("" if received_HW.max() >= MIN_WEIGHT else ": nothing")
    return [
        panel(
            "What the marked region attends to",
            "share of its attention",
            explanation.attention(*region),
            inward=True,
        ),
        panel(title, "the marked region's share of their attention", received_HW, inward=False),
    ]


def _stage_panels(explanation: Explanation, photo: Image.Image, region: Region, _scale: Scale) -> list[Panel]:
    def panel(title: str, values_HW: np.ndarray, legend: Legend | None) -> Panel:
        def draw(axes: Axes) -> ScalarMappable:
            image = draw_map(axes, photo=photo, values=values_HW, span=(0, 1))
            draw_region_frame(axes, photo.size, explanation.regions.grid, region)
            return image

        return Panel(title, draw, legend)

    def draw_marked(axes: Axes) -> None:
        draw_photo(axes, photo)
        draw_region_frame(axes, photo.size, explanation.regions.grid, region)

    # Without a graph the last two stages are the same
    stages = 2 if explanation.affinity_NN is None else 3
    legends = [None] * (stages - 1) + [Legend("similarity to the marked region: cosine of their features")]
    maps = zip(_STAGE_TITLES[:stages], explanation.similarity(*region)[:stages], legends, strict=True)
    return [Panel("The marked region", draw_marked), *(panel(*one) for one in maps)]


def _what_if_panels(
    explanation: Explanation, photo: Image.Image, _region: Region, _scale: Scale
) -> list[Panel]:
    what_if = _require_what_if(explanation.what_if)
    span = max(float(np.abs(what_if.effect_RC).max()), _MIN_EFFECT)

    def draw_labelled(axes: Axes) -> None:
        draw_photo(axes, photo)
        label_cells(axes, photo.size, what_if)

    draw = partial(
        draw_map,
        photo=photo,
        values=what_if.effect_RC,
        span=(-span, span),
        colours=diverging(),
        smooth=False,
        opacity=_EFFECT_OPACITY,
    )
    legend = Legend("points of the score that the part adds", format=_format_signed)
    return [
        Panel("What raises the score, and what lowers it", draw_labelled),
        Panel("Each part blurred in turn", draw, legend),
    ]


def _photo_panel(photo: Image.Image) -> Panel:
    return Panel("The photo", partial(draw_photo, photo=photo))


def _require_what_if(what_if: WhatIf | None) -> WhatIf:
    if what_if is None:
        raise SettingError("the explanation has no what-if map: explain the photo with what_if=CELLS")
    return what_if


def _format_multiple(value: float) -> str:
    return f"{value:g} \N{MULTIPLICATION SIGN}"


def _format_percent(value: float) -> str:
    return f"{value:g} %"


def _format_signed(value: float) -> str:
    return f"{value:+g}".replace("-", "\N{MINUS SIGN}") if abs(value) > 1e-9 else "0"


PANELS: dict[str, Callable[[Explanation, Image.Image, Region, Scale], list[Panel]]] = {
    "votes": _vote_panels,
    "weights": _weight_panels,
    "graph": _graph_panels,
    "stages": _stage_panels,
    "what-if": _what_if_panels,
}
