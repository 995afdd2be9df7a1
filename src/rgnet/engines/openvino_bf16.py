"""What bf16 leaves in float32 on OpenVINO, and how OpenVINO is told."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import openvino as ov
from openvino import Node
from openvino._offline_transformations import apply_moc_transformations

COARSE = 16
CONVOLUTIONS = ("Convolution", "GroupConvolution")


def keep_fine_layers(network: ov.Model, *, coarse: int) -> ov.Model:
    """The network, whose sides are known, with its layers marked that must stay in float32.

    These are all that read finer grids than the regions' and the convolution behind them. There, as in a photo's own
    pixels, lie small differences on large values: bf16 in the first layers moves scores by up to a tenth of a point, in
    all that are not marked by a hundredth (docs/performance.md).

    coarse: pixels of the photo to a region's side
    """
    network = folded(network)
    return precise(network, _find_fine_layers(network, min(coarse, COARSE)))


def _find_fine_layers(network: ov.Model, coarse: int) -> set[str]:
    """Names of convolutions that read more than ceil(H / coarse) rows or follow one that does, and of all before."""
    (image,) = network.inputs
    rows = -(-image.partial_shape[1].get_length() // coarse)
    fine = [
        node
        for node in find_convolutions(network)
        if any(_count_rows(other) > rows for other in (node, *_find_preceding(node)))
    ]
    layers = [*fine, *_walk_up(fine, past=lambda node: True)]
    return {
        node.get_friendly_name() for node in layers if node.get_type_name() not in ("Constant", "Parameter")
    }


def _find_preceding(convolution: Node) -> list[Node]:
    """The convolutions whose outputs reach this one through no other."""
    above = _walk_up([convolution], past=lambda node: node.get_type_name() not in CONVOLUTIONS)
    return [node for node in above if node.get_type_name() in CONVOLUTIONS]


def _walk_up(nodes: Iterable[Node], past: Callable[[Node], bool]) -> list[Node]:
    """All that `nodes` read, and what is read by those of them that `past` holds for, and so on."""
    found: dict[str, Node] = {}
    waiting = _read_nodes(nodes)
    while waiting:
        node = waiting.pop()
        if node.get_friendly_name() not in found:
            found[node.get_friendly_name()] = node
            waiting += _read_nodes([node]) if past(node) else []
    return list(found.values())


def _read_nodes(nodes: Iterable[Node]) -> list[Node]:
    return [entry.get_source_output().get_node() for node in nodes for entry in node.inputs()]


def _count_rows(convolution: Node) -> int:
    return convolution.input_value(0).partial_shape[2].get_length()


def folded(network: ov.Model) -> ov.Model:
    """The network as OpenVINO compiles it for any processor: its batch norms, and where sides are known its paddings,
    are part of the convolutions beside them."""
    apply_moc_transformations(network, cf=True)
    return network


def find_convolutions(network: ov.Model) -> Iterator[Node]:
    """In the order in which they run."""
    return (node for node in network.get_ordered_ops() if node.get_type_name() in CONVOLUTIONS)


def precise(network: ov.Model, names: Iterable[str]) -> ov.Model:
    """The network with a mark on those layers that bf16 must leave in float32.

    OpenVINO reads the mark, but lets nobody set it in Python; so it is written into the network's XML. A layer that is
    replaced when it is compiled, as by one with its padding, loses it: `folded` first.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("network.xml", "network.bin")]
        ov.serialize(network, *files)
        xml, weights = marked(files[0].read_bytes(), set(names)), np.fromfile(files[1], np.uint8)
    return ov.Core().read_model(xml, ov.Tensor(weights))


def marked(xml: bytes, names: set[str]) -> bytes:
    root = ElementTree.fromstring(xml)
    for layer in root.iterfind("layers/layer"):
        if layer.get("name") in names:
            info = layer.find("rt_info")
            if info is None:
                info = ElementTree.Element("rt_info")
                layer.insert(1 if layer.find("data") is not None else 0, info)
            ElementTree.SubElement(info, "attribute", name="precise", version="0", value="")
    return ElementTree.tostring(root)
