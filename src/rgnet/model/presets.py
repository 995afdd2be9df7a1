"""Named architectures: the paper's tables, and our own small one. A function each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rgnet.architecture import Architecture
from rgnet.errors import SettingError, near


def fcn_a_g() -> Architecture:
    """RGNet as published: FCN, ASPP and graph on DenseNet-121 (Table 1, last row; 83.59 % on AVA)."""
    return Architecture()


def fc_cnn() -> Architecture:
    """The plain classifier: features averaged to one vector, for 224x224 photos (Table 1, first row)."""
    return Architecture(output_stride=32, rates=(), graph_layers=0, pooled=True)


def fcn() -> Architecture:
    """Only the dilated backbone and the head (Table 1)."""
    return Architecture(rates=(), graph_layers=0)


def fcn_a() -> Architecture:
    """Backbone and DenseASPP, no graph (Table 1)."""
    return Architecture(graph_layers=0)


def fcn_g() -> Architecture:
    """Backbone and graph, no DenseASPP (Table 1)."""
    return Architecture(rates=())


def fcn_c_c() -> Architecture:
    """As many plain convolutions as ASPP and graph have layers, in their place (Table 1)."""
    return Architecture(rates=(), graph_layers=0, plain_convs=7)


def rgnet_resnet101() -> Architecture:
    """RGNet on ResNet-101 (Table 2)."""
    return Architecture(backbone="resnet101")


def rgnet_vgg16() -> Architecture:
    """RGNet on VGG-16 (Table 2)."""
    return Architecture(backbone="vgg16")


def fcn_resnet101() -> Architecture:
    """ResNet-101 without ASPP and graph (Table 2)."""
    return Architecture(backbone="resnet101", rates=(), graph_layers=0)


def fcn_vgg16() -> Architecture:
    """VGG-16 without ASPP and graph (Table 2)."""
    return Architecture(backbone="vgg16", rates=(), graph_layers=0)


def aadb() -> Architecture:
    """RGNet as a regressor: one score in place of two classes (section 4.1, AADB)."""
    return Architecture(head="score")


def compact() -> Architecture:
    """Our own for laptops: MobileNetV1 at stride 16, a residual graph on 14x14 regions of a 224x224 photo."""
    return Architecture(
        backbone="mobilenet_v1",
        output_stride=16,
        squeeze=256,
        rates=(1, 2, 4, 6),
        residual=True,
        scaled_affinity=True,
        head="score",
    )


def attention() -> Architecture:
    """Our own: MobileNetV1 at its native strides, an attention graph on 14x14 regions of a 224x224 photo."""
    return Architecture(
        backbone="mobilenet_v1",
        output_stride=16,
        joined=True,
        squeeze=192,
        rates=(),
        graph="attention",
        head="score",
    )


def attention_pair() -> Architecture:
    """The same on MobileNetV1 and MobileNetV2 side by side."""
    return replace(attention(), backbone="mobilenet_v1+mobilenet_v2", squeeze=160)


def attention_large() -> Architecture:
    """The same on DenseNet-169, for a GPU or a patient CPU."""
    return replace(attention(), backbone="densenet169")


PRESETS: dict[str, Callable[[], Architecture]] = {
    "rgnet": fcn_a_g,
    "fc-cnn": fc_cnn,
    "fcn": fcn,
    "fcn-a": fcn_a,
    "fcn-g": fcn_g,
    "fcn-c-c": fcn_c_c,
    "rgnet-resnet101": rgnet_resnet101,
    "rgnet-vgg16": rgnet_vgg16,
    "fcn-resnet101": fcn_resnet101,
    "fcn-vgg16": fcn_vgg16,
    "aadb": aadb,
    "compact": compact,
    "attention": attention,
    "attention-pair": attention_pair,
    "attention-large": attention_large,
}


def preset(name: str) -> Architecture:
    """The architecture of that name."""
    if name not in PRESETS:
        raise SettingError(f"there is no preset {name!r}: {near(name, PRESETS)}")
    return PRESETS[name]()
