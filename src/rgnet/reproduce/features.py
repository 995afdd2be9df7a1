"""Networks on a backbone that stays as it was published: its features are computed once, for all that share them.

Shape letters: N photos · B batch · D feature channels · H, W region grid
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rgnet.atomic import make_writable_folder, replacing
from rgnet.datasets.cache import make_room, open_cached, reserve_array
from rgnet.datasets.readers import Track
from rgnet.errors import SettingError
from rgnet.model import RegionVotes
from rgnet.model.normalise import Normalise
from rgnet.training.data import Batch, PixelDataset, load_in_order, seed_step
from rgnet.training.module import AestheticsModule
from rgnet.training.recipes import Recipe

_BATCH = 20


class HeadModule(AestheticsModule):
    """Trains what follows the backbone, on its features in place of pixels."""

    def _votes(self, feat_BDHW: Tensor) -> RegionVotes:
        return self.network(feat_BDHW)

    def _augmented(self, batch: Batch, index: int) -> Tensor:
        seed_step(self.recipe.seed, self.current_epoch, index, self.global_rank)
        return self(batch.pixels_B3HW.float())


def fix_backbone(recipe: Recipe, weights: bool | Path) -> Recipe:
    """The recipe without what would change a photo or the backbone. Raises SettingError where that is its point."""
    if weights is False:
        raise SettingError("--fixed-backbone needs pretrained weights: give them with --weights FILE")
    if recipe.loss == "regions":
        raise SettingError(
            "--fixed-backbone does not work with loss=regions, whose lessons change the photos"
        )
    side = recipe.sizes[-1][1]
    return replace(
        recipe,
        sizes=((recipe.epochs, side),),
        flip=0.0,
        zoom=(1.0, 1.0),
        norms="keep",
        frozen_epochs=recipe.epochs,
    )


def features_of(
    backbone: nn.Module, photos: PixelDataset, recipe: Recipe, folder: Path, *, identity: object, track: Track
) -> PixelDataset:
    """The photos as float16 features (N, H, W, D), mapped from a file of `folder`, with their ratings.

    identity: of the backbone's weights; with the photos and their preparation it names the file
    """
    architecture = recipe.architecture
    parts = [
        architecture.backbone,
        architecture.output_stride,
        architecture.joined,
        identity,
        photos.fingerprint,
    ]
    text = json.dumps([*parts, recipe.preprocess.to_dict()], sort_keys=True)
    file = folder / f"features-{hashlib.sha256(text.encode()).hexdigest()[:16]}.npy"
    if not file.exists():
        make_writable_folder(folder)
        with replacing(file, fsync=False) as partial:
            _compute(backbone, photos, recipe, partial, track)
    histogram_NK = None if photos.histogram_NK is None else photos.histogram_NK.cpu().numpy()
    return PixelDataset(open_cached(file), photos.unit_N.cpu(), histogram_NK)


@torch.inference_mode()
def _compute(backbone: nn.Module, photos: PixelDataset, recipe: Recipe, file: Path, track: Track) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    backbone, normalise = backbone.eval().to(device), Normalise(recipe.preprocess).to(device)
    batches = load_in_order(photos, _BATCH)
    feat_NHWD, start = None, 0
    name = f"{recipe.architecture.backbone}, features"
    for batch in track(batches, total=len(batches), description=name):
        feat_BDHW = backbone(normalise(batch.pixels_B3HW.to(device).float()))
        feat_BHWD = feat_BDHW.permute(0, 2, 3, 1).half().cpu().numpy()
        if feat_NHWD is None:
            shape = (len(photos), *feat_BHWD.shape[1:])
            make_room(file.parent, prod(shape) * feat_BHWD.itemsize, kind="features")
            feat_NHWD = reserve_array(file, shape, np.float16)
        feat_NHWD[start : start + len(feat_BHWD)] = feat_BHWD
        start += len(feat_BHWD)
    assert feat_NHWD is not None
    feat_NHWD.flush()
