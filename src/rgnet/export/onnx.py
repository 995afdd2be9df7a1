"""The ONNX file: the model file's own graph with its weights, between what feeds it and what makes a score of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from rgnet.errors import need
from rgnet.export.graph import quiet
from rgnet.export.interface import OUTPUTS, Interface
from rgnet.scorer import LOWEST_P
from rgnet.weights.card import ModelCard
from rgnet.weights.file import ModelFile

# Protobuf holds no more; weights then lie in a file beside
LARGEST = 2**31 - 2**20
# Pillow's kernels; weights beyond the photo's edge are left out, as Pillow does
RESIZE = {"bilinear": 'mode="linear"', "bicubic": 'mode="cubic", cubic_coeff_a=-0.5'}


def build_onnx(file: ModelFile, interface: Interface):
    """The network as an onnx.ModelProto: batch open, size fixed where the preprocessing is a square."""
    onnx = need("onnx", extra="export", purpose="exporting to ONNX")
    optimizer = need("onnxscript.optimizer", extra="export", purpose="exporting to ONNX")
    model = onnx.load_from_string(file.graph)
    graph = model.graph
    image = graph.input[0]
    fill(onnx, graph, file)
    if interface.side is not None:
        for axis in (2, 3):
            image.type.tensor_type.shape.dim[axis].dim_value = interface.side

    append(onnx, graph, tail(interface.card))
    if interface.feed != "normalised":
        prepend(onnx, graph, front(interface))
    # Sums of sizes fold once the size is known, batch norms into the convolutions before them
    with quiet():
        model = optimizer.optimize(model)
    describe(onnx, model, interface)
    return model


def save(model, path: Path) -> list[Path]:
    """Write the model, its weights in a second file if one cannot hold them; returns the files."""
    onnx = need("onnx", extra="export", purpose="exporting to ONNX")
    if model.ByteSize() <= LARGEST:
        onnx.save_model(model, path)
        return [path]
    beside = path.with_name(f"{path.name}.data")
    onnx.save_model(model, path, save_as_external_data=True, location=beside.name)
    return [path, beside]


def fill(onnx, graph, file: ModelFile) -> None:
    """Weights in place of the inputs that stand for them."""
    for weight in list(graph.input)[1:]:
        array = file.tensors[weight.name].astype(np.float32)
        graph.initializer.append(onnx.numpy_helper.from_array(array, weight.name))
    del graph.input[1:]


def front(interface: Interface) -> str:
    """From the input to the normalised image, in ONNX's text form."""
    preprocess = interface.card.preprocess
    mean, std = (", ".join(map(str, values)) for values in (preprocess.byte_mean, preprocess.byte_std))
    resize = "feed_resized = Identity (feed_planes)"
    if interface.feed == "photo":
        # All four sizes: ONNX Runtime's optimizer stumbles over a Resize of two axes
        resize = f"""feed_batch = Shape <start = 0, end = 2> (feed_planes)
        feed_sizes = Concat <axis = 0> (feed_batch, feed_size)
        feed_resized = Resize <{RESIZE[preprocess.kernel]}, antialias = 1, exclude_outside = 1>
            (feed_planes, , , feed_sizes)"""
    return f"""front (uint8[{", ".join(map(str, interface.shape))}] {interface.name}) => (float[B, 3, H, W] image)
        <int64[2] feed_size = {{{preprocess.size}, {preprocess.size}}},
         float[3, 1, 1] feed_mean = {{{mean}}}, float[3, 1, 1] feed_std = {{{std}}}>
    {{
        feed_planes = Transpose <perm = [0, 3, 1, 2]> ({interface.name})
        {resize}
        feed_float = Cast <to = 1> (feed_resized)
        feed_centred = Sub (feed_float, feed_mean)
        image = Div (feed_centred, feed_std)
    }}"""


def tail(card: ModelCard) -> str:
    """From image_BC to the score, in ONNX's text form; the arithmetic of `rgnet.scorer.unit_score`."""
    channels, bins = card.architecture.channels, card.architecture.bins
    constants, unit = "int64[1] tail_axis = {1}", "tail_unit = Squeeze (image_BC, tail_axis)"
    if bins:
        constants = f"float[{len(bins)}] tail_bins = {{{', '.join(map(str, map(float, bins)))}}}"
        unit = "tail_unit = MatMul (image_BC, tail_bins)"
    elif channels == 2:
        constants = f"""float[2] tail_signs = {{-1.0, 1.0}}, float tail_lowest = {{{LOWEST_P}}},
            float tail_reach = {{{1 - 2 * LOWEST_P}}}"""
        unit = """tail_margin = MatMul (image_BC, tail_signs)
        tail_p = Sigmoid (tail_margin)
        tail_above = Sub (tail_p, tail_lowest)
        tail_unit = Div (tail_above, tail_reach)"""
    low, high = float(card.scale.low), float(card.scale.high)
    return f"""tail (float[B, {channels}] image_BC) => (float[B] score)
        <{constants}, float tail_low = {{{low}}}, float tail_range = {{{high - low}}}>
    {{
        {unit}
        tail_points = Mul (tail_unit, tail_range)
        score = Add (tail_points, tail_low)
    }}"""


def prepend(onnx, graph, text: str) -> None:
    before = onnx.parser.parse_graph(text)
    nodes = [*before.node, *graph.node]
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    graph.initializer.extend(before.initializer)
    graph.input.extend(before.input)


def append(onnx, graph, text: str) -> None:
    after = onnx.parser.parse_graph(text)
    graph.node.extend(after.node)
    graph.initializer.extend(after.initializer)
    outputs = [*after.output, *graph.output]
    del graph.output[:]
    graph.output.extend(outputs)


def describe(onnx, model, interface: Interface) -> None:
    """The card in the file's metadata: whole as JSON under "rgnet", and what must be seen beside it."""
    # Open sizes of the votes: the exporter writes them as a page of sums
    for name, size in zip(("h", "w"), model.graph.output[2].type.tensor_type.shape.dim[1:3], strict=True):
        if not size.HasField("dim_value"):
            size.dim_param = name
    card = interface.card
    model.producer_name, model.producer_version = "rgnet", ""
    model.doc_string = f"{card.name} ({card.short_hash}): {OUTPUTS['score']}"
    facts = {
        "rgnet": json.dumps(interface.metadata(), sort_keys=True),
        "name": card.name,
        "hash": card.short_hash,
        "scale": f"{card.scale.low:g}-{card.scale.high:g}",
        "licence": card.licence,
        "notice": card.notice,
    }
    onnx.helper.set_model_props(model, facts)


def opset(model) -> int:
    """Version of ONNX's own operators that the model uses."""
    return next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
