"""A network as an ONNX graph without its weights, to lie beside them in the model file."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings

from rgnet.architecture import is_weight
from rgnet.errors import EngineError, need

EXAMPLE_SIZE = (224, 256)


def graph_of(network) -> bytes:
    """The ONNX graph of an RGNet whose weights are graph inputs under their state-dict names.

    Input "image": (B, 3, H, W) float32, normalised, any B, H and W.
    Outputs "image_BC": y of equation 4; "vote_BHWC": every region's vote.
    Raises EngineError where the exporter lost or renamed a weight.
    """
    need("onnxscript", extra="export", purpose="exporting a network")
    onnx = need("onnx", extra="export", purpose="exporting a network")
    model = exported(network)
    graph = model.graph
    expected = set(filter(is_weight, network.state_dict()))
    for tensor in graph.initializer:
        tensor.name = tensor.name.removeprefix("network.")
    found = {tensor.name for tensor in graph.initializer}
    if expected - found:
        raise EngineError(
            f"the exported graph lacks {len(expected - found)} weights, {min(expected - found)!r} among them"
        )

    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
        node.input[:] = [name.removeprefix("network.") for name in node.input]
    kept = [tensor for tensor in graph.initializer if tensor.name not in expected]
    for tensor in graph.initializer:
        if tensor.name in expected:
            shape = list(tensor.dims)
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, shape))
    del graph.initializer[:]
    graph.initializer.extend(kept)
    del graph.value_info[:]
    return model.SerializeToString()


def exported(network):
    """The network's ONNX model, weights and all, with batch and size left open."""
    import torch

    class Votes(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, image):
            votes = self.network(image)
            return votes.image_BC, votes.vote_BNC.unflatten(1, votes.grid)

    network.eval()
    sizes = {0: torch.export.Dim("B", min=1, max=4096)}
    sizes |= {axis: torch.export.Dim(name, min=64, max=8192) for axis, name in ((2, "H"), (3, "W"))}
    with quiet():
        program = torch.onnx.export(
            Votes(),
            (torch.zeros(2, 3, *EXAMPLE_SIZE),),
            dynamo=True,
            optimize=False,
            verbose=False,
            dynamic_shapes={"image": sizes},
            input_names=["image"],
            output_names=["image_BC", "vote_BHWC"],
        )
    assert program is not None
    return program.model_proto


@contextlib.contextmanager
def quiet():
    """The exporter's progress and advice, which no user of ours can act on, kept from the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
