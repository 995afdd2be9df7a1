"""A run that begins with a trained model begins with all of it, and says so."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file

from rgnet.datasets import load
from rgnet.errors import ModelDamaged, SettingError
from rgnet.imaging.preprocess import Preprocess
from rgnet.model import restored
from rgnet.training.card import Provenance
from rgnet.training.recipes import recipe
from rgnet.training.start import new_network, prepare_network
from rgnet.training.train import train
from rgnet.weights.file import read_card


@pytest.fixture
def model(tiny_file):
    """The tiny model, fed with squares, as training wants it."""
    return replace(tiny_file, card=replace(tiny_file.card, preprocess=Preprocess(size=64)))


@pytest.fixture
def rated(tmp_path):
    """A table of its owner's own twelve photos."""
    draw = np.random.default_rng(0)
    with (tmp_path / "mine.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "score", "split"])
        for index in range(12):
            Image.fromarray(draw.integers(0, 256, (70, 70, 3), dtype=np.uint8)).save(
                tmp_path / f"{index}.png"
            )
            rows.writerow(
                [f"{index}.png", 1 + index % 5, "test" if index < 2 else "held_out" if index < 5 else "train"]
            )
    return load(tmp_path / "mine.csv", tmp_path)


def test_training_goes_on_from_the_models_own_weights_and_its_licence_stays(rated, model, tmp_path):
    chosen = recipe(
        "yours",
        ["sizes=1x64", "batch_size=4", "learning_rate=0", "head_rate=0", "norm_photos=0"],
        start=model.card,
    )
    said = []
    made = train(
        chosen,
        rated,
        tmp_path / "run",
        provenance=Provenance(name="mine", command="test", start=model.card),
        start=model,
        track=lambda items, **_: items,
        say=said.append,
    )
    card, before = read_card(made), model.card
    assert card.architecture == before.architecture and card.preprocess.size == before.preprocess.size
    assert card.training["start"]["model"] == before.short_hash
    assert card.licence.startswith(before.licence) and rated.licence in card.licence
    assert said[0].startswith("before training: validation SRCC ")
    kept = load_file(made)
    vote = "head.vote.weight"
    np.testing.assert_array_equal(kept[vote], model.tensors[vote])


def test_a_started_network_answers_as_the_model_does(tiny_file):
    chosen = recipe("para", start=tiny_file.card)
    assert (chosen.norms, chosen.vote_start, chosen.architecture) == (
        "keep",
        "he",
        tiny_file.card.architecture,
    )
    image_B3HW = torch.rand(1, 3, 96, 96)
    one, other = (
        network.eval()(image_B3HW).image_BC
        for network in (
            new_network(chosen, tiny_file),
            restored(tiny_file.card.architecture, tiny_file.tensors),
        )
    )
    assert torch.equal(one, other)


def test_a_start_may_lose_its_graph_and_keeps_what_fits(tiny_file):
    card, said = tiny_file.card, []
    assert card.architecture.graph_layers
    chosen = recipe("para", ["architecture.graph_layers=0", "architecture.r=2"], start=card)
    assert chosen.architecture == replace(card.architecture, graph_layers=0, r=2.0)
    network = new_network(chosen, tiny_file, say=said.append)
    assert network.graph is None and network.pooling.r == 2
    for name, tensor in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(tensor, tiny_file.tensors[name].astype(np.float32))
    assert len(said) == 1 and "are taken over, 0 are new" in said[0]

    # Another width is new, another backbone is refused
    wider = recipe("para", [f"architecture.squeeze={card.architecture.squeeze + 8}"], start=card)
    assert "0 are new" not in (new_network(wider, tiny_file, say=said.append), said[-1])[1]
    other = "resnet18" if card.architecture.backbone != "resnet18" else "mobilenet_v2"
    with pytest.raises(
        SettingError, match=f"has the backbone {card.architecture.backbone}, the recipe {other}"
    ):
        new_network(recipe("para", [f"architecture.backbone={other}"], start=card), tiny_file)


def test_a_model_without_some_weights_is_damaged(tiny_file):
    with pytest.raises(ModelDamaged, match=r"lacks 1 weights of its network, 'head\.vote\.bias'"):
        tensors = {name: array for name, array in tiny_file.tensors.items() if name != "head.vote.bias"}
        restored(tiny_file.card.architecture, tensors)


def test_a_recipe_may_start_its_graph_and_its_votes_gently():
    gentle = recipe("para", ["graph_start=0.1", "norms=keep"])
    network, as_drawn = (new_network(gentle, start=False) for _ in range(2))
    prepare_network(network, gentle, None)
    for weight_DD, drawn_DD in zip(network.graph.weights, as_drawn.graph.weights, strict=True):
        torch.testing.assert_close(weight_DD, drawn_DD * 0.1)
    assert not network.head.vote.weight.any()
