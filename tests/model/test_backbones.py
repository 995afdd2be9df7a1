"""torchvision's plain networks are the oracle for the dilated backbones."""

import pytest
import torch
import torchvision
from torch import nn

from rgnet.errors import DataError, SettingError
from rgnet.model.backbones import BACKBONES, dilate, load_local, make_backbone


def plain_features(name: str, image: torch.Tensor) -> tuple[nn.Module, torch.Tensor]:
    network = getattr(torchvision.models, name)().eval().double()
    torch.manual_seed(1)
    randomise(network)
    return network, features_of(name, network, image)


def features_of(name: str, network: nn.Module, image: torch.Tensor) -> torch.Tensor:
    if name.startswith("densenet"):
        return network.features(image).relu()
    if name == "mobilenet_v2":
        return network.features[:18](image)
    return nn.Sequential(*list(network.children())[:-2])(image)


def randomise(network: nn.Module) -> None:
    """Batch norm statistics that differ from layer to layer, as trained ones do."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.2, 0.2)
            layer.running_var.uniform_(0.5, 1.5)


@pytest.mark.parametrize("name", ["densenet121", "densenet169", "resnet18", "resnet50", "mobilenet_v2"])
@torch.no_grad()
def test_undilated_backbone_equals_torchvisions(name):
    image = torch.rand(1, 3, 96, 128, dtype=torch.float64)
    plain, expected = plain_features(name, image)
    backbone = make_backbone(name, output_stride=32).eval().double()
    backbone.load_state_dict(own_names(backbone, plain))
    torch.testing.assert_close(backbone(image), expected)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "mobilenet_v2"])
@pytest.mark.parametrize("stride", [8, 16])
@torch.no_grad()
def test_dilated_backbone_subsampled_equals_the_plain_network(name, stride):
    image = torch.rand(1, 3, 128, 128, dtype=torch.float64)
    plain, expected = plain_features(name, image)
    backbone = make_backbone(name, output_stride=stride).eval().double()
    backbone.load_state_dict(own_names(backbone, plain))
    step = 32 // stride
    torch.testing.assert_close(backbone(image)[:, :, ::step, ::step], expected)


def own_names(backbone, plain) -> dict:
    """The plain network's tensors under the backbone's names: equal but for the prefix."""
    have = {key.removeprefix("features."): value for key, value in plain.state_dict().items()}
    return {key: have[key.removeprefix("body.")] for key in backbone.state_dict()}


@pytest.mark.parametrize(
    ("name", "channels", "grid"),
    [("densenet121", 1024, (37, 37)), ("resnet101", 2048, (38, 38)), ("vgg16", 1024, (37, 37))],
)
@torch.no_grad()
def test_grid_of_a_300_pixel_photo(name, channels, grid):
    backbone = make_backbone(name, output_stride=8).eval()
    features = backbone(torch.rand(1, 3, 300, 300))
    assert features.shape == (1, channels, *grid)
    assert backbone.channels == channels


@torch.no_grad()
def test_densenet_loses_two_pools_and_gains_dilation_2_and_4():
    body = make_backbone("densenet121", output_stride=8).body
    assert isinstance(body.transition2.pool, nn.Identity)
    assert isinstance(body.transition3.pool, nn.Identity)
    assert isinstance(body.transition1.pool, nn.AvgPool2d)
    for block, rate in ((body.denseblock2, 1), (body.denseblock3, 2), (body.denseblock4, 4)):
        rates = {layer.conv2.dilation for layer in block.children()}
        assert rates == {(rate, rate)}


@pytest.mark.parametrize("name", sorted(set(BACKBONES) - {"vgg16", "resnet101"}))
@torch.no_grad()
def test_any_size_from_64_pixels_and_any_shape(name):
    backbone = make_backbone(name, output_stride=16).eval()
    for height, width in ((64, 64), (64, 200), (131, 97)):
        features = backbone(torch.rand(2, 3, height, width))
        assert features.shape[:2] == (2, backbone.channels)
        assert abs(features.shape[2] - height / 16) <= 1 and abs(features.shape[3] - width / 16) <= 1


def test_vgg_classifier_is_decimated_after_deeplab():
    body = make_backbone("vgg16", output_stride=8).body
    assert body.fc6.weight.shape == (1024, 512, 3, 3) and body.fc6.dilation == (4, 4)
    assert body.fc7.weight.shape == (1024, 1024, 1, 1)


def test_unknown_names_hint_at_near_ones():
    with pytest.raises(SettingError, match=r"there is no backbone 'densnet121': did you mean densenet121"):
        make_backbone("densnet121", output_stride=8)
    with pytest.raises(
        SettingError, match="timm has no network 'mobilenetv1_10': did you mean mobilenetv1_10"
    ):
        make_backbone("timm:mobilenetv1_10", output_stride=16)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("resnet18", "resnet18"),
        ("resnet50", "resnet50"),
        ("mobilenet_v2", "mobilenet_v2_features"),
        ("mobilenet_edgetpu", "mobilenet_edgetpu"),
        ("mobilenet_v1", "nima_mobilenet_v1"),
    ],
)
def test_local_weights_load_unchanged(name, file, shared):
    from safetensors.torch import load_file

    path = shared / "weights" / f"{file}.safetensors"
    backbone = make_backbone(name, output_stride=16, pretrained=path)
    first = next(parameter for parameter in backbone.parameters() if parameter.ndim == 4)
    shapes = [value for value in load_file(path).values() if value.shape == first.shape]
    assert any(torch.equal(first, value.float()) for value in shapes)


def test_foreign_weights_are_refused_by_name(tmp_path):
    from safetensors.torch import save_file

    save_file({"conv1.weight": torch.zeros(1)}, tmp_path / "odd.safetensors")
    backbone = make_backbone("resnet18", output_stride=16)
    with pytest.raises(DataError, match=r"odd\.safetensors is not of this backbone: it lacks \d+ tensors"):
        load_local(backbone, tmp_path / "odd.safetensors")
    with pytest.raises(DataError, match="there is no weights file"):
        load_local(backbone, tmp_path / "none.safetensors")


def test_dilation_keeps_the_grid():
    stage = nn.Sequential(nn.Conv2d(1, 1, 3, stride=2, padding=1), nn.Conv2d(1, 1, 3, padding=1))
    dilate(stage, 4, strided_rate=2)
    assert [layer.dilation for layer in stage] == [(2, 2), (4, 4)]
    assert stage(torch.zeros(1, 1, 20, 30)).shape == (1, 1, 20, 30)
