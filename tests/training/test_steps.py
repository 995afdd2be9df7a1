"""Every recipe takes its steps as it is printed: with its own loss, in its own precision."""

import pytest
import torch
from small import Photos

from rgnet.model import build
from rgnet.training.data import load_training
from rgnet.training.module import AestheticsModule
from rgnet.training.recipes import RECIPES, recipe
from rgnet.training.trainer import make_trainer, quiet

SMALL = (
    "sizes=2x64", "batch_size=8", "architecture.backbone=timm:test_efficientnet", "architecture.squeeze=16",
    "architecture.rates=1", "architecture.maps=8", "architecture.graph_layers=1", "architecture.joined=false",
    "regions.again=0.5", "regions.degraded=0.5", "regions.pairs=0.25",
)  # fmt: skip


@pytest.mark.parametrize("name", RECIPES)
def test_it_takes_its_steps(name, tmp_path):
    torch.manual_seed(0)
    chosen = recipe(name, SMALL)
    module = AestheticsModule(build(chosen.architecture), chosen, threshold=0.5)
    before = {key: value.clone() for key, value in module.network.named_parameters()}
    with quiet():
        trainer = make_trainer(
            tmp_path, steps=8, callbacks=[], max_epochs=2, precision=chosen.precision, accelerator="cpu",
            enable_checkpointing=False,
        )  # fmt: skip
        trainer.fit(module, load_training(Photos(64, 0), 8, rank=0, world=1, seed=0))
    assert trainer.global_step == 16
    for key, value in module.network.named_parameters():
        assert value.isfinite().all() and value.dtype == torch.float32, key
    assert any(not torch.equal(value, before[key]) for key, value in module.network.named_parameters())
