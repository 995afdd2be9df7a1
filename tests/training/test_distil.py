"""A student learns its teacher's features, and its file is one that `make_backbone` reads."""

import csv

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from rgnet.model.backbones import make_backbone, plain_weights
from rgnet.training.data import PixelDataset
from rgnet.training.distil import Lesson, distil


@pytest.fixture
def photos():
    draw = np.random.default_rng(0)
    return PixelDataset(draw.integers(0, 256, (16, 64, 64, 3), dtype=np.uint8), np.zeros(16))


def test_a_distilled_backbone_loads_as_weights(photos, tmp_path):
    torch.manual_seed(0)
    teacher = tmp_path / "teacher.safetensors"
    save_file(plain_weights(make_backbone("resnet18", output_stride=32)), teacher)
    lesson = Lesson(
        student="resnet18",
        teacher="resnet18",
        sizes=((6, 64),),
        batch_size=8,
        precision="32-true",
        zoom=(1.0, 1.0),
    )
    file = distil(lesson, photos, tmp_path / "student.safetensors", teacher_weights=teacher)

    taught, untaught = (
        plain_weights(make_backbone("resnet18", output_stride=16, pretrained=weights))["conv1.weight"]
        for weights in (file, teacher)
    )
    assert taught.shape == untaught.shape and not torch.equal(taught, untaught)


def test_the_students_loss_falls(photos, tmp_path):
    lesson = Lesson(
        student="timm:test_efficientnet",
        teacher="resnet18",
        sizes=((40, 64),),
        batch_size=16,
        learning_rate=1e-2,
        flip=0.0,
        zoom=(1.0, 1.0),
        precision="32-true",
    )
    distil(lesson, photos, tmp_path / "student.safetensors", teacher_weights=False)
    with (tmp_path / "student" / "metrics.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file) if row["loss"]]
    assert losses[-1] < 0.7 * losses[0], losses
