"""OpenVINO: the default on processors; needs no torch."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Literal

import numpy as np
import openvino as ov
from openvino.preprocess import PrePostProcessor, ResizeAlgorithm

from rgnet.engines.base import EngineStages, FeatureOutputs
from rgnet.engines.openvino_bf16 import folded, keep_fine_layers
from rgnet.engines.openvino_graph import find_stages
from rgnet.errors import EngineError, ModelDamaged
from rgnet.weights.card import ModelCard
from rgnet.weights.file import ModelFile

PRECISIONS = {"f32": ov.Type.f32, "bf16": ov.Type.bf16, "f16": ov.Type.f16}
SHAPES_KEPT = 6

# What a network gives besides scores and votes
Extra = Literal["nothing", "features", "stages"]


class OpenVINOEngine:
    """Runs the model file's graph on its own weights; normalisation is part of the compiled network.

    The network is compiled for each photo shape it meets, and the last few are kept: with the shape known,
    OpenVINO computes no padding at run time, where bf16 would round sizes above 256. In float32 on a processor that is
    exact, and one network with open sides serves all shapes but the square: about a tenth slower, but nothing is
    compiled for the next shape, and a hundred megabytes for each of them are saved. What also gives features or
    stages is compiled apart from what only scores, and only when it is asked for.

    precision: "bf16" leaves the first layers in float32 (`keep_fine_layers`); "int8" is the network that the model file
               holds beside its weights, and what is not in int8 there is in float32, the same on every processor
    """

    def __init__(self, model: ModelFile, device: str, *, precision: str, threads: int | None) -> None:
        self.model = model
        self.device = device
        self.core = ov.Core()
        self.settings: dict[str, object] = {"PERFORMANCE_HINT": "LATENCY"}
        self.precision = precision
        if precision == "auto" and device != "CPU" and not model.card.architecture.bounded:
            precision = self.precision = "f32"  # a GPU's own choice is f16
        if precision == "int8":
            if model.int8 is None:
                raise EngineError(
                    f"{model.card.name} holds no int8 network: make one with  rgnet quantize, or ask for f32"
                )
            self.settings["INFERENCE_PRECISION_HINT"] = PRECISIONS["f32"]
        elif precision != "auto":
            self.settings["INFERENCE_PRECISION_HINT"] = PRECISIONS[precision]
        offered = self.core.get_property(device, "OPTIMIZATION_CAPABILITIES")
        self.mixed = "BF16" in offered and precision in ("auto", "bf16")
        if threads is not None:
            self.settings["INFERENCE_NUM_THREADS"] = threads
        self.scoring = Shapes(lambda shape: self.compiled(shape, "nothing"))
        self.describing = Shapes(lambda shape: self.compiled(shape, "features"))
        self.explaining = Shapes(lambda shape: self.compiled(shape, "stages"))
        self.lock = threading.Lock()
        self.networks: dict[Extra, ov.Model] = {}

        self.square, self.exact = (model.card.preprocess.size,) * 2, False
        kind = self.scoring.at(self.square).get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if precision not in ("auto", "int8", kind):
            raise EngineError(f"this processor has no {precision}: OpenVINO offers {kind}")
        self.exact = kind == "f32" and device == "CPU" and not self.mixed
        self.name = f"openvino-{'int8' if precision == 'int8' else kind}"

    def run(self, pixels_BHWC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with self.lock:
            network = self.scoring.at(self.form(pixels_BHWC.shape[1:3]))
            with self.explaining_errors():
                outputs = network(pixels_BHWC)
            return outputs["image_BC"].copy(), outputs["vote_BHWC"].copy()

    def run_with_features(self, pixels_BHWC: np.ndarray) -> FeatureOutputs:
        if self.precision == "int8":
            raise EngineError(f"{self.model.card.name} gives no features in int8: ask for f32")
        with self.lock:
            network = self.describing.at(self.form(pixels_BHWC.shape[1:3]))
            with self.explaining_errors():
                outputs = network(pixels_BHWC)
            return FeatureOutputs(*(outputs[name].copy() for name in FeatureOutputs._fields))

    def form(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The sides that the network for a shape is compiled with; -1 is open."""
        return (-1, -1) if self.exact and shape != self.square else shape

    def stages(self, pixels_BHWC: np.ndarray) -> EngineStages:
        """Score and votes are those of `run`: int8 has the stages of the float network, bf16 rounds otherwise there."""
        with self.lock:
            network = self.explaining.at(pixels_BHWC.shape[1:3])
            with self.explaining_errors():
                outputs = network(pixels_BHWC)
            arrays = {name: array.copy() for key, array in outputs.items() for name in key.get_names()}
        if self.precision == "int8" or self.mixed:
            arrays["image_BC"], arrays["vote_BHWC"] = self.run(pixels_BHWC)
        return EngineStages(
            arrays["image_BC"],
            arrays["vote_BHWC"],
            arrays["fcn_BDHW"].transpose(0, 2, 3, 1),
            arrays["context_BND"],
            arrays["graph_BND"],
            arrays.get("affinity_BNN"),
        )

    def compiled(self, shape: tuple[int, ...], extra: Extra) -> ov.CompiledModel:
        """The network for photos of (H, W) and any batch. extra: what is among its outputs besides scores and votes"""
        with explaining_misfits(self.model):
            if extra not in self.networks:
                small = self.precision == "int8" and extra == "nothing"
                network = self.int8() if small else self.float(extra)
                _check_outputs(network, self.model.card.architecture.channels)
                self.networks[extra] = network
            network = self.networks[extra].clone()
            network.reshape([-1, *shape, 3])
            if self.mixed:
                network = keep_fine_layers(network, coarse=self.model.card.architecture.output_stride)
        with self.explaining_errors():
            return self.core.compile_model(network, self.device, self.settings)

    @contextmanager
    def explaining_errors(self) -> Iterator[None]:
        """OpenVINO's own errors as EngineError."""
        try:
            yield
        except RuntimeError as problem:
            name, reason = self.model.card.name, _last_line(problem)
            raise EngineError(f"OpenVINO cannot run {name} on {self.device}: {reason}") from problem

    def int8(self) -> ov.Model:
        assert self.model.int8 is not None
        weights = np.frombuffer(self.model.int8.weights, np.uint8)
        return self.core.read_model(self.model.int8.xml, ov.Tensor(weights))

    def float(self, extra: Extra) -> ov.Model:
        network = self.core.read_model(io.BytesIO(self.model.graph))
        if extra != "nothing":
            found = find_stages(network)
            if extra == "features":
                grid = np.array([2, 3], np.int64)
                found = {"feature_BD": ov.opset13.reduce_mean(found["fcn_BDHW"], grid).output(0)}
            for name, output in found.items():
                output.get_tensor().add_names({name})
            network.add_outputs(list(found.values()))
        network = from_pixels(with_weights(network, self.model), self.model.card)
        return folded(network) if self.mixed else network


class Shapes:
    """What `compile` gives for a photo shape (H, W), the last few shapes kept."""

    def __init__(self, compile: Callable[[tuple[int, ...]], ov.CompiledModel]) -> None:
        self.compile = compile
        self.kept: OrderedDict[tuple[int, ...], ov.CompiledModel] = OrderedDict()

    def at(self, shape: tuple[int, ...]) -> ov.CompiledModel:
        if shape not in self.kept:
            self.kept[shape] = self.compile(shape)
            if len(self.kept) > SHAPES_KEPT:
                self.kept.popitem(last=False)
        self.kept.move_to_end(shape)
        return self.kept[shape]


@contextmanager
def explaining_misfits(model: ModelFile) -> Iterator[None]:
    """Whatever goes wrong where a model's graph and weights are put together as ModelDamaged."""
    try:
        yield
    except (RuntimeError, LookupError, TypeError, ValueError, StopIteration) as problem:
        raise ModelDamaged(
            f"the graph and the weights of {model.path or model.card.name} do not fit together "
            f"({_last_line(problem)}): fetch the file again"
        ) from problem


def _check_outputs(network: ov.Model, channels: int) -> None:
    """Raises ValueError or RuntimeError where the network does not give what a model file's network gives."""
    for name, rank in (("image_BC", 2), ("vote_BHWC", 4)):
        shape = network.output(name).partial_shape
        if (
            shape.rank.is_dynamic
            or len(shape) != rank
            or not shape[rank - 1].compatible(ov.Dimension(channels))
        ):
            raise ValueError(f"its output {name} is {shape}, expected {channels} in the last place of {rank}")


def _last_line(problem: Exception) -> str:
    """What matters of an error of OpenVINO's, whose first lines name places in its source."""
    lines = str(problem).strip().splitlines() or [type(problem).__name__]
    return lines[-1].strip()[:200]


def with_weights(network: ov.Model, model: ModelFile) -> ov.Model:
    """The graph with a constant in place of every input that is a weight."""
    for parameter in network.get_parameters():
        name = parameter.get_friendly_name()
        if name == "image":
            continue
        if name not in model.tensors:
            raise ValueError(f"there are no weights {name!r}")
        constant = ov.opset13.constant(model.tensors[name].astype(np.float32))
        for target in parameter.output(0).get_target_inputs():
            target.replace_source_output(constant.output(0))
        network.remove_parameter(parameter)
    network.validate_nodes_and_infer_types()
    return network


def from_pixels(network: ov.Model, card: ModelCard, *, resize: ResizeAlgorithm | None = None) -> ov.Model:
    """The network fed with uint8 (B, H, W, 3) instead of normalised (B, 3, H, W); `resize`: of photos of any size."""
    steps = PrePostProcessor(network)
    outside = steps.input("image").tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input("image").model().set_layout(ov.Layout("NCHW"))
    feed = steps.input("image").preprocess()
    if resize is not None:
        outside.set_spatial_dynamic_shape()
        feed.resize(resize)
    feed.convert_element_type(ov.Type.f32)
    feed.custom(partial(_normalise, card))
    return steps.build()


def _normalise(card: ModelCard, pixels: ov.Output) -> ov.Output:
    """Pixels with channels last, less their mean, by their deviation.

    OpenVINO's own mean and scale become other layers only when they are compiled, which loses the mark of `precise`.
    """
    preprocess = card.preprocess
    mean_C, std_C = (np.array(values, np.float32) for values in (preprocess.byte_mean, preprocess.byte_std))
    centred = ov.opset13.add(pixels, ov.opset13.constant(-mean_C))
    return ov.opset13.multiply(centred, ov.opset13.constant(1 / std_C)).output(0)
