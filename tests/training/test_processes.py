"""Two processes see each photo once, and come to the exam that one process comes to."""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest
import small
import torch
from scipy.stats import spearmanr

from rgnet.model import build
from rgnet.training.checkpoints import load_best_weights
from rgnet.training.data import load_training, load_validation
from rgnet.training.losses import score_of


@pytest.mark.slow
def test_two_processes_cover_each_photo_once_and_give_the_exam_of_one(tmp_path):
    script = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", small.__file__]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *script, str(tmp_path), "--record"],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    one, other = (json.loads((tmp_path / f"rank-{rank}.json").read_text()) for rank in (0, 1))

    # Two epochs: each photo once in each
    for side, count in (("learn", 32), ("choose", 9)):
        assert one[side] and other[side]
        assert Counter(one[side] + other[side]) == dict.fromkeys(range(count), 2)

    # The figures of one process over all held-out photos
    assert one["figures"] == other["figures"]
    recipe, choose = small.small(), small.Photos(9, 1)
    network = build(recipe.architecture).eval()
    network.load_state_dict(load_best_weights(tmp_path))
    mean, std = (
        torch.tensor(values).view(1, 3, 1, 1) for values in (recipe.preprocess.mean, recipe.preprocess.std)
    )
    with torch.no_grad():
        batch = choose.__getitems__(list(range(9)))
        score_B = score_of(network((batch.pixels_B3HW / 255 - mean) / std).image_BC)
    assert one["figures"]["srcc"] == pytest.approx(spearmanr(score_B, batch.unit_B).statistic, abs=1e-5)
    assert one["figures"]["mse"] == pytest.approx(float((score_B - batch.unit_B).square().mean()), abs=1e-6)


@pytest.mark.parametrize("world", [1, 2, 4])
def test_a_step_has_the_same_photos_however_many_processes_share_it(world):
    photos = small.Photos(32, 0)
    steps = []
    for rank in range(world):
        loader = load_training(photos, 8 // world, rank=rank, world=world, seed=5)
        loader.sampler.set_epoch(3)
        steps.append([set(batch.unit_B.tolist()) for batch in loader])
    alone = load_training(photos, 8, rank=0, world=1, seed=5)
    alone.sampler.set_epoch(3)
    assert [set().union(*parts) for parts in zip(*steps, strict=True)] == [
        set(batch.unit_B.tolist()) for batch in alone
    ]


@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_an_exam_counts_no_photo_twice(world):
    photos = small.Photos(9, 1)
    shares = [load_validation(photos, 2, rank=rank, world=world) for rank in range(world)]
    found = sorted(value for share in shares for batch in share for value in batch.unit_B.tolist())
    assert found == sorted(photos.unit_N.tolist())
