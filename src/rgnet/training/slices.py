"""A start for a DenseNet without published weights: the layers that it shares with a deeper one.

DenseNet-121 is DenseNet-169 without the last 8 layers of dense block 3 and the last 16 of block 4. What comes before
those layers is the same network; what comes after them reads fewer maps, and keeps the weights of those that are left.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from rgnet.architecture import is_weight
from rgnet.errors import SettingError

_NORM = ("weight", "bias", "running_mean", "running_var")


def slice_densenet(deeper: Mapping[str, Tensor], shallower: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights of `shallower` from `deeper`: state dicts of torchvision's DenseNet features of one growth rate.

    Raises SettingError where a layer of `shallower` has no counterpart, as in other networks and wider ones.
    """
    try:
        sliced = _Slicer(deeper, shallower).slice()
        fits = all(sliced[name].shape == tensor.shape for name, tensor in _weights(shallower))
    except (LookupError, ValueError):
        fits = False
    if not fits:
        raise SettingError(
            "start=slices takes a DenseNet's weights from a deeper DenseNet of its growth rate: "
            "use  --set student=densenet121 --set teacher=densenet169, or start=random"
        )
    return sliced


def _weights(state: Mapping[str, Tensor]) -> list[tuple[str, Tensor]]:
    return [(name, tensor) for name, tensor in state.items() if is_weight(name)]


def first_cut(deeper: Mapping[str, Tensor], shallower: Mapping[str, Tensor]) -> str:
    """The part of the network from which on the two differ; "" where nothing is cut."""
    cut = (name for name, tensor in _weights(shallower) if deeper[name].shape != tensor.shape)
    return next(cut, "").partition(".")[0]


class _Slicer:
    """Passes through the network from the photo on; `kept`: which of the deeper network's maps have arrived."""

    def __init__(self, deeper: Mapping[str, Tensor], shallower: Mapping[str, Tensor]) -> None:
        self.deeper, self.shallower = deeper, shallower
        self.sliced: dict[str, Tensor] = {}
        self.kept = torch.arange(len(deeper["conv0.weight"]))

    def slice(self) -> dict[str, Tensor]:
        self._copy("conv0.weight")
        self._norm("norm0")
        for block in range(1, 5):
            self._block(f"denseblock{block}")
            if block < 4:
                self._transition(f"transition{block}")
        self._norm("norm5")
        return self.sliced

    def _block(self, block: str) -> None:
        first_new = len(self.deeper[f"{block}.denselayer1.norm1.weight"])
        layers = sum(
            name.startswith(f"{block}.") and name.endswith(".conv2.weight") for name in self.shallower
        )
        for number in range(layers):
            layer = f"{block}.denselayer{number + 1}"
            self._norm(f"{layer}.norm1")
            self._copy(f"{layer}.conv1.weight", inputs=self.kept)
            for name in _NORM:
                self._copy(f"{layer}.norm2.{name}")
            self._copy(f"{layer}.conv2.weight")
            growth = len(self.deeper[f"{layer}.conv2.weight"])
            new = first_new + growth * number + torch.arange(growth)
            self.kept = torch.cat([self.kept, new])

    def _transition(self, transition: str) -> None:
        self._norm(f"{transition}.norm")
        self._copy(f"{transition}.conv.weight", inputs=self.kept)
        self.kept = torch.arange(len(self.shallower[f"{transition}.conv.weight"]))
        self.sliced[f"{transition}.conv.weight"] = self.sliced[f"{transition}.conv.weight"][self.kept]

    def _norm(self, norm: str) -> None:
        for name in _NORM:
            self.sliced[f"{norm}.{name}"] = self.deeper[f"{norm}.{name}"][self.kept]

    def _copy(self, name: str, *, inputs: Tensor | None = None) -> None:
        tensor = self.deeper[name]
        self.sliced[name] = tensor.clone() if inputs is None else tensor[:, inputs]
