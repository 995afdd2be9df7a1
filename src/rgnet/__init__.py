"""rgnet: how beautiful is a photograph, and why.

    scorer = rgnet.load()
    scorer.score("photo.jpg").score

Names are resolved when first used, so importing rgnet loads no network, no engine and no decoder.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rgnet.errors import PhotoError, RgnetError
    from rgnet.explanation import Explanation, explain
    from rgnet.imaging.policy import DecodePolicy
    from rgnet.results import Record, RegionMap, ScoredPhoto, ScoreFailure
    from rgnet.scorer import Scorer, load, models
    from rgnet.weights.card import ModelCard

__version__ = "0.1.0"

# OpenVINO tells its makers each time it is imported, unless this module of theirs cannot be
sys.modules.setdefault("openvino_telemetry", None)

_HOME = {
    "DecodePolicy": "imaging.policy",
    "Explanation": "explanation",
    "ModelCard": "weights.card",
    "PhotoError": "errors",
    "Record": "results",
    "RegionMap": "results",
    "RgnetError": "errors",
    "ScoreFailure": "results",
    "ScoredPhoto": "results",
    "Scorer": "scorer",
    "explain": "explanation",
    "load": "scorer",
    "models": "scorer",
}

__all__ = [
    "DecodePolicy", "Explanation", "ModelCard", "PhotoError", "Record", "RegionMap", "RgnetError",
    "ScoreFailure", "ScoredPhoto", "Scorer", "explain", "load", "models",
]  # fmt: skip


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module 'rgnet' has no attribute {name!r}")
    return getattr(importlib.import_module(f"rgnet.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
