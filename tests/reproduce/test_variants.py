"""Every network of an experiment differs from the recipe only in what the experiment is about."""

from dataclasses import replace

import pytest

from rgnet.errors import SettingError
from rgnet.model import preset
from rgnet.reproduce.experiments import EXPERIMENTS, change_backbone
from rgnet.training.recipes import recipe


def variants(name, base, *backbones):
    return {variant.name: variant for variant in EXPERIMENTS[name].variants(base, backbones)}


def test_table_1_of_the_papers_recipe_is_its_presets():
    made = variants("table1", recipe("ava_paper"))
    presets = {"FC-CNN": "fc-cnn", "FCN-A-G": "rgnet"}
    ours = [made.pop("FCN-G, attention"), made.pop("FCN-A-G, attention")]
    assert [variant.recipe.architecture.rates for variant in ours] == [(), (3, 6, 12, 18)]
    assert all(variant.recipe.architecture.graph == "attention" and not variant.paper for variant in ours)
    for name, variant in made.items():
        assert variant.recipe.architecture == preset(presets.get(name, name.lower())), name
    assert {name: variant.paper["accuracy"] for name, variant in made.items()} == {
        "FC-CNN": 0.8045, "FCN": 0.8143, "FCN-A": 0.8211, "FCN-G": 0.8233, "FCN-C-C": 0.8052, "FCN-A-G": 0.8359,
    }  # fmt: skip
    assert made["FC-CNN"].recipe.preprocess.size == 224 and made["FC-CNN"].recipe.sizes == ((80, 224),)
    assert all(made[name].recipe.preprocess.size == 300 for name in made if name != "FC-CNN")


def test_table_1_keeps_what_is_not_asked_about():
    base = recipe("para")
    for variant in variants("table1", base).values():
        parts = {"rates", "graph", "graph_layers", "plain_convs", "pooled", "output_stride"}
        same = {
            name: value for name, value in variant.recipe.architecture.to_dict().items() if name not in parts
        }
        assert same == {name: base.architecture.to_dict()[name] for name in same}
        assert replace(variant.recipe, architecture=base.architecture) == base


def test_table_1_needs_something_to_take_apart():
    with pytest.raises(SettingError, match="needs DenseASPP rates and graph layers"):
        variants("table1", recipe("para", ["architecture.graph_layers=0"]))


def test_table_2_is_the_papers_backbones_unless_others_are_named():
    made = variants("table2", recipe("ava_paper"))
    assert made["RGNet (vgg16)"].recipe.architecture == preset("rgnet-vgg16")
    assert made["resnet101 FCN"].recipe.architecture == preset("fcn-resnet101")
    assert made["RGNet (densenet121)"].paper == {"accuracy": 0.8359, "average_precision": 0.9462}
    others = variants("table2", recipe("para"), "resnet18")
    assert list(others) == ["resnet18 FCN", "RGNet (resnet18)"] and not others["resnet18 FCN"].paper


def test_another_backbone_gets_the_pixels_its_weights_expect():
    ours, theirs = recipe("para"), change_backbone(recipe("para"), "resnet50")
    assert change_backbone(ours, "mobilenet_v1") is ours
    assert theirs.preprocess.mean == (0.485, 0.456, 0.406) and theirs.norms == "keep"
    assert change_backbone(recipe("ava_paper"), "mobilenet_v1").preprocess.mean == (0.5, 0.5, 0.5)


def test_table_3_figure_5_and_the_graphs_switches():
    base = recipe("ava_paper")
    rates = variants("table3", base)
    assert rates["rates 3, 6, 12, 18"].recipe == base and rates["rates 3, 6"].paper["accuracy"] == 0.8272
    points = variants("figure5", base)
    assert points["r = 4"].recipe == points["3 blocks"].recipe == base
    assert (
        points["average"].recipe.architecture.r == 0
        and points["no block"].recipe.architecture.graph_layers == 0
    )
    switches = variants("graph", base)
    assert len({variant.recipe for variant in switches.values()}) == len(switches) == 15
    assert switches["residual + scaled, W x 0.1"].recipe == replace(
        switches["residual + scaled"].recipe, graph_start=0.1
    )
    normed = switches["the paper's, normed"].recipe
    assert normed == replace(base, architecture=replace(base.architecture, batch_norms="all"))
    assert switches["attention, no edges"].recipe.architecture.edges == "none"
    assert points["attention, 5 blocks"].recipe.architecture == replace(
        base.architecture, graph="attention", graph_layers=5
    )
    assert (
        switches["the paper's"].recipe == base and switches["residual + scaled"].recipe.architecture.residual
    )


def test_table_2_asks_whether_a_densenet_is_better_than_what_is_none():
    made = variants("table2", recipe("para"), "resnet50", "densenet121", "densenet169")
    claims = EXPERIMENTS["table2"].claims(list(made))
    assert [claim.better for claim in claims[:3]] == [
        "RGNet (resnet50)", "RGNet (densenet121)", "RGNet (densenet169)"
    ]  # fmt: skip
    assert [(claim.better, claim.worse) for claim in claims[3:]] == [
        ("RGNet (densenet121)", "RGNet (resnet50)")
    ]


@pytest.mark.parametrize("name", sorted(EXPERIMENTS))
def test_the_reference_and_the_claims_are_about_its_networks(name):
    experiment = EXPERIMENTS[name]
    names = list(variants(name, recipe("para")))
    claims = experiment.claims(names)
    assert claims and {name for claim in claims for name in (claim.better, claim.worse)} <= set(names)
    assert not experiment.reference or experiment.reference in variants(name, recipe("para"))
