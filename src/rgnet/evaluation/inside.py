"""What goes on inside a model: do its maps judge regions, is its graph used, does composition count?

Accuracy cannot tell. A network may rank photos well while every map shows the same blob, or while its graph could be
taken out unnoticed. These figures say which of its explanations mean something; see docs/evaluation.md.

Shape letters: P photos · N regions of a photo · R, C rows and columns of the what-if grid
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from rgnet.engines.registry import open_engine
from rgnet.errors import MissingExtra, SettingError
from rgnet.evaluation.metrics import srcc
from rgnet.evaluation.predictions import Predictions, draw_sample
from rgnet.explanation import explain_prepared
from rgnet.imaging.prepare import Prepared
from rgnet.results import ScoredPhoto, ScoreFailure, overlaps
from rgnet.scorer import Scorer, score_in_batches
from rgnet.what_if import CELLS, blur, cell_boxes, cover_each

if TYPE_CHECKING:
    from rgnet.weights.file import ModelFile

# A vote this near to an end of the scale, as a share of the scale, is saturated
SATURATED = 0.02
TILES = 4
# Of a photo's side: what is seen of it through a window around a region
WINDOW = 0.5


@dataclass(frozen=True, slots=True)
class GraphSwap:
    """The model with its learned edges replaced: SRCC lost, and the mean absolute change of a score, in points."""

    edges: str
    srcc_lost: float
    mean_change: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """Figures on a fixed sample of rated photos; None where the model has no such part.

    votes_srcc:       SRCC between the plain mean of a photo's votes and people's ratings
    negative_regions: share of regions whose vote correlates negatively with people's ratings
    saturated_votes:  share of votes within SATURATED of either end of the scale
    map_correlation:  median over photos of the correlation between a photo's map and the mean map: 1 says that
                      every map looks the same
    row_entropy:      mean entropy of the graph's rows as a share of ln N: 0 where each region attends to one other,
                      1 where all attend to all alike
    top_region_share: mean share of the attention that the most attended region of a photo receives
    graph_swaps:      what the score loses with other edges; needs PyTorch
    votes_what_if:    mean rank correlation, cell by cell, between votes and the effect of covering the cell
    votes_windows:    the same between votes and the score of the photo seen through a window around the cell
    shuffle_change:   mean change of the score when TILES x TILES tiles are shuffled, in points, over the photos that
                      people rate at or above the data set's threshold
    shuffle_falls:    share of these photos whose score falls
    mean_map:         the mean vote at each place, row by row, on the human scale
    """

    photos: int
    votes_srcc: float
    negative_regions: float
    saturated_votes: float
    map_correlation: float
    row_entropy: float | None
    top_region_share: float | None
    graph_swaps: tuple[GraphSwap, ...] = ()
    votes_what_if: float
    votes_windows: float
    shuffle_change: float
    shuffle_falls: float
    mean_map: tuple[tuple[float, ...], ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        rows = [
            ("SRCC of the mean vote", f"{self.votes_srcc:.3f}"),
            ("regions against people", f"{self.negative_regions:.1%}"),
            ("saturated votes", f"{self.saturated_votes:.1%}"),
            ("map against mean map", f"{self.map_correlation:.2f}"),
            ("votes and what-if", f"{self.votes_what_if:+.2f}"),
            ("votes and windows", f"{self.votes_windows:+.2f}"),
            (
                f"{TILES}x{TILES} tiles shuffled",
                f"{self.shuffle_change:+.2f} points, {self.shuffle_falls:.0%} fall",
            ),
        ]
        if self.row_entropy is not None and self.top_region_share is not None:
            rows += [
                ("entropy of a graph row", f"{self.row_entropy:.3f} of ln N"),
                ("most attended region", f"{self.top_region_share:.2f}"),
            ]
        rows += [
            (
                f"graph edges {swap.edges}",
                f"lose {swap.srcc_lost:+.4f} SRCC, move a score by {swap.mean_change:.3f}",
            )
            for swap in self.graph_swaps
        ]
        return "\n".join([*(f"{title:24}{value}" for title, value in rows), *self.notes])


def look_inside(
    scorer: Scorer,
    model: ModelFile,
    predictions: Predictions,
    *,
    sample: int,
    track: Callable[[Iterable[ScoredPhoto]], Iterable[ScoredPhoto]] = iter,
) -> Inside:
    """Look at a fixed sample of the photos that have a score.

    model: the file that `scorer` was loaded from
    Raises SettingError for fewer than 3 photos, or where `scorer` keeps each photo's own shape.
    """
    indices = draw_sample(predictions, sample)
    if len(indices) < 3:
        raise SettingError(f"looking inside a model takes at least 3 photos, not {len(indices)}")
    if scorer.preprocess.fit != "squash":
        raise SettingError(
            f"{scorer.card.name} keeps the shape of each photo, and maps are compared region by region: "
            'give a model that squashes photos, or load it with fit="squash" from Python'
        )
    human_P, high_P = predictions.human_N[indices], predictions.high_N[indices]
    seen = [_look_at(scorer, record) for record in track([predictions.records[index] for index in indices])]

    vote_PN = np.stack([one.vote_N for one in seen])
    scale = scorer.card.scale
    unit_PN = (vote_PN - scale.low) / (scale.high - scale.low)
    change_P = np.array([one.shuffle_change for one in seen])[high_P]
    entropies = [one.row_entropy for one in seen if one.row_entropy is not None]
    shares = [one.top_region_share for one in seen if one.top_region_share is not None]
    swaps, notes = _swap_edges(scorer, model, seen, human_P)
    return Inside(
        photos=len(seen),
        votes_srcc=srcc(vote_PN.mean(axis=1), human_P),
        negative_regions=float(np.mean([srcc(vote_P, human_P) < 0 for vote_P in vote_PN.T])),
        saturated_votes=float(((unit_PN < SATURATED) | (unit_PN > 1 - SATURATED)).mean()),
        map_correlation=float(np.median(map_correlations(vote_PN))),
        row_entropy=float(np.mean(entropies)) if entropies else None,
        top_region_share=float(np.mean(shares)) if shares else None,
        graph_swaps=swaps,
        votes_what_if=_mean([one.what_if_agreement for one in seen]),
        votes_windows=_mean([one.window_agreement for one in seen]),
        shuffle_change=_mean(change_P),
        shuffle_falls=_mean(change_P < 0),
        mean_map=tuple(map(tuple, np.round(vote_PN.mean(axis=0), 3).reshape(seen[0].grid).tolist())),
        notes=notes,
    )


def _mean(values: Sequence[float] | np.ndarray) -> float:
    """Of the values that are defined; NaN where there is none."""
    defined = np.asarray(values, dtype=float)
    defined = defined[~np.isnan(defined)]
    return float(defined.mean()) if len(defined) else np.nan


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is measured on one photo."""

    photo: Prepared
    grid: tuple[int, int]
    vote_N: np.ndarray
    row_entropy: float | None
    top_region_share: float | None
    what_if_agreement: float
    window_agreement: float
    shuffle_change: float


def _look_at(scorer: Scorer, record: ScoredPhoto) -> _Seen:
    photo = scorer.prepare(record.path)
    explained = explain_prepared(scorer, [record.path], [photo])[0]
    if isinstance(explained, ScoreFailure):
        raise SettingError(f"{record.path}: {explained.error}: leave it out of the table")
    votes_HW = explained.regions.votes
    cell_N = pool_to_cells(votes_HW, CELLS).ravel()
    # The photo too is scored here: the pass that gives its map may be of another precision
    score, shuffled = score_in_batches(scorer, [photo, shuffle_tiles(photo)])
    covered_N = score_in_batches(scorer, cover_each(photo, cell_boxes(CELLS), blur))
    window_N = score_in_batches(scorer, (_resized(photo, box) for box in window_boxes(CELLS)))
    affinity_NN = explained.affinity_NN
    return _Seen(
        photo=photo,
        grid=(votes_HW.shape[0], votes_HW.shape[1]),
        vote_N=votes_HW.ravel(),
        row_entropy=None if affinity_NN is None else row_entropy(affinity_NN),
        top_region_share=None if affinity_NN is None else float(affinity_NN.mean(axis=0).max()),
        what_if_agreement=srcc(cell_N, score - np.array(covered_N)),
        window_agreement=srcc(cell_N, np.array(window_N)),
        shuffle_change=shuffled - score,
    )


def row_entropy(affinity_NN: np.ndarray) -> float:
    """Mean entropy of the rows of S, -sum_j S_ij ln S_ij, as a share of its largest value ln N."""
    log_NN = np.log(affinity_NN, out=np.zeros_like(affinity_NN), where=affinity_NN > 0)
    return float(-(affinity_NN * log_NN).sum(axis=1).mean() / np.log(len(affinity_NN)))


def map_correlations(vote_PN: np.ndarray) -> np.ndarray:
    """Pearson correlation of each photo's map with the mean map; 0 for a map without contrast."""
    map_PN = vote_PN - vote_PN.mean(axis=1, keepdims=True)
    mean_N = map_PN.mean(axis=0)
    length_P = np.linalg.norm(map_PN, axis=1) * np.linalg.norm(mean_N)
    return np.divide(map_PN @ mean_N, length_P, out=np.zeros(len(map_PN)), where=length_P > 0)


def pool_to_cells(votes_HW: np.ndarray, cells: int) -> np.ndarray:
    """The mean vote in each cell of a cells x cells grid that spans the photo, regions weighted by overlap."""
    edges = np.linspace(0, 1, cells + 1)
    down_RH, across_CW = (cells * overlaps(edges, side) for side in votes_HW.shape)
    return down_RH @ votes_HW @ across_CW.T


def window_boxes(cells: int) -> list[tuple[float, float, float, float]]:
    """(left, top, right, bottom) of a window of WINDOW of each side around every cell, moved inside the photo."""
    start = [min(max((place + 0.5) / cells - WINDOW / 2, 0), 1 - WINDOW) for place in range(cells)]
    return [(left, top, left + WINDOW, top + WINDOW) for top in start for left in start]


def _resized(photo: Prepared, box: tuple[float, float, float, float]) -> Prepared:
    """A window of a photo at the photo's own size."""
    height, width = photo.pixels_HW3.shape[:2]
    left, top, right, bottom = box
    edges = (left * width, top * height, right * width, bottom * height)
    image = Image.fromarray(photo.pixels_HW3).resize((width, height), Image.Resampling.BICUBIC, box=edges)
    return photo._replace(pixels_HW3=np.asarray(image))


def shuffle_tiles(photo: Prepared, tiles: int = TILES) -> Prepared:
    """The photo cut into tiles x tiles pieces, put back in an order that is the same for every photo of its size."""
    height, width = (side // tiles for side in photo.pixels_HW3.shape[:2])
    pixels_HW3 = photo.pixels_HW3.copy()
    order = np.random.default_rng(0).permutation(tiles * tiles)
    for place, origin in enumerate(order):
        (row, column), (from_row, from_column) = divmod(place, tiles), divmod(int(origin), tiles)
        pixels_HW3[row * height : (row + 1) * height, column * width : (column + 1) * width] = (
            photo.pixels_HW3[
                from_row * height : (from_row + 1) * height, from_column * width : (from_column + 1) * width
            ]
        )
    return photo._replace(pixels_HW3=pixels_HW3)


# --- other edges in a trained graph -----------------------------------------------------------------------

# S_NN of every head -> other edges of the same shape, whose rows also sum to 1
_EDGES: dict[str, Callable[[Any], Any]] = {
    "to itself alone": lambda affinity: affinity.new_ones(affinity.shape[-1]).diag().expand(affinity.shape),
    "uniform": lambda affinity: affinity.new_full(affinity.shape, 1 / affinity.shape[-1]),
    "with rows permuted": lambda affinity: affinity.roll(affinity.shape[-2] // 2 + 1, dims=-2),
}


def _swap_edges(
    scorer: Scorer, model: ModelFile, seen: Sequence[_Seen], human_P: np.ndarray
) -> tuple[tuple[GraphSwap, ...], tuple[str, ...]]:
    """(what each of _EDGES costs, notes): the network is run by PyTorch, in float32, on the same photos."""
    if seen[0].row_entropy is None:
        return (), ("the model has no graph",)
    try:
        engine = open_engine(model, "torch", precision="f32")
    except MissingExtra as problem:
        return (), (f"edges of the graph were not replaced: {problem}",)
    inside = Scorer(model, engine, threads=scorer.threads, fit="squash")
    photos = [one.photo for one in seen]
    before_P = np.array(score_in_batches(inside, photos))
    swaps = []
    for name, edges in _EDGES.items():
        with _replaced_edges(engine, edges):
            after_P = np.array(score_in_batches(inside, photos))
        lost = srcc(before_P, human_P) - srcc(after_P, human_P)
        swaps.append(GraphSwap(name, lost, float(np.abs(after_P - before_P).mean())))
    return tuple(swaps), ()


@contextmanager
def _replaced_edges(engine: Any, edges: Callable[[Any], Any]) -> Iterator[None]:
    """The engine's graph with what `edges` makes of its S."""
    graph = engine.network.graph
    learned = graph.affinity
    graph.affinity = lambda *inputs: edges(learned(*inputs))
    try:
        yield
    finally:
        del graph.affinity
