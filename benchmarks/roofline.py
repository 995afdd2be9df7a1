"""The roofline of each network on this machine, and how close each engine comes to it.

    python benchmarks/roofline.py [--json FILE]

Needs ".[torch,quantize]"; runs on two cores, and on an NVIDIA card where there is one. Prints, all from this run:
  matrix     the machine's rate in each precision, of one large product by the same engine, in GFLOP/s
  memory     the rate at which it reads and writes long vectors, in GB/s
  networks   for the default model and the paper's network (DenseNet-121 at 300x300, random weights): GMAC a photo; the
             roofline, which is the sum over convolutions and products of the slower of computing it at the matrix rate
             and moving what it reads and writes, each once, at the memory rate; milliseconds a photo, how many
             GFLOP/s that is, its share of the matrix rate and of the roofline; and the kinds of layers it goes to
"""

from __future__ import annotations

import argparse
import io
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np
import openvino as ov
from engines import ROUNDS, at_hand, default, densenet
from measure import CORES, describe_machine, median_seconds, use_two_cores, write_figures

SIDE = 2048
LONG = 2**26
BYTES = {"f32": 4, "bf16": 2, "f16": 2, "int8": 1}


class Layer(NamedTuple):
    """Of one photo: multiplications, numbers read that depend on the photo or written, and weights of the batch."""

    macs: float
    values: float
    weights: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--json", type=Path, help="also write the figures to this file")
    options.add_argument("--batch", type=int, help="photos in a batch (default: 8 and 4)")
    chosen = options.parse_args()
    use_two_cores()

    figures: dict = {
        "machine": describe_machine(),
        "matrix_gflop_per_s": {},
        "memory_gb_per_s": {},
        "networks": {},
    }
    for name, (file, pixels_BHWC) in {"default": default(), "densenet121": densenet()}.items():
        if chosen.batch:
            pixels_BHWC = np.resize(pixels_BHWC, (chosen.batch, *pixels_BHWC.shape[1:]))
        figures["networks"][name] = measured(file, pixels_BHWC, figures)
        print(json.dumps(figures, indent=2), flush=True)
    write_figures(chosen.json, figures)


def measured(file, pixels_BHWC: np.ndarray, machine: dict) -> dict:
    layers, found = layers_of(file, len(pixels_BHWC), pixels_BHWC.shape[1:3]), {}
    gmac = sum(layer.macs for layer in layers) / 1e9
    for kind, precision, engine in at_hand(file, pixels_BHWC):
        name, _, device = kind.partition(":")
        device = device or "cpu"
        matrix = round(matrix_rate("openvino" if name == "openvino" else "torch", device, precision))
        memory = round(memory_rate(device), 1)
        machine["matrix_gflop_per_s"][engine.name] = matrix
        machine["memory_gb_per_s"][device] = memory
        bound = roofline(layers, matrix * 1e9, memory * 1e9, BYTES[precision], len(pixels_BHWC))
        seconds = median_seconds(lambda run=engine.run: run(pixels_BHWC), rounds=ROUNDS) / len(pixels_BHWC)
        found[engine.name] = {
            "ms_per_photo": round(1e3 * seconds, 3),
            "photos_per_s": round(1 / seconds, 1),
            "gflop_per_s": round(2 * gmac / seconds, 1),
            "share_of_matrix_rate": round(2 * gmac / seconds / matrix, 3),
            "roofline_ms": round(1e3 * bound, 3),
            "share_of_roofline": round(bound / seconds, 3),
            "profile": profile(engine, pixels_BHWC),
        }
    return {"gmac": round(gmac, 2), "batch": len(pixels_BHWC), "engines": found}


def layers_of(file, batch: int, shape: tuple[int, int]) -> list[Layer]:
    """The convolutions and products of the float network, its batch norms folded."""
    from rgnet.engines.openvino import folded, from_pixels, with_weights
    from rgnet.quantize import PRODUCTS

    network = ov.Core().read_model(io.BytesIO(file.graph))
    network = from_pixels(with_weights(network, file), file.card)
    network.reshape([batch, *shape, 3])
    layers = []
    for node in folded(network).get_ordered_ops():
        if node.get_type_name() in PRODUCTS:
            (first, second), out = (tuple(node.input(index).get_shape()) for index in (0, 1)), node.output(0)
            if node.get_type_name() == "MatMul":
                deep = first[-2 if node.get_attributes()["transpose_a"] else -1]
            else:
                deep = prod(second[1:] if node.get_type_name() == "Convolution" else second[2:])
            constant = node.input_value(1).get_node().get_type_name() in ("Constant", "Convert")
            values = prod(first) + prod(out.get_shape()) + (0 if constant else prod(second))
            macs = prod(out.get_shape()) * deep
            layers.append(Layer(macs / batch, values / batch, prod(second) if constant else 0))
    return layers


def roofline(layers: list[Layer], flop_per_s: float, byte_per_s: float, size: int, batch: int) -> float:
    """Seconds a photo."""
    return sum(
        max(2 * layer.macs / flop_per_s, (layer.values + layer.weights / batch) * size / byte_per_s)
        for layer in layers
    )


@cache
def matrix_rate(kind: str, device: str, precision: str) -> float:
    """GFLOP/s of one large product, for OpenVINO the better of a product of matrices and a 1x1 convolution."""
    if kind == "openvino":
        return max(openvino_rate(precision, as_convolution=each) for each in (False, True))
    import torch

    names = {"f32": torch.float32, "bf16": torch.bfloat16}
    side = 4 * SIDE if device.startswith("cuda") else SIDE
    left, right = (torch.rand(side, side, device=device, dtype=names[precision]) for _ in range(2))
    return 2 * side**3 / median_seconds(lambda: (left @ right)[0, 0].item(), rounds=ROUNDS) / 1e9


def openvino_rate(precision: str, *, as_convolution: bool) -> float:
    from rgnet.engines.openvino import PRECISIONS

    ops, draw = ov.opset13, np.random.default_rng(0)
    shapes = ((8, 1024, 32, 32), (1024, 1024, 1, 1)) if as_convolution else ((SIDE, SIDE), (SIDE, SIDE))
    values, weights = (draw.random(shape, np.float32) for shape in shapes)
    entry = ops.parameter(shapes[0], np.float32)
    left, right = entry, ops.constant(weights)
    if precision == "int8":
        ends = [np.float32(end) for end in (0, 1, 0, 1, -1, 1, -1, 1)]
        left, right = ops.fake_quantize(left, *ends[:4], 256), ops.fake_quantize(right, *ends[4:], 255)
    if as_convolution:
        product = ops.convolution(left, right, [1, 1], [0, 0], [0, 0], [1, 1])
    else:
        product = ops.matmul(left, right, False, False)
    settings = {
        "INFERENCE_PRECISION_HINT": PRECISIONS.get(precision, ov.Type.f32),
        "INFERENCE_NUM_THREADS": CORES,
    }
    request = ov.compile_model(ov.Model([product], [entry]), "CPU", settings).create_infer_request()
    macs = prod(product.get_output_shape(0)) * shapes[1][1 if as_convolution else 0]
    return (
        2
        * macs
        / median_seconds(
            lambda: request.infer([values], share_inputs=True, share_outputs=True), rounds=ROUNDS
        )
        / 1e9
    )


@cache
def memory_rate(device: str) -> float:
    """GB/s of reading two long vectors and writing their sum."""
    if device.startswith("cuda"):
        import torch

        a, b, c = (torch.rand(LONG, device=device) for _ in range(3))
        return 12 * LONG / median_seconds(lambda: torch.add(a, b, out=c)[0].item(), rounds=ROUNDS) / 1e9
    a, b, c = (np.ones(LONG, np.float32) for _ in range(3))
    with ThreadPoolExecutor(CORES) as pool:
        pieces = [slice(start, start + LONG // CORES) for start in range(0, LONG, LONG // CORES)]
        add = lambda at: np.add(a[at], b[at], out=c[at])  # noqa: E731
        return 12 * LONG / median_seconds(lambda: list(pool.map(add, pieces)), rounds=ROUNDS) / 1e9


def profile(engine, pixels_BHWC: np.ndarray) -> dict[str, float]:
    """Shares of the time by kind of layer, the six largest."""
    spent: Counter[str] = Counter()
    if engine.name.startswith("openvino"):
        engine.settings["PERF_COUNT"] = True
        request = engine.compiled(pixels_BHWC.shape[1:3], "nothing").create_infer_request()
        request.infer([pixels_BHWC])  # the first one's memory is new, and whoever touches it first pays
        for _ in range(3):
            request.infer([pixels_BHWC])
            for layer in request.profiling_info:
                spent[layer.node_type] += layer.real_time.total_seconds()
    else:
        from torch.profiler import ProfilerActivity
        from torch.profiler import profile as record

        card = "cuda" in engine.name
        with record(activities=list(ProfilerActivity) if card else [ProfilerActivity.CPU]) as seen:
            engine.run(pixels_BHWC)
        for event in seen.key_averages():
            spent[event.key] += event.self_device_time_total if card else event.self_cpu_time_total
    total = sum(spent.values())
    return {name: round(value / total, 3) for name, value in spent.most_common(6)}


if __name__ == "__main__":
    main()
