"""The paper's experiments: variants of one recipe, and what the paper found.

Every variant differs from the recipe only in what the experiment is about, so that the paper's questions can be asked
of a small backbone and of our own recipe. The paper's numbers are here and nowhere else, as shares of 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from rgnet.errors import SettingError
from rgnet.imaging.preprocess import IMAGENET_MEAN, IMAGENET_STD
from rgnet.reproduce import claims
from rgnet.training.recipes import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One network of an experiment.

    paper: accuracy and average precision that the paper prints for it, {} where it prints none
    curve, at: for a figure: the curve it is a point of, and its abscissa
    """

    name: str
    recipe: Recipe
    paper: Mapping[str, float] = field(default_factory=dict, hash=False)
    curve: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A table or figure of the paper.

    variants:  of a recipe and the backbones that were asked for (only Table 2 uses these)
    reference: the variant that the others are compared with
    paper:     what the paper concludes, in words
    claims:    the same, and what we ask beyond it, as pairs of networks; those that were not trained are passed over
    """

    title: str
    variants: Callable[[Recipe, Sequence[str]], list[Variant]]
    reference: str
    paper: str
    claims: Callable[[Sequence[str]], list[claims.Claim]]


def _paper_values(accuracy: float, average_precision: float) -> dict[str, float]:
    """From the numbers as printed: accuracy is in percent there."""
    return {"accuracy": round(accuracy / 100, 4), "average_precision": average_precision}


def _change_architecture(recipe: Recipe, **changes: Any) -> Recipe:
    return replace(recipe, architecture=replace(recipe.architecture, **changes))


def _table1(recipe: Recipe, _backbones: Sequence[str] = ()) -> list[Variant]:
    whole = recipe.architecture
    if not whole.rates or not whole.graph_layers or whole.pooled or whole.plain_convs:
        raise SettingError(
            "Table 1 is an ablation: the recipe's network needs DenseASPP rates and graph layers"
        )
    no_context: dict[str, Any] = {"rates": ()}
    no_graph: dict[str, Any] = {"graph_layers": 0}
    neither = no_context | no_graph
    depth = len(whole.rates) + whole.graph_layers
    pooled = _limit_size(_change_architecture(recipe, **neither, pooled=True, output_stride=32), 224)
    rows: tuple[tuple[str, Recipe, dict[str, float]], ...] = (
        ("FC-CNN", pooled, _paper_values(80.45, 0.9005)),
        ("FCN", _change_architecture(recipe, **neither), _paper_values(81.43, 0.9112)),
        ("FCN-A", _change_architecture(recipe, **no_graph), _paper_values(82.11, 0.9262)),
        ("FCN-G", _change_architecture(recipe, **no_context), _paper_values(82.33, 0.9277)),
        ("FCN-C-C", _change_architecture(recipe, **neither, plain_convs=depth), _paper_values(80.52, 0.9038)),
        ("FCN-A-G", recipe, _paper_values(83.59, 0.9462)),
        ("FCN-G, attention", _change_architecture(recipe, rates=(), graph="attention"), {}),
        ("FCN-A-G, attention", _change_architecture(recipe, graph="attention"), {}),
    )
    return [Variant(name=name, recipe=made, paper=paper) for name, made, paper in rows]


def _limit_size(recipe: Recipe, size: int) -> Recipe:
    """The recipe on photos of `size` pixels at most."""
    sizes = tuple((epochs, min(side, size)) for epochs, side in recipe.sizes)
    small = replace(recipe.preprocess, size=min(recipe.preprocess.size, size))
    return replace(recipe, sizes=sizes, preprocess=small)


_PAPER_BACKBONES = ("vgg16", "resnet101", "densenet121")
# With the modules, without them
_TABLE_2 = {
    "vgg16": (_paper_values(78.21, 0.8905), _paper_values(76.32, 0.8806)),
    "resnet101": (_paper_values(82.53, 0.9372), _paper_values(80.44, 0.9013)),
    "densenet121": (_paper_values(83.59, 0.9462), _paper_values(81.43, 0.9112)),
}
# Networks whose published weights expect pixels in [-1, 1], and such as have their batch norms folded away
_HALF_PIXELS = ("mobilenet_v1", "mobilenet_edgetpu")
_FOLDED = ("mobilenet_v1", "mobilenet_v2")


def _table2(recipe: Recipe, backbones: Sequence[str] = ()) -> list[Variant]:
    rows = []
    for backbone in backbones or _PAPER_BACKBONES:
        whole = change_backbone(recipe, backbone)
        with_paper, without_paper = _TABLE_2.get(backbone, ({}, {}))
        bare = _change_architecture(whole, rates=(), graph_layers=0)
        rows += [
            Variant(name=f"{backbone} FCN", recipe=bare, paper=without_paper),
            Variant(name=f"RGNet ({backbone})", recipe=whole, paper=with_paper),
        ]
    return rows


def change_backbone(recipe: Recipe, backbone: str) -> Recipe:
    """The recipe on another backbone, with the pixel normalisation and batch norms that its weights expect."""
    if backbone == recipe.architecture.backbone:
        return recipe
    half = (0.5, 0.5, 0.5)
    mean, std = (half, half) if backbone in _HALF_PIXELS else (IMAGENET_MEAN, IMAGENET_STD)
    return replace(
        _change_architecture(recipe, backbone=backbone),
        preprocess=replace(recipe.preprocess, mean=mean, std=std),
        norms="revive" if backbone in _FOLDED else "keep",
    )


_TABLE_3 = {
    (3, 6): _paper_values(82.72, 0.9338),
    (6, 12): _paper_values(82.67, 0.9327),
    (3, 6, 12): _paper_values(83.16, 0.9410),
    (3, 6, 12, 18, 24): _paper_values(83.49, 0.9469),
    (3, 6, 12, 18): _paper_values(83.51, 0.9485),
}


def _table3(recipe: Recipe, _backbones: Sequence[str] = ()) -> list[Variant]:
    return [
        Variant(
            name=f"rates {', '.join(map(str, rates))}",
            recipe=_change_architecture(recipe, rates=rates),
            paper=paper,
        )
        for rates, paper in _TABLE_3.items()
    ]


def _figure5(recipe: Recipe, _backbones: Sequence[str] = ()) -> list[Variant]:
    sharpness = [
        Variant(
            name=f"r = {r}" if r else "average",
            recipe=_change_architecture(recipe, r=float(r)),
            curve="r",
            at=r,
        )
        for r in (0, 1, 2, 4, 8, 16)
    ]
    names = ["no block", "1 block", *(f"{count} blocks" for count in range(2, 6))]
    blocks = [
        Variant(name=name, recipe=_change_architecture(recipe, graph_layers=count), curve="blocks", at=count)
        for count, name in enumerate(names)
    ]
    attention = [
        Variant(
            name=f"attention, {name}",
            recipe=_change_architecture(recipe, graph="attention", graph_layers=count),
            curve="attention blocks",
            at=count,
        )
        for count, name in enumerate(names)
    ]
    return sharpness + blocks + attention


_GRAPH_SWITCHES = {"residual": "residual", "rebuilt": "rebuild_graph", "scaled": "scaled_affinity"}
_GRAPH_STARTS = (0.1, 0.01)


def _graph(recipe: Recipe, _backbones: Sequence[str] = ()) -> list[Variant]:
    rows = [Variant(name="no graph", recipe=_change_architecture(recipe, graph_layers=0))]
    full = replace(recipe, graph_start=1.0)
    for states in product((False, True), repeat=len(_GRAPH_SWITCHES)):
        switched_on = [name for name, state in zip(_GRAPH_SWITCHES, states, strict=True) if state]
        changes = dict(zip(_GRAPH_SWITCHES.values(), states, strict=True))
        rows.append(
            Variant(
                name=" + ".join(switched_on) or "the paper's", recipe=_change_architecture(full, **changes)
            )
        )
    paper = _change_architecture(full, residual=False, rebuild_graph=False, scaled_affinity=False)
    rows.append(Variant(name="the paper's, normed", recipe=_change_architecture(paper, batch_norms="all")))
    steady = _change_architecture(full, residual=True, rebuild_graph=False, scaled_affinity=True)
    rows += [
        Variant(name=f"residual + scaled, W x {factor}", recipe=replace(steady, graph_start=factor))
        for factor in _GRAPH_STARTS
    ]
    names = {"learned": "attention", "uniform": "attention, uniform edges", "none": "attention, no edges"}
    rows += [
        Variant(name=name, recipe=_change_architecture(recipe, graph="attention", edges=edges))
        for edges, name in names.items()
    ]
    return rows


EXPERIMENTS: dict[str, Experiment] = {
    "table1": Experiment(
        title="Table 1: ablation of context and graph",
        variants=_table1,
        claims=claims.table1_claims,
        reference="FCN-A-G",
        paper="Context and graph each help, both together most; as many plain convolutions do not.",
    ),
    "table2": Experiment(
        title="Table 2: backbones with and without context and graph",
        variants=_table2,
        claims=claims.table2_claims,
        reference="",
        paper="Context and graph help on every backbone, and DenseNet-121 is the best backbone.",
    ),
    "table3": Experiment(
        title="Table 3: dilation rates of DenseASPP",
        variants=_table3,
        claims=claims.table3_claims,
        reference="rates 3, 6, 12, 18",
        paper="More rates help up to (3, 6, 12, 18).",
    ),
    "figure5": Experiment(
        title="Figure 5: sharpness r of the aggregation, and number of graph convolutions",
        variants=_figure5,
        claims=claims.figure5_claims,
        reference="r = 4",
        paper="r = 4 is best, 0.3 % in accuracy above plain averaging; three graph convolutions are enough. "
        "The paper draws these curves and prints no values.",
    ),
    "graph": Experiment(
        title="The graph's construction: residual, rebuilt for each layer, scaled by sqrt(d'), batch norms, its start; "
        "and the attention graph",
        variants=_graph,
        claims=claims.graph_claims,
        reference="no graph",
        paper="Builds S once from X, without residual connection or scaling; it does not compare these.",
    ),
}
