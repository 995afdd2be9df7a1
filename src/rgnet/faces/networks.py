"""The networks of this folder, compiled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openvino as ov


class Network:
    """One picture in, the outputs in the order of the file; float32, so that every processor finds the same."""

    def __init__(self, name: str, threads: int | None) -> None:
        settings: dict[str, object] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": ov.Type.f32,
        }
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        file = Path(__file__).with_name(name)
        self._request = ov.Core().compile_model(file, "CPU", settings).create_infer_request()

    def run(self, pixels_HW3: np.ndarray) -> list[np.ndarray]:
        """Outputs of one picture, without the axis of the batch. Valid until the next run."""
        self._request.infer([pixels_HW3[None].astype(np.float32)])
        return [tensor.data[0] for tensor in self._request.output_tensors]
