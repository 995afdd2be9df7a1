"""What every engine gives."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np


class EngineStages(NamedTuple):
    """What explains a batch's votes, in float32. Shape letters: D features of a stage · N = H*W regions, row by row

    image_BC, vote_BHWC: as `Engine.run` gives them
    fcn_BHWD:            features after the backbone, on its own grid, which is the regions' but in a pooled network
    context_BND:         after what gives them context (DenseASPP)
    graph_BND:           after the region graph; context_BND where the network has none
    affinity_BNN:        S of equation 2, built from context_BND; None where the network has no graph
    """

    image_BC: np.ndarray
    vote_BHWC: np.ndarray
    fcn_BHWD: np.ndarray
    context_BND: np.ndarray
    graph_BND: np.ndarray
    affinity_BNN: np.ndarray | None


class FeatureOutputs(NamedTuple):
    """A batch's scores with what its photos are like, in float32.

    image_BC, vote_BHWC: as `Engine.run` gives them
    feature_BD:          the backbone's features, the mean over their grid
    """

    image_BC: np.ndarray
    vote_BHWC: np.ndarray
    feature_BD: np.ndarray


class Engine(Protocol):
    """name: what computes and in which precision, such as "openvino-bf16"."""

    name: str

    def run(self, pixels_BHWC: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """uint8 RGB of one size -> (image_BC, vote_BHWC) float32: y of equation 4, and every region's vote."""

    def run_with_features(self, pixels_BHWC: np.ndarray) -> FeatureOutputs:
        """The same with features, of the same pass. Raises EngineError in int8, where no features are computed."""

    def stages(self, pixels_BHWC: np.ndarray) -> EngineStages:
        """The same with what lies between; slower, and the first call for a size may compile."""
