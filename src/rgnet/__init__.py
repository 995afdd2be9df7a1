"""rgnet: how beautiful is a photograph, and why.

    scorer = rgnet.load()
    scorer.score("photo.jpg").score

Names are resolved when first used, so importing rgnet loads no network, no engine and no decoder.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rgnet.errors import (
        CatalogueError,
        ClusterError,
        DataError,
        EngineError,
        MissingExtra,
        ModelFileError,
        ModelNotFound,
        OutputError,
        PhotoChanged,
        PhotoDamaged,
        PhotoDecoderCrashed,
        PhotoError,
        PhotoNotFound,
        PhotoRefused,
        PhotoTimedOut,
        PhotoTooLarge,
        PhotoUnsupported,
        RgnetError,
        SettingError,
    )
    from rgnet.explanation import Explanation, explain
    from rgnet.imaging.policy import DecodePolicy
    from rgnet.integrations.fiftyone import to_fiftyone
    from rgnet.results import Record, RegionMap, ScoredPhoto, ScoreFailure
    from rgnet.scorer import Scorer, load, models
    from rgnet.weights.card import ModelCard

__version__ = "0.1.0"

# OpenVINO reports its use each time it is imported, unless this module of its own cannot be
sys.modules.setdefault("openvino_telemetry", cast(Any, None))

_MODULES = {
    "errors": (
        *("CatalogueError", "ClusterError", "DataError", "EngineError", "MissingExtra", "ModelFileError"),
        *(
            "ModelNotFound",
            "OutputError",
            "PhotoChanged",
            "PhotoDamaged",
            "PhotoDecoderCrashed",
            "PhotoError",
        ),
        *("PhotoNotFound", "PhotoRefused", "PhotoTimedOut", "PhotoTooLarge", "PhotoUnsupported"),
        *("RgnetError", "SettingError"),
    ),
    "explanation": ("Explanation", "explain"),
    "imaging.policy": ("DecodePolicy",),
    "integrations.fiftyone": ("to_fiftyone",),
    "results": ("Record", "RegionMap", "ScoreFailure", "ScoredPhoto"),
    "scorer": ("Scorer", "load", "models"),
    "weights.card": ("ModelCard",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "CatalogueError",
    "ClusterError",
    "DataError",
    "DecodePolicy",
    "EngineError",
    "Explanation",
    "MissingExtra",
    "ModelCard",
    "ModelFileError",
    "ModelNotFound",
    "OutputError",
    "PhotoChanged",
    "PhotoDamaged",
    "PhotoDecoderCrashed",
    "PhotoError",
    "PhotoNotFound",
    "PhotoRefused",
    "PhotoTimedOut",
    "PhotoTooLarge",
    "PhotoUnsupported",
    "Record",
    "RegionMap",
    "RgnetError",
    "ScoreFailure",
    "ScoredPhoto",
    "Scorer",
    "SettingError",
    "explain",
    "load",
    "models",
    "to_fiftyone",
]


if not TYPE_CHECKING:  # a type checker sees the imports above, and with this it would believe in any name

    def __getattr__(name: str) -> Any:
        if name not in _MODULE_OF:
            raise AttributeError(f"module 'rgnet' has no attribute {name!r}")
        return getattr(importlib.import_module(f"rgnet.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
