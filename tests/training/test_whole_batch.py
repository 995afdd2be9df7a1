"""A loss between photos is that of the whole batch, whatever parts it is computed in."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from rgnet.training.data import Batch, PixelDataset, load_training
from rgnet.training.losses import Objective
from rgnet.training.module import AestheticsModule
from rgnet.training.recipes import recipe
from rgnet.training.trainer import make_trainer, quiet

SETTINGS = (
    "loss=mse+plcc",
    "rank_weight=0.5",
    "batch_size=8",
    "sizes=2x8",
    "flip=0",
    "zoom=1,1",
    "clip=none",
)


class Votes(NamedTuple):
    image_BC: torch.Tensor


class Linear(nn.Module):
    """Without batch norms, which see the parts of a batch one by one."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.backbone, self.head = nn.Linear(3, 3), nn.Linear(3, 1)
        self.context = self.graph = None

    def forward(self, image_B3HW):
        return Votes(self.head(self.backbone(image_B3HW.mean((2, 3)))).sigmoid())


def train(folder, accumulate):
    torch.set_num_threads(1)
    chosen = recipe("yours", [*SETTINGS, f"accumulate={accumulate}"])
    draw = np.random.default_rng(0)
    photos = PixelDataset(draw.integers(0, 256, (32, 8, 8, 3), dtype=np.uint8), draw.random(32))
    network = Linear()
    module = AestheticsModule(network, chosen, threshold=0.5)
    loader = load_training(photos, 8 // accumulate, rank=0, world=1, seed=0, accumulate=accumulate)
    with quiet():
        trainer = make_trainer(
            folder,
            steps=4,
            callbacks=[],
            max_epochs=2,
            accumulate_grad_batches=accumulate,
            accelerator="cpu",
            enable_checkpointing=False,
        )
        trainer.fit(module, loader)
    return network.state_dict(), float(trainer.callback_metrics["loss_epoch"])


@pytest.mark.parametrize("accumulate", [2, 4])
def test_parts_of_a_batch_train_as_the_whole_batch_does(tmp_path, accumulate):
    (whole, loss), (parts, same_loss) = (train(tmp_path, count) for count in (1, accumulate))
    before = Linear().state_dict()
    assert not torch.allclose(whole["backbone.weight"], before["backbone.weight"], atol=1e-4)
    for name, value in whole.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-4, atol=1e-6)
    assert same_loss == pytest.approx(loss, rel=1e-4)


def test_the_correlation_of_parts_is_another_loss():
    """What the test above would not notice if it compared nothing: the mean over parts differs."""
    chosen = Objective(recipe("yours", SETTINGS), 0.5)
    score, unit = torch.rand(8, generator=torch.manual_seed(0)), torch.rand(8)
    halves = (chosen.between_photos(score[:4], unit[:4]) + chosen.between_photos(score[4:], unit[4:])) / 2
    assert abs(halves - chosen.between_photos(score, unit)) > 0.01


def test_the_loader_hands_each_step_over_with_its_first_part():
    photos = PixelDataset(np.zeros((12, 2, 2, 3), np.uint8), np.arange(12) / 12)
    parts = list(load_training(photos, 2, rank=0, world=1, seed=0, accumulate=3))
    assert [len(part.rest) for part in parts] == [2, 0, 0, 2, 0, 0]
    for first in (0, 3):
        for part, rest in zip(parts[first + 1 : first + 3], parts[first].rest, strict=True):
            assert isinstance(part, Batch) and torch.equal(part.unit_B, rest.unit_B)
