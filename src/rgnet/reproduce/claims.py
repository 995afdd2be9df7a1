"""What the paper concludes from its tables, and what we ask beyond it: pairs of networks, of which one is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Claim:
    """That the network `better` is better than `worse`; `text` is what it would mean."""

    text: str
    better: str
    worse: str


def judge(*intervals: Interval | None) -> str:
    """What intervals of a difference say of it: beyond chance means that none of those that are known holds 0."""
    found = [interval for interval in intervals if interval]
    if found and all(low > 0 for low, _ in found):
        return "holds"
    if found and all(high < 0 for _, high in found):
        return "reversed"
    return "not shown"


def table1_claims(_names: Sequence[str]) -> list[Claim]:
    return [
        Claim("a grid of regions beats one vector", "FCN", "FC-CNN"),
        Claim("context helps", "FCN-A", "FCN"),
        Claim("the graph helps", "FCN-G", "FCN"),
        Claim("the graph helps beside context", "FCN-A-G", "FCN-A"),
        Claim("context helps beside the graph", "FCN-A-G", "FCN-G"),
        Claim("as many plain convolutions do not", "FCN-A-G", "FCN-C-C"),
        Claim("ours: the attention graph helps", "FCN-G, attention", "FCN"),
        Claim("ours: the attention graph helps beside context", "FCN-A-G, attention", "FCN-A"),
        Claim("ours: it is better than the paper's", "FCN-A-G, attention", "FCN-A-G"),
    ]


def table2_claims(names: Sequence[str]) -> list[Claim]:
    backbones = [
        name.removeprefix("RGNet (").removesuffix(")") for name in names if name.startswith("RGNet (")
    ]
    modules = [Claim(f"the modules help on {name}", f"RGNet ({name})", f"{name} FCN") for name in backbones]
    dense = next((name for name in backbones if name.startswith("densenet")), None)
    others = [name for name in backbones if dense and not name.startswith("densenet")]
    return modules + [
        Claim(f"a densely connected backbone beats {name}", f"RGNet ({dense})", f"RGNet ({name})")
        for name in others
    ]


def table3_claims(names: Sequence[str]) -> list[Claim]:
    best = "rates 3, 6, 12, 18"
    return [Claim(f"{best} are better than {name}", best, name) for name in names if name != best]


def figure5_claims(_names: Sequence[str]) -> list[Claim]:
    return [
        Claim("r = 4 is better than plain averaging", "r = 4", "average"),
        Claim("r = 4 is better than r = 16", "r = 4", "r = 16"),
        Claim("three graph convolutions are better than none", "3 blocks", "no block"),
        Claim("three are better than one", "3 blocks", "1 block"),
        Claim("five are better than three: the paper says no", "5 blocks", "3 blocks"),
        Claim(
            "ours: three of the attention graph are better than none",
            "attention, 3 blocks",
            "attention, no block",
        ),
        Claim("ours: three are better than one", "attention, 3 blocks", "attention, 1 block"),
    ]


def graph_claims(_names: Sequence[str]) -> list[Claim]:
    return [
        Claim("batch norms everywhere help the paper's graph", "the paper's, normed", "the paper's"),
        Claim("the paper's graph is better than none", "the paper's", "no graph"),
        Claim(
            "a residual, scaled one that starts small is better than none",
            "residual + scaled, W x 0.1",
            "no graph",
        ),
        Claim("the attention graph is better than none", "attention", "no graph"),
        Claim("which edges it learns matters", "attention", "attention, uniform edges"),
        Claim("that regions are joined at all matters", "attention", "attention, no edges"),
    ]
