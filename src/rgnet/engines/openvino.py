"""OpenVINO: the default on processors; needs no torch."""

from __future__ import annotations

import io

import numpy as np
import openvino as ov
from openvino.preprocess import PrePostProcessor

from rgnet.errors import EngineError
from rgnet.modelfile import ModelFile

PRECISIONS = {"f32": ov.Type.f32, "bf16": ov.Type.bf16, "f16": ov.Type.f16}


class OpenVINOEngine:
    """Runs the model file's graph on its own weights; normalisation is part of the compiled network."""

    def __init__(self, model: ModelFile, device: str, *, precision: str, threads: int | None) -> None:
        settings = {"PERFORMANCE_HINT": "LATENCY"}
        if precision != "auto":
            settings["INFERENCE_PRECISION_HINT"] = PRECISIONS[precision]
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        network = with_weights(ov.Core().read_model(io.BytesIO(model.graph)), model)
        try:
            self.compiled = ov.Core().compile_model(from_pixels(network, model), device, settings)
        except RuntimeError as problem:
            raise EngineError(f"OpenVINO cannot run {model.card.name} on {device}: {problem}") from problem
        kind = self.compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        if precision not in ("auto", kind):
            raise EngineError(f"this processor has no {precision}: OpenVINO offers {kind}")
        self.name = f"openvino-{kind}"

    def run(self, pixels_BHWC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        outputs = self.compiled(pixels_BHWC)
        return outputs["image_BC"], outputs["vote_BHWC"]


def with_weights(network: ov.Model, model: ModelFile) -> ov.Model:
    """The graph with a constant in place of every input that is a weight."""
    for parameter in network.get_parameters():
        name = parameter.get_friendly_name()
        if name == "image":
            continue
        constant = ov.opset13.constant(model.tensors[name].astype(np.float32), shared_memory=False)
        for target in parameter.output(0).get_target_inputs():
            target.replace_source_output(constant.output(0))
        network.remove_parameter(parameter)
    network.validate_nodes_and_infer_types()
    return network


def from_pixels(network: ov.Model, model: ModelFile) -> ov.Model:
    """The network fed with uint8 (B, H, W, 3) instead of normalised (B, 3, H, W)."""
    preprocess = model.card.preprocess
    steps = PrePostProcessor(network)
    steps.input("image").tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input("image").model().set_layout(ov.Layout("NCHW"))
    feed = steps.input("image").preprocess().convert_element_type(ov.Type.f32)
    feed.mean([255 * value for value in preprocess.mean]).scale([255 * value for value in preprocess.std])
    return steps.build()
