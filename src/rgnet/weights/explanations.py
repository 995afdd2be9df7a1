"""What a model's explanations are worth, by the figures that `rgnet evaluate --inside --record` writes into its card.

Maps and the graph are drawn for people only where these figures say that they mean something. A card without them says
nothing either way: then they are drawn with a caution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from rgnet.weights.card import ModelCard

_SPLITS = ("test_inside", "held_out_inside")
# A map judges regions where the mean vote follows people's ratings, few votes stick to the ends of the scale, and the
# maps of different photos differ
_LEAST_VOTES_SRCC, _MOST_SATURATED, _MOST_ALIKE = 0.6, 0.1, 0.7
# The graph is used where the model loses this much SRCC with uniform edges
_LEAST_LOST = 0.003

CAUTION = (
    "This model's card does not say whether its maps and graph mean something; "
    "rgnet evaluate --inside --record measures it."
)


@dataclass(frozen=True, slots=True)
class ExplanationWorth:
    """no_maps, no_graph: why they are not drawn; None where they are. caution: what to say beside them."""

    no_maps: str | None = None
    no_graph: str | None = None
    caution: str | None = None


def judge_explanations(card: ModelCard) -> ExplanationWorth:
    """What may be drawn of a model's explanations."""
    no_graph = None if card.architecture.graph_layers else "This model has no region graph."
    figures = _find_figures(card)
    if figures is None:
        return ExplanationWorth(no_graph=no_graph, caution=CAUTION)
    return ExplanationWorth(no_maps=_judge_maps(figures), no_graph=no_graph or _judge_graph(figures))


def usual_map(card: ModelCard) -> np.ndarray | None:
    """(H, W) the mean vote at each place, on the human scale, where the card has it."""
    import numpy as np

    rows = (_find_figures(card) or {}).get("mean_map")
    return np.array(rows, np.float32) if rows else None


def _find_figures(card: ModelCard) -> Mapping[str, Any] | None:
    return next((card.metrics[split] for split in _SPLITS if split in card.metrics), None)


def _judge_maps(figures: Mapping[str, Any]) -> str | None:
    alike, saturated, follows = (
        figures.get(name) for name in ("map_correlation", "saturated_votes", "votes_srcc")
    )
    if alike is not None and alike > _MOST_ALIKE:
        return f"This model's maps look alike for all photos (correlation with the mean map {alike:.2f})."
    if saturated is not None and saturated > _MOST_SATURATED:
        return f"{100 * saturated:.0f} % of this model's votes stick to an end of the scale."
    if follows is not None and follows < _LEAST_VOTES_SRCC:
        return f"This model's votes do not follow people's ratings (rank correlation {follows:.2f})."
    return None


def _judge_graph(figures: Mapping[str, Any]) -> str | None:
    lost = {swap["edges"]: swap["srcc_lost"] for swap in figures.get("graph_swaps", ())}
    if not lost:
        return "Nobody measured whether this model uses its graph."
    uniform = lost.get("uniform", max(lost.values()))
    if uniform < _LEAST_LOST:
        return (
            f"This model hardly uses its graph: uniform edges cost {max(uniform, 0):.4f} in rank correlation."
        )
    return None
