"""Views of photos, made on whole batches where the photos are: enlarged, degraded, rearranged, tilted, covered.

Photos are float32 in 0 to 255; everything random is drawn on the device they are on.

Shape letters: B photos · H, W pixels · K tiles a side
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99), (18, 21, 26, 66, 99, 99, 99, 99), (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99), *((99,) * 8,) * 4,
)  # fmt: skip
YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
# JPEG's blocks of 8 pixels, at half the chroma
BLOCK = 16
RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


P = ParamSpec("P")
T = TypeVar("T")


def in_float32(function: Callable[P, T]) -> Callable[P, T]:
    """`function` outside any autocast: a bf16 number has eight bits, too few for a place among 224 pixels."""
    for device in ("cpu", "cuda"):
        function = torch.autocast(device, enabled=False)(function)
    return function


def uniform(count: int, low: float, high: float, device: torch.device) -> Tensor:
    return torch.empty(count, device=device).uniform_(low, high)


def frames(count: int, device: torch.device, *, zoom: tuple[float, float], flip: float = 0.5) -> Tensor:
    """frame_B23 for `warped`: a random enlargement, anywhere in the photo, mirrored with probability `flip`."""
    share_B = 1 / uniform(count, *zoom, device)
    shift_B2 = (torch.rand(count, 2, device=device) * 2 - 1) * (1 - share_B[:, None])
    mirror_B = 1 - 2 * (torch.rand(count, device=device) < flip).float()
    frame_B23 = torch.zeros(count, 2, 3, device=device)
    frame_B23[:, 0, 0] = share_B * mirror_B
    frame_B23[:, 1, 1] = share_B
    frame_B23[:, :, 2] = shift_B2
    return frame_B23


def warped(image_BCHW: Tensor, frame_B23: Tensor) -> Tensor:
    """Photos, or maps of regions, seen through frames."""
    grid_BHW2 = F.affine_grid(frame_B23, list(image_BCHW.shape), align_corners=False)
    return sampled(image_BCHW, grid_BHW2)


def sampled(image_BCHW: Tensor, grid_BHW2: Tensor) -> Tensor:
    return F.grid_sample(image_BCHW, grid_BHW2, padding_mode="border", align_corners=False)


def degraded(image_B3HW: Tensor, *, groups: int = 4) -> Tensor:
    """Most photos made smaller and enlarged again, half of them after JPEG compression; sizes differ by group."""
    parts = []
    for part_B3HW in image_B3HW.chunk(groups):
        if torch.rand(()) < 0.5:
            part_B3HW = jpeg(part_B3HW, uniform(len(part_B3HW), 40, 95, part_B3HW.device))
        if torch.rand(()) < 0.75:
            part_B3HW = smaller(part_B3HW, 0.45 + 0.55 * torch.rand(()).item())
        parts.append(part_B3HW)
    return torch.cat(parts)


def smaller(image_B3HW: Tensor, share: float) -> Tensor:
    """Photos resized to `share` of their sides and back."""
    height, width = image_B3HW.shape[-2:]
    size = round(share * height), round(share * width)
    kernel = "bicubic" if torch.rand(()) < 0.7 else "bilinear"
    low = F.interpolate(image_B3HW, size=size, mode=kernel, antialias=True, align_corners=False)
    return F.interpolate(
        low.round().clamp(0, 255), size=(height, width), mode="bicubic", antialias=True, align_corners=False
    ).clamp(0, 255)


def jpeg(image_B3HW: Tensor, quality_B: Tensor) -> Tensor:
    """Photos after JPEG compression at qualities of 1 to 100 with halved chroma; sides are multiples of BLOCK."""
    ycc_B3HW = torch.einsum("dc,bchw->bdhw", image_B3HW.new_tensor(YCC), image_B3HW - 128)
    scale_B = torch.where(quality_B < 50, 5000 / quality_B, 200 - 2 * quality_B) / 100
    luma_B1HW = quantized(ycc_B3HW[:, :1], image_B3HW.new_tensor(LUMA), scale_B)
    chroma_B2HW = quantized(F.avg_pool2d(ycc_B3HW[:, 1:], 2), image_B3HW.new_tensor(CHROMA), scale_B)
    chroma_B2HW = F.interpolate(chroma_B2HW, scale_factor=2, mode="bilinear", align_corners=False)
    ycc_B3HW = torch.cat([luma_B1HW, chroma_B2HW], dim=1)
    rgb_B3HW = torch.einsum("dc,bchw->bdhw", image_B3HW.new_tensor(RGB), ycc_B3HW)
    return (rgb_B3HW + 128).round().clamp(0, 255)


def quantized(plane_BCHW: Tensor, table_88: Tensor, scale_B: Tensor) -> Tensor:
    """Planes after quantisation of the cosine transform of their 8x8 blocks."""
    batch, channels, height, width = plane_BCHW.shape
    place_8 = torch.arange(8, device=plane_BCHW.device, dtype=torch.float32)
    cosine_88 = torch.cos((2 * place_8 + 1) * place_8[:, None] * math.pi / 16) / 2
    cosine_88[0] /= math.sqrt(2)
    step_B = (table_88 * scale_B[:, None, None] + 0.5).floor().clamp(1, 255)[:, None, None, None]
    block = plane_BCHW.reshape(batch, channels, height // 8, 8, width // 8, 8).transpose(3, 4)
    block = cosine_88 @ block @ cosine_88.t()
    block = (block / step_B).round() * step_B
    return (cosine_88.t() @ block @ cosine_88).transpose(3, 4).reshape(plane_BCHW.shape)


def rearranged(image_B3HW: Tensor, tiles: int, *, jitter: float = 4.0) -> tuple[Tensor, Tensor]:
    """(in place, shuffled): photos cut into tiles x tiles, each moved by up to `jitter` pixels; and the same tiles in
    random order. Both have the same seams, so that only the arrangement tells one from the other."""
    batch, _, height, width = image_B3HW.shape
    device, count = image_B3HW.device, tiles * tiles
    shift_BK2 = (torch.rand(batch, count, 2, device=device) * 2 - 1) * jitter
    order_BK = torch.rand(batch, count, device=device).argsort(dim=1)
    tile_row_H, tile_column_W = (
        torch.arange(side, device=device) * tiles // side for side in (height, width)
    )
    row_H = torch.arange(height, device=device) - tile_row_H * (height / tiles)
    column_W = torch.arange(width, device=device) - tile_column_W * (width / tiles)
    inside_HW2 = torch.stack([column_W.expand(height, width), row_H[:, None].expand(height, width)], dim=2)
    seen = []
    for source_BK in (torch.arange(count, device=device).expand(batch, count), order_BK):
        start_BK2 = torch.stack(
            [source_BK % tiles * (width / tiles), source_BK // tiles * (height / tiles)], dim=2
        )
        start_BK2 = start_BK2 + shift_BK2.gather(1, source_BK[:, :, None].expand(-1, -1, 2))
        start_BHW2 = start_BK2.view(batch, tiles, tiles, 2)[:, tile_row_H[:, None], tile_column_W]
        pixel_BHW2 = (start_BHW2 + inside_HW2 + 0.5) * 2 / image_B3HW.new_tensor([width, height]) - 1
        seen.append(sampled(image_B3HW, pixel_BHW2))
    return seen[0], seen[1]


def tilted(image_B3HW: Tensor) -> tuple[Tensor, Tensor]:
    """(level, tilted by 6 to 15 degrees): through frames of the same size, both resampled off the pixels' places."""
    batch, device = len(image_B3HW), image_B3HW.device
    degrees_B = uniform(batch, 6, 15, device) * (torch.rand(batch, device=device) < 0.5).float().mul(2).sub(1)
    radians_B = degrees_B * math.pi / 180
    share_B = 1 / (radians_B.cos() + radians_B.sin().abs())
    frame_B23 = torch.zeros(batch, 2, 3, device=device)
    frame_B23[:, 0, 0] = frame_B23[:, 1, 1] = share_B
    level_B3HW = warped(image_B3HW, frame_B23)
    frame_B23[:, 0, 0] = frame_B23[:, 1, 1] = share_B * radians_B.cos()
    frame_B23[:, 0, 1] = -share_B * radians_B.sin()
    frame_B23[:, 1, 0] = share_B * radians_B.sin()
    return level_B3HW, warped(image_B3HW, frame_B23)


def covered(image_B3HW: Tensor, frame_B23: Tensor) -> Tensor:
    """Photos with what lies inside a frame blurred beyond recognition."""
    height, width = image_B3HW.shape[-2:]
    low = F.interpolate(image_B3HW, size=(height // 16, width // 16), mode="area")
    blurred_B3HW = F.interpolate(low, size=(height, width), mode="bicubic", align_corners=False).clamp(0, 255)
    row = (torch.arange(height, device=image_B3HW.device) + 0.5) * 2 / height - 1
    column = (torch.arange(width, device=image_B3HW.device) + 0.5) * 2 / width - 1
    inside_BH = (row - frame_B23[:, 1, 2, None]).abs() <= frame_B23[:, 1, 1, None]
    inside_BW = (column - frame_B23[:, 0, 2, None]).abs() <= frame_B23[:, 0, 0, None].abs()
    return torch.where((inside_BH[:, :, None] & inside_BW[:, None])[:, None], blurred_B3HW, image_B3HW)
