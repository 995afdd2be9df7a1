"""The assembled network: shapes of Figure 3, gradients everywhere, golden tensors at every stage."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rgnet.architecture import Architecture
from rgnet.errors import SettingError
from rgnet.model import PRESETS, build, preset, restored
from rgnet.weights.fields import parse_record
from rgnet.weights.file import to_stored

GOLDEN = Path(__file__).parents[1] / "golden" / "stages.json"
SMALL = Architecture(backbone="mobilenet_v2", output_stride=16, rates=(1, 2), maps=8)
TABLE_1 = ["rgnet", "fc-cnn", "fcn", "fcn-a", "fcn-g", "fcn-c-c"]


@torch.no_grad()
def test_figure_3_at_300_pixels():
    votes = build(preset("rgnet")).eval()(torch.rand(1, 3, 300, 300), explain=True)
    assert votes.grid == (37, 37)
    assert votes.stages.fcn_BDHW.shape == (1, 1024, 37, 37)
    assert votes.stages.context_BDHW.shape == (1, 1024 + 4 * 64, 37, 37)
    assert votes.stages.graph_BND.shape == (1, 37 * 37, 1280)
    assert votes.stages.affinity_BNN.shape == (1, 1369, 1369)
    assert votes.stages.weight_BNC.shape == (1, 1369, 2)
    assert votes.vote_BNC.shape == (1, 1369, 2) and votes.image_BC.shape == (1, 2)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_says_what_it_is(name):
    architecture = preset(name)
    assert PRESETS[name].__doc__
    assert (
        parse_record(Architecture, json.loads(json.dumps(architecture.to_dict())), added={}) == architecture
    )


@pytest.mark.parametrize("name", [*TABLE_1, "compact"])
def test_every_parameter_gets_a_gradient(name):
    torch.manual_seed(0)
    network = build(preset(name)).train()
    votes = network(torch.rand(2, 3, 96, 64))
    (votes.image_BC * torch.tensor([1.0, -0.5])[: votes.image_BC.shape[1]]).sum().backward()
    without = [key for key, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert without == []


def test_unknown_preset_and_impossible_settings_are_refused():
    with pytest.raises(SettingError, match=r"there is no preset 'compct': did you mean compact\?"):
        preset("compct")
    with pytest.raises(SettingError, match="head is classes, score or histogram, not 'stars'"):
        Architecture(head="stars")
    with pytest.raises(SettingError, match="bins are two ratings or more"):
        Architecture(head="histogram", bins=(1.0, 0.0))
    with pytest.raises(SettingError, match="a histogram head needs the bins of its data set"):
        build(Architecture(head="histogram"))


@torch.no_grad()
def test_a_photo_scores_the_same_alone_and_in_a_batch():
    network = filled(build(SMALL)).eval()
    images = torch.rand(3, 3, 96, 128)
    together = network(images).image_BC
    alone = torch.cat([network(image[None]).image_BC for image in images])
    torch.testing.assert_close(alone, together, rtol=0, atol=1e-5)


@torch.no_grad()
def test_storing_the_papers_network_leaves_its_graph_as_it_was():
    torch.manual_seed(0)
    network = filled(build(SMALL)).eval()
    network.graph.phi.mul_(1e5)  # similarities in the hundreds, as unscaled ones are after training
    image = torch.rand(1, 3, 96, 96)
    affinity, halved = (
        restored(SMALL, tensors).eval()(image, explain=True).stages.affinity_BNN
        for tensors in (
            to_stored(SMALL, network.state_dict()),
            to_stored(replace(SMALL, scaled_affinity=True), network.state_dict()),
        )
    )
    assert torch.equal(affinity, network(image, explain=True).stages.affinity_BNN)
    assert not torch.allclose(affinity, halved, rtol=1e-3, atol=1e-5)


@torch.no_grad()
def test_golden_tensors_of_every_stage():
    """Regenerate with `python tests/model/test_rgnet.py`, and only when numbers are meant to move."""
    found, expected = stages(), json.loads(GOLDEN.read_text())
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=2e-4, atol=2e-5, err_msg=name)


@torch.no_grad()
def stages() -> dict[str, list[float]]:
    """Spread-out values of each stage, of weights and an image that no torch version can change."""
    golden = {}
    for name in ("rgnet", "compact"):
        network = filled(build(preset(name))).eval()
        image = torch.from_numpy(np.random.default_rng(5).standard_normal((1, 3, 64, 80)).astype(np.float32))
        votes = network(image, explain=True)
        tensors = votes.stages._asdict() | {"vote_BNC": votes.vote_BNC, "image_BC": votes.image_BC}
        for stage, tensor in tensors.items():
            flat = tensor.flatten()
            golden[f"{name}.{stage}"] = flat[torch.linspace(0, len(flat) - 1, 25).long()].tolist()
    return golden


def filled(network):
    """Weights from NumPy's generator, whose stream is fixed for good."""
    draw = np.random.default_rng(7)
    for parameter in network.parameters():
        if parameter.ndim >= 2:
            fan_in = parameter[0].numel()
            values = draw.standard_normal(tuple(parameter.shape)).astype(np.float32) / np.sqrt(fan_in)
            parameter.data.copy_(torch.from_numpy(values))
    return network


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(stages(), indent=None) + "\n")
