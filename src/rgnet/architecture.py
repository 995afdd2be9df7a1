"""What an RGNet is made of, as plain values: read by the builder (`rgnet.model`), written into model files.

Kept apart from `model/` so that a model file can be read and described without torch.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rgnet.errors import SettingError

HEADS = ("classes", "score", "histogram")
GRAPHS = ("paper", "attention")
EDGES = ("learned", "uniform", "none")
BATCH_NORMS = ("context", "all")
# So that no model file asks for a network beyond all memory
_RANGES = {
    "output_stride": (1, 64),
    "squeeze": (1, 8192),
    "rates": (1, 256),
    "maps": (1, 2048),
    "graph_layers": (0, 64),
    "heads": (1, 256),
    "plain_convs": (0, 64),
}
_MOST_RATES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """Sizes and switches of one network; the defaults are the paper's RGNet (section 3).

    backbone:       a key of `rgnet.model.backbones.BACKBONES`, or "timm:NAME"
    output_stride:  photo pixels per region along one side; section 3.1: 8
    joined:         no dilation: the maps of strides 16 and 32 joined on the grid of stride 16; `backbone` may then
                    name several networks side by side, as in "mobilenet_v1+mobilenet_v2"
    squeeze:        1x1 convolution to this many maps before DenseASPP; None is the paper's
    rates, maps:    dilation rates of DenseASPP, and maps of each; () leaves DenseASPP out
    graph_layers:   graph convolutions; 0 leaves the region graph out
    graph:          "paper": equations 1 to 3; "attention": `rgnet.model.region_graph.AttentionGraph`
    heads, edges:   of the attention graph: its number of heads, and "learned" edges, or as controls "uniform" ones
                    or "none"
    rebuild_graph:  build S anew before each layer (house reading: once)
    residual:       Z_l = Z_{l-1} + ReLU(S Z_{l-1} W_l) instead of ReLU(S Z_{l-1} W_l)
    scaled_affinity: divide the inner product of equation 1 by sqrt(d')
    batch_norms:    in front of which weight layers (section 3.3): "context": those of DenseASPP; "all": also A and B,
                    each W and the vote. Of the paper's graph; the attention graph has layer norms
    plain_convs:    3x3 convolutions in place of DenseASPP and graph (FCN-C-C of Table 1)
    pooled:         average the features to one region before the head (FC-CNN of Table 1)
    head:           "classes": softmax over low and high (section 3.2); "score": one sigmoid (AADB);
                    "histogram": softmax over `bins`
    bins:           of a histogram head: the ratings that are counted, in [0, 1], low to high
    r:              sharpness of log-sum-exp, equation 4; 0 is the plain average
    """

    backbone: str = "densenet121"
    output_stride: int = 8
    joined: bool = False
    squeeze: int | None = None
    rates: tuple[int, ...] = (3, 6, 12, 18)
    maps: int = 64
    graph_layers: int = 3
    graph: Literal["paper", "attention"] = "paper"
    heads: int = 4
    edges: Literal["learned", "uniform", "none"] = "learned"
    rebuild_graph: bool = False
    residual: bool = False
    scaled_affinity: bool = False
    batch_norms: Literal["context", "all"] = "context"
    plain_convs: int = 0
    pooled: bool = False
    head: Literal["classes", "score", "histogram"] = "classes"
    bins: tuple[float, ...] = ()
    r: float = 4.0

    def __post_init__(self) -> None:
        for name, choices in (
            ("head", HEADS),
            ("graph", GRAPHS),
            ("edges", EDGES),
            ("batch_norms", BATCH_NORMS),
        ):
            if (value := getattr(self, name)) not in choices:
                raise SettingError(f"{name} is {', '.join(choices[:-1])} or {choices[-1]}, not {value!r}")
        if self.bins and (
            self.head != "histogram"
            or len(self.bins) < 2
            or list(self.bins) != sorted(self.bins)
            or not 0 <= self.bins[0] <= self.bins[-1] <= 1
        ):
            raise SettingError(
                f"bins are two ratings or more in [0, 1], low to high, of a histogram head; found {self.bins} "
                f"with the head {self.head!r}"
            )
        if not 0 <= self.r < math.inf:
            raise SettingError(f"r of log-sum-exp is 0 (plain average) or more, not {self.r}")
        for name, (least, most) in _RANGES.items():
            value = getattr(self, name)
            for size in value if isinstance(value, tuple) else (() if value is None else (value,)):
                if not least <= size <= most:
                    raise SettingError(f"{name} lies in {least} to {most}, found {size}")
        if len(self.rates) > _MOST_RATES:
            raise SettingError(f"rates are at most {_MOST_RATES}, found {len(self.rates)}")

    @property
    def channels(self) -> int:
        """Outputs of the head for each region: two classes, one score, or a share for every bin."""
        return {"classes": 2, "score": 1, "histogram": len(self.bins)}[self.head]

    @property
    def bounded(self) -> bool:
        """Whether float16 holds the network: the paper's similarities of regions (equation 1) grow without bound."""
        return self.graph == "attention" or not self.graph_layers

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"rates": list(self.rates), "bins": list(self.bins)}


def is_weight(name: str) -> bool:
    """Whether a tensor of a network's state counts: all but the batches that its batch norms have seen."""
    return not name.endswith("num_batches_tracked")
