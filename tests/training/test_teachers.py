"""Training that follows other models' scores, and averages its weights."""

import numpy as np
import pytest
import torch
from small import Photos, run

from rgnet.datasets.readers import without_progress
from rgnet.errors import SettingError
from rgnet.training.checkpoints import BEST, load_checkpoint
from rgnet.training.recipes import recipe
from rgnet.training.teachers import adopt_teachers, follow_teachers
from rgnet.weights.file import read_model
from rgnet.weights.registry import find_model


@pytest.fixture(scope="module")
def shipped():
    return read_model(find_model(None))


def test_the_target_lies_between_people_and_teachers(shipped, tmp_path):
    photos, said = Photos(4, 0), []
    people_N = photos.unit_N.clone()
    follow_teachers(photos, [shipped], 0.25, tmp_path, track=without_progress, say=said.append)
    (kept,) = tmp_path.glob("teacher-*.npy")
    expected_N = 0.75 * people_N.numpy() + 0.25 * np.load(kept)
    np.testing.assert_allclose(photos.__getitems__([0, 1, 2, 3]).unit_B, expected_N, rtol=1e-6)
    assert photos.fingerprint == Photos(4, 0).fingerprint and len(said) == 1
    # A resumed run reads what the first one computed
    follow_teachers(photos, [shipped], 0.25, tmp_path, track=without_progress, say=said.append)
    assert len(said) == 1


def test_a_loss_of_classes_refuses_teachers(shipped):
    assert adopt_teachers(recipe("yours"), [shipped]).teachers == (shipped.card.short_hash,)
    with pytest.raises(SettingError, match="learns from classes or histograms: drop --teacher"):
        adopt_teachers(recipe("ava_paper"), [shipped])


def test_a_classifier_teaches_no_ratings(tiny_classifier):
    with pytest.raises(SettingError, match="tells high from low, and its scores are no ratings"):
        adopt_teachers(recipe("yours"), [read_model(tiny_classifier)])


def test_the_averaged_weights_are_validated_and_kept(tmp_path):
    settings = ("sizes=2x64", "average=0.5", "norm_photos=0")
    run(tmp_path, *settings)
    best = load_checkpoint(tmp_path / BEST)
    assert best["current_model_state"].keys() == best["state_dict"].keys()
    moved = [
        name
        for name, value in best["state_dict"].items()
        if name.startswith("network.head") and not torch.equal(value, best["current_model_state"][name])
    ]
    assert moved, "the weights of the last step were kept, not their average"


def test_an_averaged_run_is_resumed_as_if_nothing_had_happened(tmp_path):
    settings = ("sizes=3x64", "average=0.5")
    run(tmp_path / "whole", *settings)
    parts = iter(range(10**6))

    def stop(indices):
        if len(indices) == 4 and next(parts) == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", *settings, seen=stop)
    run(tmp_path / "cut", *settings, resume=True)
    whole, cut = (load_checkpoint(tmp_path / name / "last.ckpt") for name in ("whole", "cut"))
    for state in ("state_dict", "current_model_state"):
        for name, value in whole[state].items():
            assert torch.equal(value, cut[state][name]), (state, name)
