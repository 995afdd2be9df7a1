"""Engines run a model file's network: the same weights, whatever computes them."""

from __future__ import annotations

import importlib.util
import platform
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from rgnet.errors import SettingError, near
from rgnet.weights.file import ModelFile

X86 = ("x86_64", "AMD64")
PRECISIONS = ("auto", "f32", "bf16", "f16", "int8")


class EngineStages(NamedTuple):
    """What explains a batch's votes, in float32. Shape letters: D features of a stage · N = H*W regions, row by row

    image_BC, vote_BHWC: as `Engine.run` gives them
    fcn_BHWD:            features after the backbone, on its own grid, which is the regions' but in a pooled network
    context_BND:         after what gives them context (DenseASPP)
    graph_BND:           after the region graph; context_BND where the network has none
    affinity_BNN:        S of equation 2, built from context_BND; None where the network has no graph
    """

    image_BC: np.ndarray
    vote_BHWC: np.ndarray
    fcn_BHWD: np.ndarray
    context_BND: np.ndarray
    graph_BND: np.ndarray
    affinity_BNN: np.ndarray | None


class Engine(Protocol):
    """name: what computes and in which precision, such as "openvino-bf16"."""

    name: str

    def run(self, pixels_BHWC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """uint8 RGB of one size -> (image_BC, vote_BHWC) float32: y of equation 4, and every region's vote."""

    def stages(self, pixels_BHWC: np.ndarray) -> EngineStages:
        """The same with what lies between; slower, and the first call for a size may compile."""


def open_engine(
    model: ModelFile, engine: str = "auto", *, precision: str = "auto", threads: int | None = None
) -> Engine:
    """The engine of that name, ready to run; "auto" is torch where there is an NVIDIA card for it, else OpenVINO.

    precision: "auto" is what the model's card says, mostly the engine's own choice, and float32 where that says int8
               but this is no x86 processor; "f32" is the same everywhere
    threads:   of the processor; None for all
    Raises EngineError, SettingError or MissingExtra.
    """
    if precision not in PRECISIONS:
        raise SettingError(f"precision is one of {', '.join(PRECISIONS)}, not {precision!r}")
    if engine == "auto":
        engine = "torch" if cuda_at_hand() else "openvino"
    name, _, device = engine.partition(":")
    if name not in OPENERS:
        raise SettingError(f"there is no engine {name!r}: {near(name, OPENERS)}")
    if precision == "auto":
        precision = served(model, name, device)
    return OPENERS[name](model, device, precision, threads)


def served(model: ModelFile, engine: str, device: str) -> str:
    """What "auto" means for a model: what its card says, where the engine has it."""
    quick = engine == "openvino" and device in ("", "CPU") and platform.machine() in X86
    return "f32" if model.card.precision == "int8" and not quick else model.card.precision


def cuda_at_hand() -> bool:
    """Whether torch is installed and sees an NVIDIA card; torch is not imported where there is no driver."""
    if not Path("/dev/nvidia0").exists() or importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def open_openvino(model: ModelFile, device: str, precision: str, threads: int | None) -> Engine:
    from rgnet.engines.openvino import OpenVINOEngine

    return OpenVINOEngine(model, device or "CPU", precision=precision, threads=threads)


def open_torch(model: ModelFile, device: str, precision: str, threads: int | None) -> Engine:
    from rgnet.engines.torch import TorchEngine

    return TorchEngine(model, device, precision=precision, threads=threads)


def open_compiled(model: ModelFile, device: str, precision: str, threads: int | None) -> Engine:
    from rgnet.engines.torch import CompiledEngine

    return CompiledEngine(model, device, precision=precision, threads=threads)


OPENERS = {"openvino": open_openvino, "torch": open_torch, "compiled": open_compiled}
