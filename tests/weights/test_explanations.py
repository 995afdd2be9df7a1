"""Maps and graph are drawn only where the figures in a model's card say that they mean something."""

from dataclasses import replace

import numpy as np
import pytest

from rgnet.weights.explanations import CAUTION, judge_explanations, usual_map

SOUND = {
    "votes_srcc": 0.84,
    "saturated_votes": 0.01,
    "map_correlation": 0.4,
    "graph_swaps": [{"edges": "uniform", "srcc_lost": 0.004, "mean_change": 0.1}],
    "mean_map": [[3.0, 2.5], [3.5, 3.0]],
}


def judge(file, **figures):
    return judge_explanations(replace(file.card, metrics={"test_inside": SOUND | figures}))


def test_a_card_without_figures_brings_a_caution(tiny_file):
    worth = judge_explanations(tiny_file.card)
    assert (worth.no_maps, worth.no_graph, worth.caution) == (None, None, CAUTION)
    assert usual_map(tiny_file.card) is None


def test_sound_figures_show_both_and_the_mean_map(tiny_file):
    worth = judge(tiny_file)
    assert (worth.no_maps, worth.no_graph, worth.caution) == (None, None, None)
    card = replace(tiny_file.card, metrics={"held_out_inside": SOUND})
    assert np.array_equal(usual_map(card), [[3, 2.5], [3.5, 3]])


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"map_correlation": 0.92}, "look alike for all photos (correlation with the mean map 0.92)"),
        ({"saturated_votes": 0.25}, "25 % of this model's votes stick"),
        ({"votes_srcc": 0.28}, "do not follow people's ratings (rank correlation 0.28)"),
    ],
)
def test_maps_that_mean_nothing_are_not_drawn(tiny_file, figures, reason):
    assert reason in judge(tiny_file, **figures).no_maps


def test_a_graph_that_is_not_used_or_not_measured_is_not_drawn(tiny_file):
    unused = [{"edges": "uniform", "srcc_lost": 0.0, "mean_change": 0.0}]
    assert "hardly uses its graph" in judge(tiny_file, graph_swaps=unused).no_graph
    assert "Nobody measured" in judge(tiny_file, graph_swaps=[]).no_graph
    without = replace(tiny_file.card.architecture, graph_layers=0)
    card = replace(tiny_file.card, architecture=without, metrics={"test_inside": SOUND})
    assert judge_explanations(card).no_graph == "This model has no region graph."
