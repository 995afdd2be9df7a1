"""Closed forms of equations 1 to 5."""

import pytest
import torch

from rgnet.model.dense_aspp import DenseASPP
from rgnet.model.head import RegionHead, log_sum_exp, region_weights
from rgnet.model.region_graph import RegionGraph, affinity, propagate


@pytest.fixture
def votes():
    return torch.rand(2, 50, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def test_log_sum_exp_tends_to_the_mean_and_to_the_maximum(votes):
    torch.testing.assert_close(log_sum_exp(votes, r=1e-6), votes.mean(1), atol=1e-6, rtol=0)
    torch.testing.assert_close(log_sum_exp(votes, r=0), votes.mean(1))
    torch.testing.assert_close(log_sum_exp(votes, r=1e5), votes.amax(1), atol=1e-4, rtol=0)


def test_log_sum_exp_of_a_constant_is_the_constant():
    constant = torch.full((1, 1369, 2), 0.37)
    torch.testing.assert_close(log_sum_exp(constant, r=4), torch.full((1, 2), 0.37))


def test_log_sum_exp_is_equation_4(votes):
    r, count = 4, votes.shape[1]
    expected = ((votes * r).exp().sum(1) / count).log() / r
    torch.testing.assert_close(log_sum_exp(votes, r=r), expected)


def test_region_weights_are_the_gradient_of_log_sum_exp_and_sum_to_one(votes):
    votes.requires_grad_()
    log_sum_exp(votes, r=4).sum().backward()
    torch.testing.assert_close(region_weights(votes.detach(), r=4), votes.grad)
    torch.testing.assert_close(votes.grad.sum(1), torch.ones(2, 2, dtype=torch.float64))


def test_affinity_is_equations_1_and_2():
    torch.manual_seed(0)
    region, phi, theta = torch.randn(1, 5, 3), torch.randn(3, 3), torch.randn(3, 3)
    found = affinity(region, phi, theta)[0]
    for i in range(5):
        similar = torch.stack([(phi @ region[0, i]) @ (theta @ region[0, j]) for j in range(5)])
        torch.testing.assert_close(found[i], similar.exp() / similar.exp().sum())


def test_every_row_of_the_affinity_sums_to_one_even_where_exp_would_overflow():
    region = torch.randn(2, 40, 16) * 100
    rows = affinity(region, torch.randn(16, 16), torch.randn(16, 16)).sum(2)
    torch.testing.assert_close(rows, torch.ones(2, 40))


def test_graph_is_equivariant_to_the_order_of_regions():
    torch.manual_seed(0)
    graph = filled(RegionGraph(8))
    region, order = torch.randn(2, 30, 8), torch.randperm(30)
    there, edges = graph(region)
    here, permuted = graph(region[:, order])
    torch.testing.assert_close(here, there[:, order])
    torch.testing.assert_close(permuted, edges[:, order][:, :, order])


def test_propagate_is_equation_3_with_the_features_in():
    torch.manual_seed(0)
    edges, region, weight = torch.rand(1, 4, 4), torch.randn(1, 4, 3), torch.randn(3, 3)
    expected = torch.clamp(edges[0] @ region[0] @ weight, min=0)
    torch.testing.assert_close(propagate(edges, region, weight)[0], expected)


def test_one_graph_serves_all_layers_unless_rebuilt():
    torch.manual_seed(0)
    graph, region = filled(RegionGraph(6, layers=2)), torch.randn(1, 9, 6)
    edges = affinity(region, graph.phi, graph.theta)
    once = propagate(edges, region, graph.weights[0])
    torch.testing.assert_close(graph(region)[0], propagate(edges, once, graph.weights[1]))

    graph.rebuild = True
    anew = affinity(once, graph.phi, graph.theta)
    torch.testing.assert_close(graph(region)[0], propagate(anew, once, graph.weights[1]))


def test_residual_graph_without_messages_is_the_identity():
    graph = filled(RegionGraph(6, residual=True))
    for weight in graph.weights:
        torch.nn.init.zeros_(weight)
    region = torch.randn(1, 9, 6)
    torch.testing.assert_close(graph(region)[0], region)


def test_scaled_affinity_divides_by_the_root_of_the_width():
    graph = filled(RegionGraph(16, scaled=True))
    region = torch.randn(1, 9, 16)
    torch.testing.assert_close(graph(region)[1], affinity(region, graph.phi / 4, graph.theta))


def test_a_normed_graph_sees_regions_of_any_offset_and_scale_alike():
    graph, region = filled(RegionGraph(6, normed=True)).train(), torch.randn(3, 9, 6)
    once, edges = graph(region)
    again, same_edges = graph(region * 50 + 300)
    torch.testing.assert_close(same_edges, edges, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(again, once, atol=1e-4, rtol=1e-3)
    assert not torch.allclose(filled(RegionGraph(6))(region * 50 + 300)[1], edges, atol=0.1)


def filled(graph: RegionGraph) -> RegionGraph:
    for parameter in graph.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return graph


@torch.no_grad()
def test_dense_aspp_keeps_its_input_and_adds_64_maps_a_rate():
    aspp = DenseASPP(10, rates=(3, 6, 12, 18)).eval()
    feature = torch.randn(1, 10, 20, 21)
    out = aspp(feature)
    assert out.shape == (1, 10 + 4 * 64, 20, 21) and aspp.channels == 266
    torch.testing.assert_close(out[:, :10], feature)
    torch.testing.assert_close(out[:, 10:74], aspp.layers[0](feature))
    torch.testing.assert_close(out[:, 74:138], aspp.layers[1](out[:, :74]))


def test_head_votes_are_probabilities_or_one_sigmoid():
    region = torch.randn(2, 7, 12)
    two, one = RegionHead(12, 2)(region), RegionHead(12, 1)(region)
    torch.testing.assert_close(two.sum(2), torch.ones(2, 7))
    assert one.shape == (2, 7, 1) and (one >= 0).all() and (one <= 1).all()
