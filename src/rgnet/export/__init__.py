"""A network for other programs: the graph inside model files, and whole as ONNX, OpenVINO IR or torch's .pt2."""

from rgnet.export.graph import graph_of

__all__ = ["graph_of"]
