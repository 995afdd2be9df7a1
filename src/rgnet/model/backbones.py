"""Fully convolutional backbones: image classifiers whose last poolings are traded for dilation (section 3.1).

Every backbone maps image_B3HW to feat_BDHW on a grid `output_stride` times coarser. Removing a factor two
of subsampling and dilating what follows by two keeps the pretrained weights usable: each kernel still meets
the neighbours it was trained on. Parameter names stay those of torchvision or timm, so ImageNet weights load
unchanged.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision import models as torchvision

from rgnet.architecture import is_weight
from rgnet.errors import DataError, SettingError, near, need
from rgnet.imaging.preprocess import IMAGENET_MEAN, IMAGENET_STD


class Backbone(nn.Module):
    """A fully convolutional feature extractor and the number of feature channels it gives."""

    def __init__(self, body: nn.Module, channels: int) -> None:
        super().__init__()
        self.body = body
        self.channels = channels

    def forward(self, image_B3HW: Tensor) -> Tensor:
        return self.body(image_B3HW)


def densenet(depth: int) -> Callable[..., Backbone]:
    """DenseNet-121 or -169 without the pools of transitions 3 and 2; dense blocks 4 and 3 dilated by 4 and 2.

    At stride 8 a 300x300 image gives 37x37 regions, of 1024 features with DenseNet-121 (section 3.1).
    """

    def make(output_stride: int = 8, pretrained: bool = False) -> Backbone:
        network = getattr(torchvision, f"densenet{depth}")(weights="DEFAULT" if pretrained else None)
        body = network.features
        rate = 1
        for stage, needed in ((3, 16), (4, 32)):
            if output_stride < needed:
                body.get_submodule(f"transition{stage - 1}").pool = nn.Identity()
                rate *= 2
            dilate(body.get_submodule(f"denseblock{stage}"), rate)
        body.add_module("relu5", nn.ReLU(inplace=True))
        return Backbone(body, network.classifier.in_features)

    return make


def resnet(depth: int) -> Callable[..., Backbone]:
    """ResNet-18, -50 or -101 with strides of the last two stages set to 1 and dilation 2 and 4 (section 4.2).

    The convolution that lost its stride keeps the dilation of the stage before it, so that the dilated
    network, subsampled, equals the plain one.
    """

    def make(output_stride: int = 8, pretrained: bool = False) -> Backbone:
        network = getattr(torchvision, f"resnet{depth}")(weights="DEFAULT" if pretrained else None)
        rate = 1
        for stage, needed in ((network.layer3, 16), (network.layer4, 32)):
            before, rate = rate, rate * 2 if output_stride < needed else rate
            dilate(stage, rate, strided_rate=before, keep_stride=output_stride >= needed)
        channels = network.fc.in_features
        del network.avgpool, network.fc
        return Backbone(nn.Sequential(OrderedDict(network.named_children())), channels)

    return make


def vgg16(output_stride: int = 8, pretrained: bool = False) -> Backbone:
    """VGG-16 after DeepLab: the last two max pools keep their size, conv5 is dilated by 2, fc6 by 4.

    fc6 and fc7 become a 3x3 and a 1x1 convolution of 1024 maps, their weights decimated from the 7x7 and
    4096 of the classifier as DeepLab-LargeFOV does (Chen et al., TPAMI 2018).
    """
    if output_stride != 8:
        raise SettingError(f"vgg16 is built at output stride 8 only, not {output_stride}")
    network = torchvision.vgg16(weights="DEFAULT" if pretrained else None)
    body = network.features
    for pool in (23, 30):
        body[pool] = nn.MaxPool2d(kernel_size=3, stride=1, padding=1)
    dilate(body[24:30], 2)

    fc6 = nn.Conv2d(512, 1024, kernel_size=3, padding=4, dilation=4)
    fc7 = nn.Conv2d(1024, 1024, kernel_size=1)
    with torch.no_grad():
        first, second = network.classifier[0], network.classifier[3]
        fc6.weight.copy_(first.weight.view(4096, 512, 7, 7)[::4, :, ::3, ::3])
        _copy_bias(fc6, first.bias[::4])
        fc7.weight.copy_(second.weight[::4, ::4, None, None])
        _copy_bias(fc7, second.bias[::4])
    for name, layer in (("fc6", fc6), ("relu6", nn.ReLU()), ("fc7", fc7), ("relu7", nn.ReLU())):
        body.add_module(name, layer)
    return Backbone(body, 1024)


def _copy_bias(conv: nn.Conv2d, values: Tensor) -> None:
    assert conv.bias is not None
    conv.bias.copy_(values)


def mobilenet_v2(output_stride: int = 16, pretrained: bool = False) -> Backbone:
    """MobileNetV2 up to its last inverted residual (320 features), without the 1280-channel expansion."""
    network = torchvision.mobilenet_v2(weights="DEFAULT" if pretrained else None)
    body, rate = network.features[:18], 1
    for start, stop, needed in ((7, 14, 16), (14, 18, 32)):
        before, rate = rate, rate * 2 if output_stride < needed else rate
        dilate(body[start:stop], rate, strided_rate=before, keep_stride=output_stride >= needed)
    return Backbone(body, 320)


def _timm_backbone(name: str, **arguments) -> Callable[..., Backbone]:
    """Any timm network that takes an `output_stride`, cut after its last stage."""

    def make(output_stride: int = 16, pretrained: bool = False) -> Backbone:
        timm = need("timm", extra="torch", purpose=f"the backbone timm:{name}")
        if not timm.is_model(name):
            raise SettingError(f"timm has no network {name!r}: {near(name, timm.list_models())}")
        body = timm.create_model(
            name, pretrained=pretrained, output_stride=output_stride, features_only=True, **arguments
        )
        return Backbone(LastStage(body), body.feature_info.channels()[-1])

    return make


def mobilenet_edgetpu(output_stride: int = 16, pretrained: bool = False) -> Backbone:
    """MobileNetEdgeTPU 1.0 as MLPerf Mobile trained it: no activation after its first block's first norm."""
    backbone = _timm_backbone("mobilenet_edgetpu_100", pad_type="same", bn_eps=1e-3)(
        output_stride, pretrained
    )
    norm = backbone.body.get_submodule("stages.blocks.0.0.bn1")
    norm.add_module("act", nn.Identity())
    return backbone


class EvenConv2d(nn.Conv2d):
    """TensorFlow's padding "same" for sides that the stride divides, in which case it is the same on every photo.

    Where it depends on the side, as in timm, exporting a network with open sides takes a minute and a half.
    """

    def forward(self, x_BDHW: Tensor) -> Tensor:
        height, width = (
            dilation * (kernel - 1) + 1 - stride
            for dilation, kernel, stride in zip(self.dilation, self.kernel_size, self.stride, strict=True)
        )
        sides = (width // 2, width - width // 2, height // 2, height - height // 2)
        return self._conv_forward(F.pad(x_BDHW, sides), self.weight, self.bias)


def efficientnet_lite0(output_stride: int = 16, pretrained: bool = False) -> Backbone:
    """EfficientNet-Lite0; of photos whose sides are no multiples of 16 it may overlook the last row or column."""
    backbone = _timm_backbone("tf_efficientnet_lite0")(output_stride, pretrained)
    for module in backbone.body.modules():
        if type(module).__name__ == "Conv2dSame":
            module.__class__ = EvenConv2d  # the same weights under the same names
    return backbone


class LastStage(nn.Module):
    """The last of the feature maps that a timm feature network gives."""

    def __init__(self, stages: nn.Module) -> None:
        super().__init__()
        self.stages = stages

    def forward(self, image_B3HW: Tensor) -> Tensor:
        return self.stages(image_B3HW)[-1]


class Joined(nn.Module):
    """image_B3HW -> feat_BDHW: every trunk's maps of strides 16 and 32, on the grid of stride 16, side by side.

    The second trunk's grid is that of the first; it is resized all the same, so that an exporter need not prove it.
    """

    def __init__(self, trunks: list[nn.Module]) -> None:
        super().__init__()
        self.trunks = nn.ModuleList(trunks)

    def forward(self, image_B3HW: Tensor) -> Tensor:
        first_BDHW, *others = (feat_BDHW for trunk in self.trunks for feat_BDHW in trunk(image_B3HW))
        grid = first_BDHW.shape[-2:]
        others = [
            F.interpolate(feat_BDHW, grid, mode="bilinear", align_corners=False) for feat_BDHW in others
        ]
        return torch.cat([first_BDHW, *others], dim=1)


class DenseNetTrunk(nn.Module):
    """DenseNet's dense blocks 3 and 4, each after the norm and ReLU that follow it."""

    def __init__(self, features: nn.Module) -> None:
        super().__init__()
        self.features = features

    def forward(self, image_B3HW: Tensor) -> tuple[Tensor, Tensor]:
        part = self.features.get_submodule
        feat_BDHW = image_B3HW
        for name in ("conv0", "norm0", "relu0", "pool0", *BEFORE_BLOCK_4):
            feat_BDHW = part(name)(feat_BDHW)
        fine_BDHW = F.relu(part("transition3.norm")(feat_BDHW))
        coarse_BDHW = part("transition3.pool")(part("transition3.conv")(fine_BDHW))
        return fine_BDHW, F.relu(part("norm5")(part("denseblock4")(coarse_BDHW)))


BEFORE_BLOCK_4 = ("denseblock1", "transition1", "denseblock2", "transition2", "denseblock3")


class MobileNetV2Trunk(nn.Module):
    """MobileNetV2's last inverted residuals of strides 16 (96 maps) and 32 (320 maps)."""

    def __init__(self, features: nn.Sequential) -> None:
        super().__init__()
        self.features = features

    def forward(self, image_B3HW: Tensor) -> tuple[Tensor, Tensor]:
        fine_BDHW = self.features[:14](image_B3HW)
        return fine_BDHW, self.features[14:](fine_BDHW)


class TimmTrunk(nn.Module):
    """The last two of the feature maps that a timm feature network gives."""

    def __init__(self, stages: nn.Module) -> None:
        super().__init__()
        self.stages = stages

    def forward(self, image_B3HW: Tensor) -> tuple[Tensor, Tensor]:
        fine_BDHW, coarse_BDHW = self.stages(image_B3HW)[-2:]
        return fine_BDHW, coarse_BDHW


def _densenet169_trunk(pretrained: bool) -> tuple[nn.Module, int]:
    network = torchvision.densenet169(weights="DEFAULT" if pretrained else None)
    return DenseNetTrunk(network.features), 1280 + 1664


def _mobilenet_v2_trunk(pretrained: bool) -> tuple[nn.Module, int]:
    network = torchvision.mobilenet_v2(weights="DEFAULT" if pretrained else None)
    return MobileNetV2Trunk(network.features[:18]), 96 + 320


def _timm_trunk(name: str, **arguments) -> Callable[[bool], tuple[nn.Module, int]]:
    def make(pretrained: bool) -> tuple[nn.Module, int]:
        timm = need("timm", extra="torch", purpose=f"the backbone timm:{name}")
        stages = timm.create_model(name, pretrained=pretrained, features_only=True, **arguments)
        return TimmTrunk(stages), sum(stages.feature_info.channels()[-2:])

    return make


TRUNKS: dict[str, Callable[[bool], tuple[nn.Module, int]]] = {
    "densenet169": _densenet169_trunk,
    "mobilenet_v1": _timm_trunk("mobilenetv1_100", pad_type="same", bn_eps=1e-3),
    "mobilenet_v2": _mobilenet_v2_trunk,
    "efficientnet_lite0": _timm_trunk("tf_efficientnet_lite0"),
}


def make_joined_backbone(name: str, *, pretrained: bool | str | Path = False) -> Backbone:
    """The trunks of "A+B" side by side, see `Joined`.

    pretrained: as in `make_backbone`; files of several trunks are joined by "+" too
    """
    trunks, channels = [], 0
    for part in name.split("+"):
        if part not in TRUNKS:
            raise SettingError(f"there is no trunk {part!r}: {near(part, TRUNKS)}")
        trunk, maps = TRUNKS[part](pretrained is True)
        trunks.append(trunk)
        channels += maps
    if not isinstance(pretrained, bool):
        paths = str(pretrained).split("+")
        if len(paths) != len(trunks):
            raise DataError(f"{name} has {len(trunks)} trunks: give as many files of weights, joined by +")
        for trunk, path in zip(trunks, paths, strict=True):
            (network,) = trunk.children()
            _load_network_weights(network, Path(path))
            if _read_metadata(Path(path)).get("preprocess") == "RGB/127.5-1":
                _fold_input_normalisation(network)
    return Backbone(Joined(trunks), channels)


BACKBONES: dict[str, Callable[..., Backbone]] = {
    "densenet121": densenet(121),
    "densenet169": densenet(169),
    "resnet18": resnet(18),
    "resnet50": resnet(50),
    "resnet101": resnet(101),
    "vgg16": vgg16,
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_edgetpu": mobilenet_edgetpu,
    "efficientnet_lite0": efficientnet_lite0,
    "mobilenet_v1": _timm_backbone("mobilenetv1_100", pad_type="same", bn_eps=1e-3),
}


def make_backbone(name: str, *, output_stride: int, pretrained: bool | str | Path = False) -> Backbone:
    """A backbone by its name, or any of timm's as "timm:NAME".

    pretrained: False for random weights, True for ImageNet weights downloaded by torchvision or timm, or
    the path of a safetensors file in the layout of the plain network.
    """
    if name.startswith("timm:"):
        make = _timm_backbone(name.removeprefix("timm:"))
    elif name in BACKBONES:
        make = BACKBONES[name]
    else:
        raise SettingError(
            f"there is no backbone {name!r}: {near(name, BACKBONES)} (or any of timm's: timm:NAME)"
        )
    if isinstance(pretrained, bool):
        return make(output_stride=output_stride, pretrained=pretrained)
    backbone = make(output_stride=output_stride)
    load_local(backbone, Path(pretrained))
    return backbone


def load_local(backbone: Backbone, path: Path) -> None:
    """Fill a backbone from a safetensors file of the plain network; what the file has more is its classifier."""
    _load_network_weights(plain_network(backbone), path)


def _load_network_weights(network: nn.Module, path: Path) -> None:
    if not path.is_file():
        raise DataError(f"there is no weights file {path}: give a .safetensors file of the plain backbone")
    have = {name.removeprefix("features."): tensor for name, tensor in load_file(path).items()}
    wanted = network.state_dict()
    missing = sorted(filter(is_weight, wanted.keys() - have.keys()))
    if missing:
        raise DataError(
            f"{path} is not of this backbone: it lacks {len(missing)} tensors, the first is {missing[0]!r}"
        )
    network.load_state_dict({name: have[name] for name in wanted.keys() & have.keys()}, strict=False)


def _read_metadata(path: Path) -> dict[str, str]:
    with safe_open(path, framework="pt") as file:
        return file.metadata() or {}


@torch.no_grad()
def _fold_input_normalisation(network: nn.Module) -> None:
    """Fold the change of input from ImageNet's mean and deviation to RGB / 127.5 - 1 into the first convolution.

    The constant part goes into the batch norm behind it. Exact, but for the pixels at the border, where the padding
    is now ImageNet's mean colour instead of grey.
    """
    conv, norm = network.get_submodule("conv_stem"), network.get_submodule("bn1")
    assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None
    mean_3, std_3 = (conv.weight.new_tensor(values) for values in (IMAGENET_MEAN, IMAGENET_STD))
    norm.running_mean -= (conv.weight * (2 * mean_3 - 1)[:, None, None]).sum(dim=(1, 2, 3))
    conv.weight *= (2 * std_3)[:, None, None]


def plain_network(backbone: Backbone) -> nn.Module:
    """The network of torchvision's or timm's inside a backbone."""
    return backbone.body.stages if isinstance(backbone.body, LastStage) else backbone.body


def plain_weights(backbone: Backbone) -> dict[str, Tensor]:
    """A backbone's weights under their names in the plain network, as `load_local` reads them."""
    return plain_network(backbone).state_dict()


def dilate(
    stage: nn.Module, rate: int, *, strided_rate: int | None = None, keep_stride: bool = False
) -> None:
    """Give every convolution in `stage` stride 1, and its kernel the dilation `rate` at unchanged grid size.

    A convolution that had a stride gets `strided_rate` instead. `keep_stride` leaves strided ones alone.
    """
    for layer in stage.modules():
        if not isinstance(layer, nn.Conv2d):
            continue
        strided = layer.stride != (1, 1)
        if strided and keep_stride:
            continue
        layer.stride = (1, 1)
        if layer.kernel_size != (1, 1):
            here = strided_rate if strided and strided_rate is not None else rate
            layer.dilation = (here, here)
            layer.padding = tuple(here * (size // 2) for size in layer.kernel_size)
