"""Figure 6: how alike every region of a photo is to its highest-voted one, at three depths of the network.

Shape letters: N = H*W regions · D features · S stages (after FCN, after ASPP, after the graph)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from rgnet.datasets.records import RatedPhoto
from rgnet.engines.torch import TorchEngine
from rgnet.errors import SettingError, need
from rgnet.photo import decode

STAGES = ("after FCN", "after ASPP", "after graph")
HOT = 0.8


@dataclass(frozen=True, slots=True)
class Likeness:
    """One photo's similarity maps.

    image:          upright photo
    query:          (row, column) of the region with the highest vote
    similarity_SHW: cosine of every region's features and the query's, -1 to 1
    """

    image: Image.Image
    query: tuple[int, int]
    similarity_SHW: np.ndarray


def likenesses(
    engine: TorchEngine, preprocess: Callable, photos: Sequence[RatedPhoto], *, track: Callable
) -> Iterable[Likeness]:
    if engine.network.graph is None:
        raise SettingError(
            "Figure 6 looks behind the region graph: this model has none, give another --model"
        )
    for photo in track(photos, total=len(photos), description="comparing regions"):
        image = decode(photo.path).image
        yield likeness(engine, image, preprocess(image))


def likeness(engine: TorchEngine, image: Image.Image, pixels_HW3: np.ndarray) -> Likeness:
    torch = engine.torch
    with torch.inference_mode():
        image_B3HW = torch.tensor(pixels_HW3, device=engine.device).permute(2, 0, 1)[None]
        votes = engine.network((image_B3HW - engine.mean) / engine.std, explain=True)
    query = int(votes.vote_BNC[0, :, -1].argmax())
    stages = votes.stages
    features = (
        stages.fcn_BDHW.flatten(2).transpose(1, 2),
        stages.context_BDHW.flatten(2).transpose(1, 2),
        stages.graph_BND,
    )
    maps = [cosine_to(region_BND[0].double().cpu().numpy(), query) for region_BND in features]
    return Likeness(image, divmod(query, votes.grid[1]), np.stack(maps).reshape(len(maps), *votes.grid))


def cosine_to(region_ND: np.ndarray, query: int) -> np.ndarray:
    """cos(x_i, x_q) of every region i; 0 where a region has no features at all."""
    length_N = np.linalg.norm(region_ND, axis=1)
    product_N = length_N * length_N[query]
    return np.divide(
        region_ND @ region_ND[query], product_N, out=np.zeros_like(product_N), where=product_N > 0
    )


def hot_area(similarity_HW: np.ndarray, threshold: float | None) -> np.ndarray:
    """The largest connected set of regions (4 neighbours) that reach `threshold`, as a mask.

    threshold: a cosine, or None for the middle between the map's own lowest and highest value: what looks
               hot where every map is coloured over its own range
    """
    ndimage = need("scipy.ndimage", extra="exam", purpose="measuring connected areas")
    if threshold is None:
        threshold = (similarity_HW.min() + similarity_HW.max()) / 2
    label_HW, count = ndimage.label(similarity_HW >= threshold)
    if count == 0:
        return np.zeros(similarity_HW.shape, dtype=bool)
    return label_HW == 1 + np.argmax(np.bincount(label_HW.ravel())[1:])


def hot_share(similarity_HW: np.ndarray, threshold: float | None) -> float:
    """The largest connected hot area as a share of the photo."""
    return float(hot_area(similarity_HW, threshold).mean())


# What Figure 6 is judged by: a large area says little where all regions of the photo are alike
MEASURES: dict[str, Callable[[np.ndarray], float]] = {
    "0.7": lambda map_HW: hot_share(map_HW, 0.7),
    f"{HOT:g}": lambda map_HW: hot_share(map_HW, HOT),
    "0.9": lambda map_HW: hot_share(map_HW, 0.9),
    "middle of the map's own range": lambda map_HW: hot_share(map_HW, None),
    "(mean similarity of all regions)": lambda map_HW: float(map_HW.mean()),
}
