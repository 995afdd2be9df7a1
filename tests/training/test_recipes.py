"""Recipes are frozen, typed and say so when asked for what they lack."""

import json

import pytest

from rgnet.errors import SettingError
from rgnet.training.losses import check_loss
from rgnet.training.recipes import RECIPES, recipe


def test_the_papers_numbers():
    paper = recipe("ava_paper")
    assert (paper.epochs, paper.batch_size, paper.learning_rate, paper.weight_decay) == (80, 32, 1e-4, 1e-5)
    assert (paper.flip, paper.zoom, paper.preprocess.size, paper.architecture.r) == (
        0.5,
        (1.05, 1.25),
        300,
        4,
    )
    assert (paper.loss, paper.optimizer, paper.schedule) == ("cross_entropy", "adam", "poly")
    assert paper.architecture.rates == (3, 6, 12, 18) and paper.architecture.graph_layers == 3


def test_the_papers_regression_differs_in_head_and_loss_only():
    paper, regression = recipe("ava_paper").to_dict(), recipe("aadb_paper").to_dict()
    assert regression.pop("loss") == "mse" and regression["architecture"].pop("head") == "score"
    paper.pop("loss"), paper["architecture"].pop("head")
    assert regression.pop("held_out") == 500 and paper.pop("held_out") == 2000
    assert regression.pop("name") == "aadb_paper" and paper.pop("name") == "ava_paper"
    assert regression == paper


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipes_loss_fits_its_head(name):
    check_loss(recipe(name))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["loss=emd"],
            "the loss emd needs a head of histogram, found score: add  --set architecture.head=histogram",
        ),
        (["loss=cross_entropy"], "needs a head of classes, found score"),
        (
            ["architecture.head=classes"],
            r"the loss mse\+plcc needs a head of score or histogram, found classes",
        ),
    ],
)
def test_a_loss_without_its_head_is_refused(settings, message):
    with pytest.raises(SettingError, match=message):
        check_loss(recipe("yours", settings))


@pytest.mark.parametrize(
    ("sizes", "epochs", "expected"),
    [
        ("1x160,4x224", 10, ((2, 160), (8, 224))),
        ("1x160,4x224", 5, ((1, 160), (4, 224))),
        ("1x160,4x224", 1, ((1, 224),)),
        ("3x96,3x160,6x224", 4, ((1, 96), (1, 160), (2, 224))),
        ("12x224", 2, ((2, 224),)),
    ],
)
def test_epochs_lengthen_or_shorten_the_schedule(sizes, epochs, expected):
    assert recipe("yours", [f"sizes={sizes}", f"epochs={epochs}"]).sizes == expected


def test_a_run_of_an_earlier_version_keeps_its_identity():
    """Settings that recipes did not have then, at the value that they had without a name, are not part of it."""
    paper = recipe("ava_paper")
    assert not {"decay", "frozen_epochs"} & paper.identity().keys()
    assert recipe("para").identity()["decay"] == "matrices"
    assert paper.to_dict().items() >= paper.identity().items()


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_is_written_beside_its_run_as_json(name):
    assert json.loads(json.dumps(recipe(name).to_dict()))["name"] == name


def test_settings_are_typed():
    changed = recipe(
        "para",
        [
            "batch_size=16",
            "zoom=1,1.2",
            "sizes=1x96,2x128",
            "clip=none",
            "architecture.rates=",
            "architecture.residual=false",
        ],
    )
    assert (changed.batch_size, changed.zoom, changed.sizes, changed.clip) == (
        16,
        (1.0, 1.2),
        ((1, 96), (2, 128)),
        None,
    )
    assert changed.architecture.rates == () and changed.architecture.residual is False
    assert [changed.size_at(epoch) for epoch in range(3)] == [96, 128, 128]


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("batchsize=16", "there is no setting 'batchsize': did you mean batch_size?"),
        ("architecture.rate=1", "there is no setting 'rate': did you mean rates?"),
        ("batch_size=many", "batch_size: expected int, found 'many'"),
        ("loss=mae", "loss: expected one of cross_entropy, mse, mse+plcc, emd, regions, found 'mae'"),
        ("architecture.residual=yes", "residual: expected true or false, found 'yes'"),
        ("epochs=0", "epochs: expected 1 or more, found 0"),
        ("epochs=two", "epochs: expected int, found 'two'"),
        ("sizes=10", "sizes: expected EPOCHSxSIDE joined by commas, as in 2x160,5x224, found '10'"),
        ("sizes=0x224", "sizes: expected EPOCHSxSIDE joined by commas, as in 2x160,5x224, found '0x224'"),
        ("sizes=", "sizes: expected EPOCHSxSIDE joined by commas, as in 2x160,5x224, found ''"),
        ("batch_size=0", "batch_size: expected 1 or more, found 0"),
        ("seed=-1", "seed: expected 0 or more, found -1"),
        ("zoom=1", "zoom: expected 2 values joined by commas, found '1'"),
        ("architecture=small", "architecture: this setting has parts: name one of them with a dot"),
        ("batch_size", "a setting reads NAME=VALUE, found 'batch_size'"),
    ],
)
def test_a_wrong_setting_is_named_with_what_was_expected(setting, message):
    with pytest.raises(SettingError) as error:
        recipe("para", [setting])
    assert str(error.value) == message


def test_unknown_recipe():
    with pytest.raises(SettingError, match="there is no recipe 'parra': did you mean para"):
        recipe("parra")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("sizes=2x300", "in blocks of 16 pixels, and 300 is no multiple: use  --set sizes=2x304"),
        ("rank_weight=0.5", "has no ranking part: leave out rank_weight"),
    ],
)
def test_lessons_for_regions_refuse_what_they_cannot_do(setting, message):
    with pytest.raises(SettingError, match=message):
        check_loss(recipe("para_regions", [setting]))
