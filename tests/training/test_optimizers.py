"""What weight decay acts on, and which rates a frozen backbone and a fine-tuned model get."""

import pytest
import small

from rgnet.training.optimizers import make_optimizer, make_scheduler
from rgnet.training.recipes import recipe
from rgnet.training.start import new_network


@pytest.fixture(scope="module")
def network():
    return new_network(small.small(), start=False)


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_weight_decay_spares_norms_and_biases(network, optimizer):
    chosen = small.small(f"optimizer={optimizer}", "decay=matrices", "weight_decay=0.1")
    groups = make_optimizer(network, chosen).param_groups
    names = {id(value): name for name, value in network.named_parameters()}
    seen = {}
    for group in groups:
        for value in group["params"]:
            assert group["weight_decay"] == (0.1 if value.ndim >= 2 else 0)
            rate = chosen.learning_rate if names[id(value)].startswith("backbone.") else chosen.head_rate
            assert group["initial_lr" if "initial_lr" in group else "lr"] == rate
            seen[id(value)] = seen.get(id(value), 0) + 1
    assert seen == dict.fromkeys(names, 1)
    assert {group["weight_decay"] for group in groups} == {0, 0.1}


def test_the_papers_decay_acts_on_every_weight(network):
    chosen = recipe("ava_paper")
    groups = make_optimizer(network, chosen).param_groups
    assert chosen.decay == "all" and {group["weight_decay"] for group in groups} == {1e-5}


def test_a_frozen_backbone_has_no_rate_while_the_new_layers_learn(network):
    chosen = small.small("frozen_epochs=1", "sizes=4x64", "warmup=0")
    optimizer = make_optimizer(network, chosen)
    scheduler = make_scheduler(optimizer, chosen, steps=40)
    rates = []
    for _ in range(40):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    backbone, added = ([row[index] for row in rates] for index in (0, 1))
    assert not any(backbone[:10]) and all(backbone[10:]) and all(added)
    assert [row[2] for row in rates] == backbone and [row[3] for row in rates] == added


def test_a_trained_model_is_fine_tuned_gently_and_settings_still_count(tiny_file):
    card = tiny_file.card
    plain, gentle = recipe("yours"), recipe("yours", start=card)
    assert gentle.learning_rate == plain.learning_rate / 10 and gentle.head_rate == plain.head_rate / 10
    assert plain.frozen_epochs == 0 and 0 < gentle.frozen_epochs < gentle.epochs
    assert recipe("yours", ["learning_rate=1"], start=card).learning_rate == 1
    # However short the run, its backbone learns, unless that is asked for
    for overrides, frozen in (
        ([], 3),
        (["epochs=3"], 2),
        (["sizes=1x64"], 0),
        (["epochs=3", "frozen_epochs=3"], 3),
    ):
        assert recipe("yours", overrides, start=card).frozen_epochs == frozen
