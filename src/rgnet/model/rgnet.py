"""RGNet whole: `RGNet.forward` is Figure 3 of the paper.

Shape letters: B batch · D feature channels · H, W region grid · N = H*W regions · C outputs
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from rgnet.architecture import Architecture, is_weight
from rgnet.errors import ModelDamaged, SettingError
from rgnet.model.backbones import Backbone, make_backbone, make_joined_backbone
from rgnet.model.dense_aspp import DenseASPP
from rgnet.model.head import LogSumExpPooling, RegionHead
from rgnet.model.region_graph import AttentionGraph, RegionGraph, RegionNorm


class Stages(NamedTuple):
    """What explains the votes: features after FCN, after ASPP and after the graph, S, and each region's weight.

    weight_BNC: dy/dY of equation 4, see `LogSumExpPooling.weights`; sums to 1 over regions
    """

    fcn_BDHW: Tensor
    context_BDHW: Tensor
    graph_BND: Tensor
    affinity_BNN: Tensor | None
    weight_BNC: Tensor


class RegionVotes(NamedTuple):
    """vote_BNC: Y of every region in [0, 1]; image_BC: y of equation 4; grid: (H, W), N = H * W row by row."""

    vote_BNC: Tensor
    image_BC: Tensor
    grid: tuple[int, int]
    stages: Stages | None = None


class RGNet(nn.Module):
    """image_B3HW, normalised as the preprocessing says, of any size from 64 pixels a side -> RegionVotes."""

    def __init__(
        self,
        *,
        backbone: nn.Module,
        context: nn.Module,
        graph: RegionGraph | AttentionGraph | None,
        head: RegionHead,
        pooling: LogSumExpPooling,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.context = context
        self.graph = graph
        self.head = head
        self.pooling = pooling

    def forward(self, image_B3HW: Tensor, explain: bool = False) -> RegionVotes:
        # Local features, and their context at several scales (section 3.1)
        fcn_BDHW = self.backbone(image_B3HW)
        context_BDHW = self.context(fcn_BDHW)

        # Regions reason over the composition graph (section 3.2)
        region_BND, affinity_BNN = context_BDHW.flatten(2).transpose(1, 2), None
        grid = (context_BDHW.shape[-2], context_BDHW.shape[-1])
        if self.graph is not None:
            region_BND, affinity_BNN = self.graph(region_BND, grid)

        # Every region votes; log-sum-exp stands between their mean and their best (equation 4)
        vote_BNC = self.head(region_BND)
        image_BC = self.pooling(vote_BNC)

        if not explain:
            return RegionVotes(vote_BNC, image_BC, grid)
        stages = Stages(fcn_BDHW, context_BDHW, region_BND, affinity_BNN, self.pooling.weights(vote_BNC))
        return RegionVotes(vote_BNC, image_BC, grid, stages)


def build(architecture: Architecture, *, pretrained: bool | str | Path = False) -> RGNet:
    """The network of an architecture: the one place where sizes meet.

    pretrained: the backbone's weights, see `make_backbone`. New layers are initialised after He et al.
    Raises SettingError for a histogram head without bins.
    """
    if not architecture.channels:
        raise SettingError("a histogram head needs the bins of its data set: give them as architecture.bins")
    if architecture.joined:
        backbone = make_joined_backbone(architecture.backbone, pretrained=pretrained)
    else:
        backbone = make_backbone(
            architecture.backbone, output_stride=architecture.output_stride, pretrained=pretrained
        )
    context, channels = make_context(architecture, backbone)
    graph = make_graph(architecture, channels)
    head = RegionHead(channels, architecture.channels, norm=make_vote_norm(architecture, channels))
    pooling = LogSumExpPooling(architecture.r, architecture.bins)
    network = RGNet(backbone=backbone, context=context, graph=graph, head=head, pooling=pooling)
    initialise_new_layers(network)
    return network


def restored(architecture: Architecture, tensors: Mapping[str, np.ndarray]) -> RGNet:
    """The network of a model file with its weights, in float32. Raises ModelDamaged where they do not fit."""
    _check_weights(architecture, tensors)
    network = build(architecture)
    state = {name: torch.from_numpy(array.astype(np.float32)) for name, array in tensors.items()}
    network.load_state_dict(state, strict=False)
    return network


def _check_weights(architecture: Architecture, tensors: Mapping[str, np.ndarray]) -> None:
    """Compare names and shapes with those of the network, of which nothing is allocated."""
    try:
        with torch.device("meta"):
            network = build(architecture)
    except (SettingError, RuntimeError, LookupError, TypeError, ValueError, AssertionError) as problem:
        raise ModelDamaged(f"the network of the model cannot be built: {problem}") from problem
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items() if is_weight(name)}
    if lost := sorted(shapes.keys() - tensors.keys()):
        raise ModelDamaged(f"the model lacks {len(lost)} weights of its network, {lost[0]!r} among them")
    for name, array in tensors.items():
        if array.shape != shapes.get(name):
            raise ModelDamaged(
                f"the model's weights {name!r} are {array.shape}, its network has {shapes.get(name, 'none')}"
            )


def make_graph(architecture: Architecture, channels: int) -> RegionGraph | AttentionGraph | None:
    if not architecture.graph_layers:
        return None
    if architecture.graph == "attention":
        return AttentionGraph(
            channels, architecture.graph_layers, heads=architecture.heads, edges=architecture.edges
        )
    return RegionGraph(
        channels,
        architecture.graph_layers,
        rebuild=architecture.rebuild_graph,
        residual=architecture.residual,
        scaled=architecture.scaled_affinity,
        normed=architecture.batch_norms == "all",
    )


def make_vote_norm(architecture: Architecture, channels: int) -> nn.Module | None:
    if architecture.graph == "attention":
        return nn.LayerNorm(channels)
    return RegionNorm(channels) if architecture.batch_norms == "all" else None


def make_context(architecture: Architecture, backbone: Backbone) -> tuple[nn.Module, int]:
    """What stands between backbone and graph, and the number of channels it gives."""
    layers, channels = nn.Sequential(), backbone.channels
    if architecture.squeeze:
        if architecture.graph == "attention":
            layers.append(nn.Conv2d(channels, architecture.squeeze, kernel_size=1))
        else:
            layers.append(_norm_relu_conv(channels, architecture.squeeze, kernel=1))
        channels = architecture.squeeze
    if architecture.rates:
        aspp = DenseASPP(channels, architecture.rates, architecture.maps)
        layers.append(aspp)
        channels = aspp.channels
    for _ in range(architecture.plain_convs):
        width = 4 * architecture.maps
        layers.append(_norm_relu_conv(channels, width, kernel=3))
        channels = width
    if architecture.pooled:
        layers.append(nn.AdaptiveAvgPool2d(1))
    return layers, channels


def _norm_relu_conv(channels: int, maps: int, *, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, maps, kernel, padding=kernel // 2, bias=False),
    )


def initialise_new_layers(network: RGNet) -> None:
    """He et al.'s normal initialisation of everything that is not the backbone (section 3.3).

    `AttentionGraph` initialises itself.
    """
    own = isinstance(network.graph, AttentionGraph)
    new = [network.context, network.head, *([] if network.graph is None or own else [network.graph])]
    for name, parameter in (pair for layer in new for pair in layer.named_parameters()):
        if parameter.ndim >= 2:
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
