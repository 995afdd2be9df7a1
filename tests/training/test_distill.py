"""A student learns its teacher's features, and its file is one that `make_backbone` reads."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from rgnet.errors import DataError, OutputError, SettingError
from rgnet.model.backbones import make_backbone, plain_weights
from rgnet.training.data import PixelDataset
from rgnet.training.distill import DistillRecipe, distill
from rgnet.training.module import NonFiniteLoss
from rgnet.training.slices import slice_densenet


@pytest.fixture
def photos():
    draw = np.random.default_rng(0)
    return PixelDataset(draw.integers(0, 256, (16, 64, 64, 3), dtype=np.uint8), np.zeros(16))


@pytest.fixture(autouse=True)
def one_thread():
    """Two threads wait for each other on a busy machine longer than these small networks compute."""
    torch.set_num_threads(1)


SHORT = DistillRecipe(
    student="timm:test_efficientnet",
    teacher="timm:test_efficientnet",
    sizes=((3, 64),),
    batch_size=8,
    precision="32-true",
)


def test_a_distilled_backbone_loads_as_weights(photos, tmp_path):
    torch.manual_seed(0)
    teacher = tmp_path / "teacher.safetensors"
    save_file(plain_weights(make_backbone("resnet18", output_stride=32)), teacher)
    lesson = DistillRecipe(
        student="resnet18",
        teacher="resnet18",
        sizes=((6, 64),),
        batch_size=8,
        precision="32-true",
        zoom=(1.0, 1.0),
    )
    file = distill(lesson, photos, tmp_path / "student.safetensors", teacher_weights=teacher)

    taught, untaught = (
        plain_weights(make_backbone("resnet18", output_stride=16, pretrained=weights))["conv1.weight"]
        for weights in (file, teacher)
    )
    assert taught.shape == untaught.shape and not torch.equal(taught, untaught)


def test_fewer_photos_than_a_batch_are_refused(photos, tmp_path):
    with pytest.raises(SettingError, match="batch_size is 17, and there are only 16 training photos"):
        distill(replace(SHORT, batch_size=17), photos, tmp_path / "student.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_is_no_number_writes_no_weights(photos, tmp_path):
    teacher = make_backbone("timm:test_efficientnet", output_stride=32)
    weights = {
        name: value * float("nan")
        for name, value in plain_weights(teacher).items()
        if value.is_floating_point()
    }
    save_file(plain_weights(teacher) | weights, tmp_path / "teacher.safetensors")
    with pytest.raises(NonFiniteLoss, match="the loss is nan in epoch 1: start again at another --output"):
        distill(
            SHORT, photos, tmp_path / "student.safetensors", teacher_weights=tmp_path / "teacher.safetensors"
        )
    assert not (tmp_path / "student.safetensors").exists()


def test_the_students_loss_falls(photos, tmp_path):
    lesson = DistillRecipe(
        student="timm:test_efficientnet",
        teacher="resnet18",
        sizes=((40, 64),),
        batch_size=16,
        learning_rate=1e-2,
        flip=0.0,
        zoom=(1.0, 1.0),
        precision="32-true",
    )
    distill(lesson, photos, tmp_path / "student.safetensors", teacher_weights=False)
    (curve,) = (tmp_path / "student").glob("logs/*/metrics.csv")
    with curve.open() as file:
        losses = [float(row["loss_epoch"]) for row in csv.DictReader(file) if row["loss_epoch"]]
    assert losses[-1] < 0.7 * losses[0], losses


def test_a_densenet_starts_as_slices_of_a_deeper_one(photos, tmp_path):
    lesson = replace(SHORT, student="densenet121", teacher="densenet169", start="slices", sizes=((1, 32),))
    torch.manual_seed(0)
    teacher = make_backbone("densenet169", output_stride=32).eval()
    file = tmp_path / "teacher.safetensors"
    save_file(plain_weights(teacher), file)
    student = distill(lesson, photos, tmp_path / "student.safetensors", teacher_weights=file)
    taught = make_backbone("densenet121", output_stride=32, pretrained=student).eval()

    # Where the two are the same network, the student is the teacher; behind it, it has learned
    theirs, ours = teacher.body, taught.body
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        found, wanted = (
            body[: list(dict(body.named_children())).index("transition3")](image) for body in (ours, theirs)
        )
    torch.testing.assert_close(found, wanted[:, :1024])
    norm = "denseblock4.denselayer2.norm1.weight"
    kept = torch.cat([torch.arange(512), 640 + torch.arange(32)])
    assert not torch.equal(ours.state_dict()[norm], theirs.state_dict()[norm][kept])
    weights = slice_densenet(theirs.state_dict(), ours.state_dict())
    assert torch.equal(weights[norm], theirs.state_dict()[norm][kept])
    assert torch.equal(slice_densenet(ours.state_dict(), ours.state_dict())["norm5.bias"], ours.norm5.bias)


def test_only_densenets_are_sliced(photos, tmp_path):
    lesson = replace(SHORT, student="resnet18", teacher="densenet169", start="slices")
    with pytest.raises(SettingError, match="start=slices takes a DenseNet's weights from a deeper DenseNet"):
        distill(lesson, photos, tmp_path / "student.safetensors", teacher_weights=False)


def test_interrupted_and_resumed_is_the_unbroken_lesson_to_the_bit(photos, tmp_path):
    torch.set_num_threads(1)
    whole = distill(SHORT, photos, tmp_path / "whole.safetensors", teacher_weights=False)

    def stop_after_the_first(line: str) -> None:
        if line.startswith("epoch 2 of 3"):
            raise KeyboardInterrupt

    target, said = tmp_path / "broken.safetensors", []
    with pytest.raises(KeyboardInterrupt):
        distill(SHORT, photos, target, teacher_weights=False, say=stop_after_the_first)
    assert not target.exists()
    distill(SHORT, photos, target, teacher_weights=False, resume=True, say=said.append)
    assert [line.partition(":")[0] for line in said] == ["epoch 2 of 3", "epoch 3 of 3"]
    assert target.read_bytes() == whole.read_bytes()


def test_what_cannot_be_resumed_or_written_over_is_said(photos, tmp_path):
    target = tmp_path / "student.safetensors"
    with pytest.raises(DataError, match=r"nothing to resume: .*last\.ckpt is missing"):
        distill(SHORT, photos, target, teacher_weights=False, resume=True)
    distill(replace(SHORT, sizes=((1, 64),)), photos, target, teacher_weights=False)
    with pytest.raises(OutputError, match="already holds a run"):
        distill(SHORT, photos, target, teacher_weights=False)
    with pytest.raises(
        SettingError, match=r"of another run: sizes is \[\[1, 64\]\] there and \[\[3, 64\]\] here"
    ):
        distill(SHORT, photos, target, teacher_weights=False, resume=True)
