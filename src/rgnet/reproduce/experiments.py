"""What each of the paper's experiments compares: recipes derived from one, and what the paper found.

Every variant differs from the recipe it comes from only in what the experiment is about, so that a small backbone and
our own recipe can be put to the paper's questions. The paper's figures stand here once, as shares of 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from rgnet.errors import SettingError
from rgnet.imaging.preprocess import IMAGENET_MEAN, IMAGENET_STD
from rgnet.training.recipes import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One network of an experiment.

    paper: accuracy and average precision that the paper prints for it, {} where it prints none
    curve, at: for a figure: the curve it is a point of, and where on the abscissa
    """

    name: str
    recipe: Recipe
    paper: Mapping[str, float] = field(default_factory=dict, hash=False)
    curve: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A table or figure of the paper.

    variants:  of a recipe and the backbones asked for (only Table 2 looks at these)
    reference: the variant that the others are compared with
    paper:     what the paper concludes, in words
    """

    title: str
    variants: Callable[[Recipe, Sequence[str]], list[Variant]]
    reference: str
    paper: str


def printed(accuracy: float, average_precision: float) -> dict[str, float]:
    """Figures as the paper prints them: accuracy in percent."""
    return {"accuracy": round(accuracy / 100, 4), "average_precision": average_precision}


def altered(recipe: Recipe, **changes: Any) -> Recipe:
    return replace(recipe, architecture=replace(recipe.architecture, **changes))


def table1(recipe: Recipe, _backbones: Sequence[str] = ()) -> list[Variant]:
    whole = recipe.architecture
    if not whole.rates or not whole.graph_layers or whole.pooled or whole.plain_convs:
        raise SettingError(
            "Table 1 takes a network apart: the recipe's needs DenseASPP rates and graph layers"
        )
    no_context, no_graph = {"rates": ()}, {"graph_layers": 0}
    neither = no_context | no_graph
    depth = len(whole.rates) + whole.graph_layers
    pooled = at_most(altered(recipe, **neither, pooled=True, output_stride=32), 224)
    rows = (
        ("FC-CNN", pooled, printed(80.45, 0.9005)),
        ("FCN", altered(recipe, **neither), printed(81.43, 0.9112)),
        ("FCN-A", altered(recipe, **no_graph), printed(82.11, 0.9262)),
        ("FCN-G", altered(recipe, **no_context), printed(82.33, 0.9277)),
        ("FCN-C-C", altered(recipe, **neither, plain_convs=depth), printed(80.52, 0.9038)),
        ("FCN-A-G", recipe, printed(83.59, 0.9462)),
    )
    return [Variant(name=name, recipe=made, paper=paper) for name, made, paper in rows]


def at_most(recipe: Recipe, size: int) -> Recipe:
    """The recipe on photos of `size` pixels at most."""
    sizes = tuple((epochs, min(side, size)) for epochs, side in recipe.sizes)
    small = replace(recipe.preprocess, size=min(recipe.preprocess.size, size))
    return replace(recipe, sizes=sizes, preprocess=small)


PAPER_BACKBONES = ("vgg16", "resnet101", "densenet121")
# With the modules, without them
TABLE_2 = {
    "vgg16": (printed(78.21, 0.8905), printed(76.32, 0.8806)),
    "resnet101": (printed(82.53, 0.9372), printed(80.44, 0.9013)),
    "densenet121": (printed(83.59, 0.9462), printed(81.43, 0.9112)),
}
# Networks whose published weights expect pixels in [-1, 1], and such as have their batch norms folded away
HALF_PIXELS = ("mobilenet_v1", "mobilenet_edgetpu")
FOLDED = ("mobilenet_v1", "mobilenet_v2")


def table2(recipe: Recipe, backbones: Sequence[str] = ()) -> list[Variant]:
    rows = []
    for backbone in backbones or PAPER_BACKBONES:
        whole = on_backbone(recipe, backbone)
        with_paper, without_paper = TABLE_2.get(backbone, ({}, {}))
        bare = altered(whole, rates=(), graph_layers=0)
        rows += [
            Variant(name=f"{backbone} FCN", recipe=bare, paper=without_paper),
            Variant(name=f"RGNet ({backbone})", recipe=whole, paper=with_paper),
        ]
    return rows


def on_backbone(recipe: Recipe, backbone: str) -> Recipe:
    """The recipe on another backbone, with the pixels and the batch norms that its weights expect."""
    if backbone == recipe.architecture.backbone:
        return recipe
    half = (0.5, 0.5, 0.5)
    mean, std = (half, half) if backbone in HALF_PIXELS else (IMAGENET_MEAN, IMAGENET_STD)
    return replace(
        altered(recipe, backbone=backbone),
        preprocess=replace(recipe.preprocess, mean=mean, std=std),
        norms="revive" if backbone in FOLDED else "keep",
    )


TABLE_3 = {
    (3, 6): printed(82.72, 0.9338),
    (6, 12): printed(82.67, 0.9327),
    (3, 6, 12): printed(83.16, 0.9410),
    (3, 6, 12, 18, 24): printed(83.49, 0.9469),
    (3, 6, 12, 18): printed(83.51, 0.9485),
}


def table3(recipe: Recipe, _backbones: Sequence[str] = ()) -> list[Variant]:
    return [
        Variant(name=f"rates {', '.join(map(str, rates))}", recipe=altered(recipe, rates=rates), paper=paper)
        for rates, paper in TABLE_3.items()
    ]


def figure5(recipe: Recipe, _backbones: Sequence[str] = ()) -> list[Variant]:
    sharpness = [
        Variant(name=f"r = {r}" if r else "average", recipe=altered(recipe, r=float(r)), curve="r", at=r)
        for r in (0, 1, 2, 4, 8, 16)
    ]
    blocks = [
        Variant(name=name, recipe=altered(recipe, graph_layers=count), curve="blocks", at=count)
        for count, name in enumerate(["no block", "1 block", *(f"{count} blocks" for count in range(2, 6))])
    ]
    return sharpness + blocks


GRAPH_SWITCHES = {"residual": "residual", "rebuilt": "rebuild_graph", "scaled": "scaled_affinity"}
GRAPH_STARTS = (0.1, 0.01)


def graph(recipe: Recipe, _backbones: Sequence[str] = ()) -> list[Variant]:
    recipe = replace(recipe, graph_start=1.0)
    rows = [Variant(name="no graph", recipe=altered(recipe, graph_layers=0))]
    for states in product((False, True), repeat=len(GRAPH_SWITCHES)):
        named = [name for name, state in zip(GRAPH_SWITCHES, states, strict=True) if state]
        changes = dict(zip(GRAPH_SWITCHES.values(), states, strict=True))
        rows.append(Variant(name=" + ".join(named) or "the paper's", recipe=altered(recipe, **changes)))
    steady = altered(recipe, residual=True, rebuild_graph=False, scaled_affinity=True)
    rows += [
        Variant(name=f"residual + scaled, W x {factor}", recipe=replace(steady, graph_start=factor))
        for factor in GRAPH_STARTS
    ]
    return rows


EXPERIMENTS: dict[str, Experiment] = {
    "table1": Experiment(
        title="Table 1: the network taken apart",
        variants=table1,
        reference="FCN-A-G",
        paper="Context and graph each help, both together most; as many plain convolutions do not.",
    ),
    "table2": Experiment(
        title="Table 2: backbones with and without context and graph",
        variants=table2,
        reference="",
        paper="Context and graph help on every backbone, and DenseNet-121 is the best backbone.",
    ),
    "table3": Experiment(
        title="Table 3: dilation rates of DenseASPP",
        variants=table3,
        reference="rates 3, 6, 12, 18",
        paper="More rates help up to (3, 6, 12, 18).",
    ),
    "figure5": Experiment(
        title="Figure 5: sharpness r of the aggregation, and number of graph convolutions",
        variants=figure5,
        reference="r = 4",
        paper="r = 4 is best, 0.3 % in accuracy above plain averaging; three graph convolutions are enough. "
        "The paper draws these curves and prints no values.",
    ),
    "graph": Experiment(
        title="The graph's construction: residual, rebuilt before each layer, scaled by sqrt(d'), and how it starts",
        variants=graph,
        reference="no graph",
        paper="Builds S once from X, without residual connection or scaling; it does not compare these.",
    ),
}
