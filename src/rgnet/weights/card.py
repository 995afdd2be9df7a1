"""The card of a model: what it is made of, how to feed it, what its numbers mean, and what it may be used for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, overload

from rgnet.architecture import Architecture
from rgnet.errors import SettingError
from rgnet.imaging.preprocess import Preprocess
from rgnet.weights.fields import parse_record

if TYPE_CHECKING:
    import numpy as np

FORMAT_VERSION = 1
# What model files of format 1 may lack, because earlier versions of rgnet had no such field
_ADDED = {
    Architecture: ("bins", "joined", "graph", "heads", "edges", "batch_norms"),
    Preprocess: ("multiple", "fit"),
}
_SHORT = 200
# A photo may be enlarged twice where halving one moves its score by this share of the scale at most, on average, and
# keeps the order of photos; else hardly at all
_MOST_MOVED, _LEAST_RANKS = 0.05, 0.93
_BARELY_ENLARGED, _TWICE = 1.1, 2.0

# Its name among the changes of `rgnet.evaluation.stability`
HALVED = "resized to half"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The scale people rated on.

    low, high: its ends
    people:    one sentence on who rated
    quantiles: of the photos' human means, evenly spaced from the lowest photo to the highest
    """

    low: float
    high: float
    people: str
    quantiles: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise SettingError(f"low lies below high, found {self.low:g} and {self.high:g}")
        if len(self.quantiles) < 2 or not all(one <= next for one, next in pairwise(self.quantiles)):
            raise SettingError("quantiles are two ratings or more, low to high")

    @overload
    def human(self, unit: float) -> float: ...
    @overload
    def human(self, unit: np.ndarray) -> np.ndarray: ...

    def human(self, unit: Any) -> Any:
        """A number in [0, 1] as a rating."""
        return self.low + (self.high - self.low) * unit

    def percentile(self, score: float) -> float:
        """0-100: the share of the rated photos whose human mean lies below `score`."""
        import numpy as np

        return float(np.interp(score, self.quantiles, np.linspace(0, 100, len(self.quantiles))))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a model is, apart from its weights.

    precision: what "auto" means for this model: "auto" leaves it to the engine, "f32" is for a network whose
              scores bf16 moves too much, unless metrics["bf16"] records that it does not, "int8" for one that was
              quantized and evaluated (on OpenVINO)
    training: data, photos, list hashes, recipe, command: plain values
    licence:  of the weights, short; `notice` is what users must be told
    metrics:  evaluation results by name
    """

    name: str
    architecture: Architecture
    preprocess: Preprocess
    scale: Scale
    precision: Literal["auto", "f32", "bf16", "f16", "int8"] = "auto"
    training: dict[str, Any] = field(default_factory=dict)
    licence: str
    notice: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""

    def __post_init__(self) -> None:
        if not self.name.isprintable() or not 0 < len(self.name) <= _SHORT:
            raise SettingError(f"name is a text of 1 to {_SHORT} characters, found {self.name[:40]!r}")
        if not self.architecture.channels:
            raise SettingError("a histogram head has bins, found none")

    @property
    def short_hash(self) -> str:
        return self.sha256[:12]

    @property
    def plain_metrics(self) -> dict[str, float]:
        """Those that are one number, for a table; a look inside the model is more than that."""
        return {
            name: value
            for name, value in self.metrics.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }

    @property
    def most_enlarged(self) -> float:
        """How far a photo may be enlarged to the network's input and still be compared with larger ones; by what
        `rgnet evaluate --stability --record` found."""
        for name in ("test_stability", "held_out_stability"):
            changes = self.metrics.get(name)
            match changes.get(HALVED) if isinstance(changes, dict) else None:
                case {"mean": int() | float() as moved, "srcc": int() | float() as ranks}:
                    share = moved / (self.scale.high - self.scale.low)
                    return _TWICE if share <= _MOST_MOVED and ranks >= _LEAST_RANKS else _BARELY_ENLARGED
        return _BARELY_ENLARGED

    def to_dict(self) -> dict[str, Any]:
        return {
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "architecture": self.architecture.to_dict(),
            "preprocess": self.preprocess.to_dict(),
            "scale": asdict(self.scale) | {"quantiles": list(self.scale.quantiles)},
            "precision": self.precision,
            "training": self.training,
            "licence": self.licence,
            "notice": self.notice,
            "metrics": self.metrics,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any], *, sha256: str) -> ModelCard:
        """The card of these values as JSON has them. Raises SettingError where one is missing, unknown or wrong."""
        values = {name: value for name, value in values.items() if name != "format_version"}
        return parse_record(cls, values | {"sha256": sha256}, added=_ADDED)
