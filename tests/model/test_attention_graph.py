"""The attention graph against a plain loop; its controls; any grid; and its way into OpenVINO."""

import io
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from rgnet.architecture import Architecture
from rgnet.errors import SettingError
from rgnet.model import build, preset
from rgnet.model.region_graph import KNOTS, SHARPNESS, AttentionGraph, distance_basis

SMALL = replace(preset("attention"), squeeze=16, graph_layers=2)
SHAPES = [(96, 64), (64, 160)]


def filled(graph: AttentionGraph) -> AttentionGraph:
    """Gates away from 0, so that content counts."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in graph.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return graph


def norm(region_ND: np.ndarray, layer: torch.nn.LayerNorm) -> np.ndarray:
    centred = region_ND - region_ND.mean(axis=1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + layer.eps)
    return scaled * layer.weight.detach().numpy() + layer.bias.detach().numpy()


def softmax(logit_N: np.ndarray) -> np.ndarray:
    power = np.exp(logit_N - logit_N.max())
    return power / power.sum()


def hats(distance: float) -> np.ndarray:
    place = min(math.log2(1 + distance), KNOTS - 1)
    return np.array([max(0, 1 - abs(place - knot)) for knot in range(KNOTS)])


def by_loops(
    graph: AttentionGraph, region_ND: np.ndarray, grid: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The docstring of AttentionGraph, region by region."""
    values = {name: value.detach().numpy() for name, value in graph.named_parameters()}
    count, heads = len(region_ND), graph.heads
    place = [divmod(index, grid[1]) for index in range(count)]
    first = norm(region_ND, graph.norm)
    affinity = np.zeros((heads, count, count))
    for head in range(heads):
        width = values["phi"].shape[1] // heads
        part = slice(head * width, (head + 1) * width)
        query, key = first @ values["phi"][:, part], first @ values["theta"][:, part]
        for i in range(count):
            cosine = key @ query[i] / np.linalg.norm(key, axis=1) / np.linalg.norm(query[i])
            prior = [values["prior"][head] @ hats(math.dist(place[i], place[j])) for j in range(count)]
            gate = SHARPNESS * np.tanh(values["gate"][head])
            affinity[head, i] = softmax(gate * cosine + np.array(prior))
    for index, layer in enumerate(graph.layers):
        normed = norm(region_ND, layer.norm)
        update = normed @ values[f"layers.{index}.own.weight"].T + values[f"layers.{index}.own.bias"]
        value = normed @ values[f"layers.{index}.others"]
        width = value.shape[1] // heads
        for head in range(heads):
            part = slice(head * width, (head + 1) * width)
            update[:, part] += affinity[head] @ value[:, part]
        region_ND = region_ND + np.maximum(update, 0)
    return region_ND, affinity.mean(axis=0)


@pytest.mark.parametrize("grid", [(3, 4), (1, 5), (6, 2)])
@torch.no_grad()
def test_the_graph_is_its_closed_form(grid):
    graph = filled(AttentionGraph(8, layers=2, heads=2, compared=3)).double()
    region_1ND = torch.randn(1, math.prod(grid), 8, dtype=torch.float64)
    found, affinity = graph(region_1ND, grid)
    expected, expected_affinity = by_loops(graph, region_1ND[0].numpy(), grid)
    np.testing.assert_allclose(affinity[0], expected_affinity, atol=1e-5)
    np.testing.assert_allclose(found[0], expected, atol=1e-4)


@torch.no_grad()
def test_distances_are_divided_among_the_nearest_knots():
    basis_KNN = distance_basis((9, 20))
    torch.testing.assert_close(basis_KNN.sum(dim=0), torch.ones(180, 180))
    np.testing.assert_allclose(
        basis_KNN[:, 0, [0, 1, 3, 7, 15, 19]].T, np.eye(KNOTS)[[0, 1, 2, 3, 4, 4]], atol=1e-6
    )


@torch.no_grad()
def test_edges_of_the_controls():
    region_BND = torch.randn(2, 12, 8)
    alone, identity = AttentionGraph(8, heads=2, edges="none")(region_BND, (3, 4))
    torch.testing.assert_close(identity, torch.eye(12).expand(2, 12, 12))
    _, uniform = AttentionGraph(8, heads=2, edges="uniform")(region_BND, (3, 4))
    torch.testing.assert_close(uniform, torch.full((2, 12, 12), 1 / 12))
    assert alone.shape == region_BND.shape


@torch.no_grad()
def test_without_edges_no_region_sees_another():
    torch.manual_seed(0)
    graph = AttentionGraph(8, heads=2, edges="none")
    region_BND = torch.randn(1, 12, 8)
    changed = region_BND.clone()
    changed[:, 5] += 1
    moved = (graph(changed, (3, 4))[0] - graph(region_BND, (3, 4))[0]).abs().sum(dim=2)[0]
    assert moved[5] > 0 and not moved[torch.arange(12) != 5].any()


@torch.no_grad()
def test_rows_sum_to_one_and_logits_stay_bounded_whatever_the_features():
    graph = filled(AttentionGraph(8, heads=2))
    for scale in (1e-4, 1, 1e4):
        affinity_BMNN = graph.affinity(scale * torch.randn(2, 12, 8), (3, 4))
        torch.testing.assert_close(affinity_BMNN.sum(dim=3), torch.ones(2, 2, 12))
        spread = (affinity_BMNN.amax(dim=3) / affinity_BMNN.amin(dim=3)).log().max()
        assert spread <= 2 * SHARPNESS + graph.prior.abs().max() * 2


@pytest.mark.parametrize("edges", ["learned", "uniform", "none"])
def test_every_parameter_gets_a_gradient(edges):
    torch.manual_seed(0)
    network = build(replace(SMALL, edges=edges)).train()
    filled(network.graph)
    votes = network(torch.rand(2, 3, 96, 64))
    votes.image_BC.sum().backward()
    without = [key for key, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert without == []


@torch.no_grad()
def test_the_grid_may_have_any_shape():
    network = build(SMALL).eval()
    for height, width in [*SHAPES, (224, 224)]:
        votes = network(torch.rand(1, 3, height, width), explain=True)
        assert votes.grid == (height // 16, width // 16)
        assert votes.stages.affinity_BNN.shape == (1, votes.vote_BNC.shape[1], votes.vote_BNC.shape[1])


def test_impossible_architectures_are_refused():
    with pytest.raises(SettingError, match="10 features of a region are not divisible by 4 heads"):
        AttentionGraph(10)
    with pytest.raises(SettingError, match="graph is paper or attention, not 'rings'"):
        Architecture(graph="rings")
    with pytest.raises(SettingError, match="edges is learned, uniform or none, not 'some'"):
        Architecture(edges="some")
    with pytest.raises(SettingError, match=r"there is no trunk 'mobilenet_v9': did you mean mobilenet_v"):
        build(replace(SMALL, backbone="mobilenet_v1+mobilenet_v9"))


@torch.no_grad()
def test_openvino_and_torch_agree_on_two_shapes():
    import openvino as ov

    from rgnet.engines.openvino_graph import find_stages
    from rgnet.export import graph_of

    torch.manual_seed(0)
    # Two trunks side by side take a minute to export: the shipped model's are compared in tests/engines
    network = build(replace(SMALL, backbone="resnet18", joined=False)).eval()
    filled(network.graph)
    model = ov.Core().read_model(io.BytesIO(graph_of(network)))
    stages = find_stages(model)
    for name, output in stages.items():
        output.get_tensor().set_names({name})
    model.add_outputs(list(stages.values()))
    weights = {name: value.numpy() for name, value in network.state_dict().items()}
    for parameter in model.get_parameters():
        if (name := parameter.get_friendly_name()) != "image":
            constant = ov.opset13.constant(weights[name])
            for reader in parameter.output(0).get_target_inputs():
                reader.replace_source_output(constant.output(0))
            model.remove_parameter(parameter)
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for height, width in SHAPES:
        image = torch.rand(2, 3, height, width)
        found = compiled({"image": image.numpy()})
        votes = network(image, explain=True)
        for name in ("fcn_BDHW", "graph_BND", "affinity_BNN"):
            np.testing.assert_allclose(found[name], getattr(votes.stages, name), atol=1e-4, err_msg=name)
        np.testing.assert_allclose(found["image_BC"], votes.image_BC, atol=1e-5)
        np.testing.assert_allclose(found["vote_BHWC"], votes.vote_BNC.unflatten(1, votes.grid), atol=1e-4)
