"""What an RGNet is made of, as plain values: read by the builder (`rgnet.model`), written into model files.

Kept apart from `model/` so that a model file can be read and described without torch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from rgnet.errors import SettingError, near


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """Sizes and switches of one network; the defaults are the paper's RGNet (section 3).

    backbone:       a key of `rgnet.model.backbones.BACKBONES`, or "timm:NAME"
    output_stride:  photo pixels per region along one side; section 3.1: 8
    squeeze:        1x1 convolution to this many maps before DenseASPP; None is the paper's
    rates, maps:    dilation rates of DenseASPP, and maps of each; () leaves DenseASPP out
    graph_layers:   graph convolutions; 0 leaves the region graph out
    rebuild_graph:  build S anew before each layer (house reading: once)
    residual:       Z_l = Z_{l-1} + ReLU(S Z_{l-1} W_l) instead of ReLU(S Z_{l-1} W_l)
    scaled_affinity: divide the inner product of equation 1 by sqrt(d')
    plain_convs:    3x3 convolutions in place of DenseASPP and graph (FCN-C-C of Table 1)
    pooled:         average the features to one region before the head (FC-CNN of Table 1)
    head:           "classes": softmax over low and high (section 3.2); "score": one sigmoid (AADB)
    r:              sharpness of log-sum-exp, equation 4; 0 is the plain average
    """

    backbone: str = "densenet121"
    output_stride: int = 8
    squeeze: int | None = None
    rates: tuple[int, ...] = (3, 6, 12, 18)
    maps: int = 64
    graph_layers: int = 3
    rebuild_graph: bool = False
    residual: bool = False
    scaled_affinity: bool = False
    plain_convs: int = 0
    pooled: bool = False
    head: Literal["classes", "score"] = "classes"
    r: float = 4.0

    def __post_init__(self) -> None:
        if self.head not in ("classes", "score"):
            raise SettingError(f"head is 'classes' or 'score', not {self.head!r}")
        if self.r < 0:
            raise SettingError(f"r of log-sum-exp is 0 (plain average) or more, not {self.r}")

    @property
    def channels(self) -> int:
        """Outputs of the head for each region: two classes, or one score."""
        return 2 if self.head == "classes" else 1

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"rates": list(self.rates)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Architecture:
        known = {field.name for field in fields(cls)}
        for name in values.keys() - known:
            raise SettingError(f"an architecture has no {name!r}: {near(name, known)}")
        return cls(**values | {"rates": tuple(values.get("rates", cls.rates))})
