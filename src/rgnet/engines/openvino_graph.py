"""Where the stages of Figure 3 lie in a model file's graph, found by the weights that use them.

The graph has only the outputs that scoring needs, but its weights are inputs under the names they have in the
network (`rgnet.export`), and a stage is what stands beside the first weight after it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import openvino as ov
from openvino import Node, Output


def find_stages(network: ov.Model) -> dict[str, Output]:
    """The outputs fcn_BDHW, context_BND, graph_BND and, where the network has a graph, affinity_BNN.

    network: as it is read, its weights still parameters
    """
    weights = _weights_by_name(network)
    if "graph.layers.0.norm.weight" in weights:
        return _find_attention_stages(network, weights)
    graph_BND = _other_factor(weights["head.vote.weight"])
    if "graph.weights.0" not in weights:
        return {
            "fcn_BDHW": _find_backbone_output(network, graph_BND),
            "context_BND": graph_BND,
            "graph_BND": graph_BND,
        }
    context_BND = _other_factor(weights["graph.weights.0"])
    return {
        "fcn_BDHW": _find_backbone_output(network, context_BND),
        "context_BND": context_BND,
        "graph_BND": graph_BND,
        "affinity_BNN": _other_factor(_next_product(weights["graph.weights.0"])),
    }


def _find_attention_stages(network: ov.Model, weights: dict[str, Node]) -> dict[str, Output]:
    """As `find_stages`, of a network with an `AttentionGraph`; its S is the mean over heads."""
    context_BND = _input_of_norm(weights["graph.layers.0.norm.weight"])
    stages = {
        "fcn_BDHW": _find_backbone_output(network, context_BND),
        "context_BND": context_BND,
        "graph_BND": _input_of_norm(weights["head.norm.weight"]),
    }
    if "graph.gate" in weights:
        following = weights["graph.gate"]
        while following.get_type_name() != "Softmax":
            following = _consumers(following)[0]
        stages["affinity_BNN"] = ov.opset13.reduce_mean(following.output(0), np.int64(1)).output(0)
    return stages


def _input_of_norm(scale: Node) -> Output:
    """What a layer normalisation with this scale normalises."""
    following = _consumers(scale)[0]
    while following.get_type_name() != "MVN":
        inputs = [entry.get_source_output().get_node() for entry in following.inputs()]
        following = next(node for node in inputs if node.get_type_name() != "Parameter")
    return following.input_value(0)


def find_vote_layer(network: ov.Model) -> tuple[Node, Node]:
    """The product that gives regions their logits, and the sigmoid or softmax behind it.

    network: as for `find_stages`
    """
    product = following = _next_product(_weights_by_name(network)["head.vote.weight"])
    while following.get_type_name() not in ("Sigmoid", "Softmax"):
        following = _consumers(following)[0]
    return product, following


def _weights_by_name(network: ov.Model) -> dict[str, Node]:
    """A network's inputs, the weights among them, by name."""
    return {parameter.get_friendly_name(): parameter for parameter in network.get_parameters()}


def _other_factor(node: Node) -> Output:
    """The other factor of the product that `node` is in."""
    product = _next_product(node)
    left, right = (entry.get_source_output() for entry in product.inputs())
    return right if _is_transposed_from(left.get_node(), node) else left


def _next_product(node: Node) -> Node:
    """The first matrix product behind a node, a transposition between them or not."""
    following = _consumers(node)[0]
    return following if following.get_type_name() == "MatMul" else _next_product(following)


def _is_transposed_from(later: Node, earlier: Node) -> bool:
    while later.get_friendly_name() != earlier.get_friendly_name():
        if later.get_type_name() != "Transpose":
            return False
        later = _producer(later)
    return True


def _find_backbone_output(network: ov.Model, context_BND: Output) -> Output:
    """The backbone's features: what the first weighted layer of `context` reads, or regions without such layers.

    A layer of `context` begins with a batch normalisation or a convolution, whose first input is what it reads.
    """
    for node in network.get_ordered_ops():
        names = [entry.get_source_output().get_node().get_friendly_name() for entry in node.inputs()]
        kind = node.get_type_name()
        if kind in ("BatchNormInference", "Convolution") and names[1].startswith("context."):
            return node.input_value(0)
    return _before_flattening(context_BND)


def _before_flattening(context_BND: Output) -> Output:
    """Through transposition and flattening to (B, D, H, W), and through the average of a pooled network."""
    *_, features = _walk_up(context_BND.get_node(), ("Transpose", "Reshape"))
    pooled = features.get_node()
    return pooled.input_value(0) if pooled.get_type_name() in ("ReduceMean", "AdaptiveAvgPool") else features


def _walk_up(node: Node, kinds: tuple[str, ...]) -> Iterator[Output]:
    while node.get_type_name() in kinds:
        yield node.input_value(0)
        node = _producer(node)


def _producer(node: Node) -> Node:
    return node.input_value(0).get_node()


def _consumers(node: Node) -> list[Node]:
    return [entry.get_node() for entry in node.output(0).get_target_inputs()]
