"""What scoring a photo yields: the waist of the hour-glass between the network and every output.

A JSON line, a CSV or Parquet row and an HTTP answer are all `to_dict()` of a record below. A photo that
could not be scored is a record too (`ScoreFailure`), with the same columns; both have every column as an attribute.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from rgnet.text import printable

if TYPE_CHECKING:
    import numpy as np

SCHEMA = 1

COLUMNS = (
    "schema", "path", "score", "percentile", "label", "probability", "width", "height",
    "model", "model_hash", "engine", "notes", "error",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RegionMap:
    """Every region's vote and its weight in the photo's score (equation 4).

    votes:   (H, W) float32, region scores on the model's human scale
    weights: (H, W) float32, exp(r Y_ij) / sum exp(r Y_kl): how much a small change of the region's vote
             moves the photo's score; they sum to 1
    Row 0 is the top and column 0 the left of the upright photo. The grid spans the whole photo, so region
    (i, j) covers x in [j, j+1] * width / W and y in [i, i+1] * height / H.
    """

    votes: np.ndarray
    weights: np.ndarray

    @property
    def grid(self) -> tuple[int, int]:
        return self.votes.shape[0], self.votes.shape[1]

    def box(self, row: int, column: int, *, width: int, height: int) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) of a region in pixels of the upright photo."""
        return box_of(self.grid, row, column, width=width, height=height)


def box_of(
    grid: tuple[int, int], row: int, column: int, *, width: float, height: float
) -> tuple[float, float, float, float]:
    """(left, top, right, bottom) of a cell of a grid of (rows, columns) that spans a photo of this size."""
    rows, columns = grid
    return (
        column * width / columns,
        row * height / rows,
        (column + 1) * width / columns,
        (row + 1) * height / rows,
    )


def overlaps(edges: Sequence[float] | np.ndarray, regions: int) -> np.ndarray:
    """(spans, regions) along one side: what each region has in common with each span between neighbouring edges.

    edges, and what is returned: shares of the side
    """
    import numpy as np

    edge, region = np.asarray(edges), np.linspace(0, 1, regions + 1)
    low = np.maximum(edge[:-1, None], region[None, :-1])
    high = np.minimum(edge[1:, None], region[None, 1:])
    return np.clip(high - low, 0, None)


class VideoFrame(NamedTuple):
    """Which frame of a video stands for it.

    time_s:     from the first frame
    duration_s: of the video
    shots:      how many it has; None where only parts of it were looked at
    """

    time_s: float
    duration_s: float
    shots: int | None


def clock_time(seconds: float) -> str:
    """ "1:23" or "1:02:03", as players show it."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


@dataclass(frozen=True, slots=True)
class ScoredPhoto:
    """One photo's score and what it means.

    score:       on the scale of the people whose ratings the model learned (its model card names the scale)
    percentile:  0-100, the share of the rated photos whose human mean lies below `score`
    label, probability: "high" or "low" and p(high) of equation 5 where the model is a classifier, else None
    width, height: pixels of the upright photo, after the orientation tag
    notes:       what had to be worked around, in words; usually empty
    histogram:   the share of people expected to give each rating, low to high, where the model predicts it
    features:    (D,) float16, the backbone's, where they were asked for: what a person's taste is learned from
    """

    path: str
    score: float
    percentile: float
    label: str | None
    probability: float | None
    width: int
    height: int
    model: str
    model_hash: str
    engine: str
    notes: tuple[str, ...] = ()
    histogram: tuple[float, ...] | None = field(default=None, repr=False)
    regions: RegionMap | None = field(default=None, repr=False, compare=False)
    features: np.ndarray | None = field(default=None, repr=False, compare=False)

    ok: ClassVar[Literal[True]] = True
    error: ClassVar[None] = None

    def to_dict(self) -> dict[str, Any]:
        """The record as plain values in the order of COLUMNS."""
        return {
            "schema": SCHEMA,
            "path": self.path,
            "score": self.score,
            "percentile": self.percentile,
            "label": self.label,
            "probability": self.probability,
            "width": self.width,
            "height": self.height,
            "model": self.model,
            "model_hash": self.model_hash,
            "engine": self.engine,
            "notes": list(self.notes),
            "error": None,
        }

    def _repr_html_(self) -> str:
        """In a notebook."""
        facts = {"photo": self.path, "score": f"{self.score:.2f}", "percentile": f"{self.percentile:.0f}"}
        if self.label is not None and self.probability is not None:
            facts["label"] = f"{self.label}, p(high) {self.probability:.2f}"
        return _html_table(facts | {"model": self.model, "notes": "; ".join(self.notes)})


@dataclass(frozen=True, slots=True)
class ScoreFailure:
    """A photo that could not be scored.

    error: why and what to do, without the path
    """

    path: str
    error: str
    model: str
    model_hash: str
    engine: str

    ok: ClassVar[Literal[False]] = False
    score: ClassVar[None] = None
    percentile: ClassVar[None] = None
    label: ClassVar[None] = None
    probability: ClassVar[None] = None
    width: ClassVar[None] = None
    height: ClassVar[None] = None
    notes: ClassVar[tuple[str, ...]] = ()
    histogram: ClassVar[None] = None
    regions: ClassVar[None] = None
    features: ClassVar[None] = None

    def to_dict(self) -> dict[str, Any]:
        """The record as plain values in the order of COLUMNS."""
        return dict.fromkeys(COLUMNS) | {
            "schema": SCHEMA,
            "path": self.path,
            "model": self.model,
            "model_hash": self.model_hash,
            "engine": self.engine,
            "notes": [],
            "error": self.error,
        }

    def _repr_html_(self) -> str:
        """In a notebook."""
        return _html_table({"photo": self.path, "no score": self.error, "model": self.model})


def _html_table(facts: dict[str, str]) -> str:
    """A row for each fact that is not empty. Names of files may hold anything."""
    rows = [(name, html.escape(printable(value))) for name, value in facts.items() if value]
    return (
        "<table>" + "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows) + "</table>"
    )


Record = ScoredPhoto | ScoreFailure
