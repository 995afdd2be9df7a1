"""bf16 on a processor, but for the one kind of layer that it makes slower."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


class FasterOnProcessors(TorchFunctionMode):
    """Computes depthwise convolutions with a stride in float32, whatever the autocast around them says.

    oneDNN has no quick bf16 gradient of them: of a MobileNetV1 at 224 pixels they took a quarter of a training step's
    time, and in float32 they take a fourth of that. On a graphics card, and in float32 runs, nothing changes.
    """

    def __torch_function__(
        self,
        function: Callable,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if function is not F.conv2d or not strided_depthwise(*args, **kwargs):
            return function(*args, **kwargs)
        with torch.autocast("cpu", enabled=False):
            return function(args[0].float(), *args[1:], **kwargs)


def strided_depthwise(
    image_BCHW: Tensor, weight: Tensor, bias: Tensor | None = None, stride=1, *_rest, groups: int = 1, **_more
) -> bool:
    """Of a convolution on a processor, by the arguments of torch's `conv2d`."""
    groups = _rest[2] if len(_rest) > 2 else groups
    alone = groups == image_BCHW.shape[1] > 1
    return alone and image_BCHW.device.type == "cpu" and stride not in (1, (1, 1))
