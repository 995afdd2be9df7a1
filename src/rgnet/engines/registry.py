"""Engines by name, and what "auto" means on this machine."""

from __future__ import annotations

import importlib.util
import platform
from pathlib import Path

from rgnet.engines.base import Engine
from rgnet.errors import EngineError, SettingError, near
from rgnet.weights.card import ModelCard
from rgnet.weights.file import ModelFile

_X86 = ("x86_64", "AMD64")
# How far a precision that nobody asked for may move scores, on a scale of four points such as 1 to 5
_LARGEST, _MEAN, _RANKS = 0.02, 0.005, 0.9995
PRECISIONS = ("auto", "f32", "bf16", "f16", "int8")


def open_engine(
    model: ModelFile,
    engine: str = "auto",
    *,
    precision: str = "auto",
    threads: int | None = None,
    one_shape: bool = True,
) -> Engine:
    """The engine of that name, ready to run; "auto" is torch where it can use an NVIDIA GPU, else OpenVINO.

    precision: "auto" is what the model's card says, mostly the engine's own choice, and float32 where that says int8
               but this is no x86 CPU; bf16 in place of float32 where the card records that this holds scores and the
               CPU has it; "f32" gives identical results everywhere
    threads:   CPU threads; default: all cores
    one_shape: whether all photos have the shape of the card's preprocessing; bf16 takes a second for each other one
    Raises EngineError, SettingError, MissingExtra, or ModelDamaged for a file whose parts do not fit together.
    """
    if precision not in PRECISIONS:
        raise SettingError(f"precision: expected one of {', '.join(PRECISIONS)}, found {precision!r}")
    if engine == "auto":
        engine = "torch" if has_cuda() else "openvino"
    name, _, device = engine.partition(":")
    if name not in _OPENERS:
        raise SettingError(f"there is no engine {name!r}: {near(name, _OPENERS)}")
    if precision == "auto":
        precision = _preferred_precision(model, name, device, one_shape)
    if precision == "f16" and not model.card.architecture.bounded:
        raise EngineError(
            f"{model.card.name} cannot run in f16: its graph compares regions by numbers beyond float16: "
            "ask for f32 or bf16"
        )
    return _OPENERS[name](model, device, precision, threads)


def _preferred_precision(model: ModelFile, engine: str, device: str, one_shape: bool) -> str:
    """What "auto" means for a model: what its card says, where the engine has it.

    A model served in float32 whose card records that bf16 holds its scores is left to OpenVINO, which computes in bf16
    where the CPU has it.
    """
    quick = engine == "openvino" and device in ("", "CPU") and platform.machine() in _X86
    if model.card.precision == "f32" and quick and one_shape and _holds_in_bf16(model.card):
        return "auto"
    return "f32" if model.card.precision == "int8" and not quick else model.card.precision


def _holds_in_bf16(card: ModelCard) -> bool:
    """Whether `bf16` among the card's metrics says that scores change by no more than may go unasked.

    bf16: largest and mean change of a score, in points of the card's scale, and rank correlation, all against float32
    """
    found = card.metrics.get("bf16")
    if not isinstance(found, dict):
        return False
    largest, mean, ranks = (found.get(name) for name in ("largest", "mean", "ranks"))
    if not (isinstance(largest, float) and isinstance(mean, float) and isinstance(ranks, float)):
        return False
    points = (card.scale.high - card.scale.low) / 4
    return largest <= _LARGEST * points and mean <= _MEAN * points and ranks >= _RANKS


def supported_precisions(card: ModelCard) -> list[str]:
    """Those that the model can run in, where the machine has them, the card's own choice first."""
    has_int8 = "int8" in card.training
    found = ["f32", "bf16", *(["f16"] if card.architecture.bounded else []), *(["int8"] if has_int8 else [])]
    return list(dict.fromkeys([card.precision, *found]))


def has_cuda() -> bool:
    """Whether torch is installed and sees an NVIDIA GPU; torch is not imported where there is no driver."""
    if not Path("/dev/nvidia0").exists() or importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def _open_openvino(model: ModelFile, device: str, precision: str, threads: int | None) -> Engine:
    from rgnet.engines.openvino import OpenVINOEngine

    return OpenVINOEngine(model, device or "CPU", precision=precision, threads=threads)


def _open_torch(model: ModelFile, device: str, precision: str, threads: int | None) -> Engine:
    from rgnet.engines.torch import TorchEngine

    return TorchEngine(model, device, precision=precision, threads=threads)


def _open_compiled(model: ModelFile, device: str, precision: str, threads: int | None) -> Engine:
    from rgnet.engines.torch import CompiledEngine

    return CompiledEngine(model, device, precision=precision, threads=threads)


_OPENERS = {"openvino": _open_openvino, "torch": _open_torch, "compiled": _open_compiled}
