"""OpenVINO's own files: the ONNX network read, fed by OpenVINO's preprocessing, weights in float32."""

from __future__ import annotations

import json
from pathlib import Path

import openvino as ov
from openvino.preprocess import ResizeAlgorithm

from rgnet.engines.openvino import from_pixels
from rgnet.export.interface import Interface

# Of Pillow's antialiased resampling; OpenVINO reads ONNX's Resize without its antialiasing
RESIZE = {
    "bilinear": ResizeAlgorithm.RESIZE_BILINEAR_PILLOW,
    "bicubic": ResizeAlgorithm.RESIZE_BICUBIC_PILLOW,
}


def build_openvino(normalised: Path, interface: Interface) -> ov.Model:
    """The network of an ONNX file that is fed normalised images, fed as `interface` says."""
    network = ov.Core().read_model(normalised)
    if interface.feed != "normalised":
        network = fed(network, interface)
    for key, value in {"card": json.dumps(interface.metadata()), "licence": interface.card.licence}.items():
        network.set_rt_info(value, ["rgnet", key])
    return network


def fed(network: ov.Model, interface: Interface) -> ov.Model:
    resize = RESIZE[interface.card.preprocess.kernel] if interface.feed == "photo" else None
    network = from_pixels(network, interface.card, resize=resize)
    network.input(0).set_names({interface.name})
    return network


def save(network: ov.Model, path: Path) -> list[Path]:
    """Write path and its .bin; returns both."""
    ov.save_model(network, path, compress_to_fp16=False)
    return [path, path.with_suffix(".bin")]
