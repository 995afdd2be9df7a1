"""A run that was cut off goes on as if nothing had happened, and nothing it had saved is lost."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
import small
import torch

from rgnet.errors import DataError, OutputError, SettingError
from rgnet.training.callbacks import SaveCheckpoints
from rgnet.training.checkpoints import find_checkpoint, load_best_weights
from rgnet.training.fit import find_run
from rgnet.training.module import NonFiniteLoss
from rgnet.training.start import new_network

MIDDLE_OF_SECOND = small.PARTS_PER_EPOCH + 5


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The folder of a run nobody disturbed, and what it came to."""
    folder = tmp_path_factory.mktemp("unbroken")
    return folder, small.run(folder, say=lambda line: None)


@pytest.fixture
def first_epoch(tmp_path):
    """The folder of a run that was interrupted in its second epoch."""

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        small.run(tmp_path, seen=small.at(MIDDLE_OF_SECOND, interrupt), say=lambda line: None)
    return tmp_path


def state(folder):
    checkpoint = torch.load(folder / "last.ckpt", weights_only=True)
    parts = ("epoch", "global_step", "state_dict", "optimizer_states", "lr_schedulers")
    return {name: checkpoint[name] for name in parts}


def assert_same(one, other):
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    else:
        assert torch.equal(one, other) if isinstance(one, torch.Tensor) else one == other


def test_killed_in_the_middle_of_an_epoch_and_resumed_is_the_unbroken_run_to_the_bit(unbroken, tmp_path):
    script = [sys.executable, small.__file__, str(tmp_path), "--kill-at", str(MIDDLE_OF_SECOND)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run(script, capture_output=True, text=True, timeout=120, env=environment)
    assert killed.returncode == -9, killed.stderr
    assert state(tmp_path)["epoch"] == 0

    folder, expected = unbroken
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    found = small.run(moved, resume=True, say=lambda line: None)
    assert found.figures == expected.figures
    assert_same(state(moved), state(folder))
    assert_same(load_best_weights(moved), load_best_weights(folder))
    assert {path.name for path in (moved / "logs").iterdir()} == {"version_0", "version_1"}


def test_ctrl_c_keeps_the_last_epoch(first_epoch):
    assert state(first_epoch)["epoch"] == 0


def test_a_new_run_never_writes_over_an_old_one(first_epoch):
    with pytest.raises(
        OutputError, match=r"already holds a run: continue it with {2}--resume, or give another"
    ):
        small.run(first_epoch)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "architecture.maps=4",
            r"last.ckpt is of another run: architecture.maps is 8 there and 4 here. Give the",
        ),
        ("learning_rate=1e-2", "learning_rate is 0.0003 there and 0.01 here"),
    ],
)
def test_a_checkpoint_of_another_architecture_or_recipe_is_refused(unbroken, setting, message):
    with pytest.raises(SettingError, match=message):
        small.run(unbroken[0], setting, resume=True)


def test_a_checkpoint_that_does_not_belong_is_refused(unbroken, tmp_path):
    recipe, last = small.small(), tmp_path / "last.ckpt"
    with pytest.raises(DataError, match="there is nothing to resume"):
        find_checkpoint(tmp_path, recipe.to_dict(), "")
    with pytest.raises(DataError, match="was trained on other photos: give the data it was started with"):
        find_checkpoint(unbroken[0], recipe.to_dict(), "another list")
    last.write_bytes((unbroken[0] / "last.ckpt").read_bytes()[:5000])
    with pytest.raises(DataError, match=r"last.ckpt is damaged and cannot be read"):
        find_checkpoint(tmp_path, recipe.to_dict(), "")
    torch.save({"state_dict": {}}, last)
    with pytest.raises(DataError, match="is not a checkpoint of rgnet's"):
        find_checkpoint(tmp_path, recipe.to_dict(), "")


def test_a_full_disk_leaves_what_was_saved_before(first_epoch):
    before = {name: (first_epoch / name).read_bytes() for name in ("last.ckpt", "best.ckpt")}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before["best.ckpt"]) // 2, limits[1]))
    try:
        with pytest.raises(
            OutputError, match=r"best\.ckpt: cannot be written \(File too large\): choose a place that allows"
        ):
            small.run(first_epoch, resume=True, say=lambda line: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {name: (first_epoch / name).read_bytes() for name in before} == before
    assert not list(first_epoch.glob(".*.part"))


def test_an_output_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"file/run: cannot be written \(Not a directory\)"):
        small.run(tmp_path / "file" / "run")

    def read_only(self, *_arguments, **_options):
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.raises(
        OutputError, match=r"run: cannot be written \(Read-only file system\): choose another place"
    ):
        small.run(tmp_path / "run")


def test_a_loss_that_is_no_number_stops_the_run_before_the_update(tmp_path):
    still = ("vote_start=he", "graph_start=1")
    network = new_network(small.small(*still), start=False)
    with torch.no_grad():
        network.head.vote.bias.fill_(float("nan"))
    before = {name: value.clone() for name, value in network.named_parameters()}
    with pytest.raises(
        NonFiniteLoss,
        match=r"the loss is nan in epoch 1, step 0: start again in another folder at lower rates",
    ):
        small.run(tmp_path, *still, network=network)
    for name, value in network.named_parameters():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0, equal_nan=True)
    assert not (tmp_path / "last.ckpt").exists()


def test_memory_that_runs_out_halves_the_parts_and_goes_on_from_the_last_epoch(tmp_path, monkeypatch):
    from rgnet.training.module import AestheticsModule

    step, sizes, said = AestheticsModule.training_step, [], []

    def scarce(self, batch, index):
        sizes.append((self.current_epoch, len(batch.unit_B)))
        if self.current_epoch == 1 and len(batch.unit_B) > 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return step(self, batch, index)

    monkeypatch.setattr(AestheticsModule, "training_step", scarce)
    fitted = small.run(tmp_path, say=said.append)
    assert fitted.recipe.accumulate == 4
    assert sizes == [(0, 4)] * 8 + [(1, 4)] + [(1, 2)] * 16 + [(2, 2)] * 16
    assert any("continuing with micro-batches of 2 photos (accumulate=4)" in line for line in said)
    assert state(tmp_path)["global_step"] == 12


class Scores:
    """A trainer whose validation gives these SRCC one after the other."""

    def __init__(self, folder, scores, start=None):
        self.callback_metrics, self.current_epoch, self.saved = {}, -1, []
        save = SaveCheckpoints(folder)
        if start is not None:
            self.callback_metrics = {"held_out/srcc": torch.tensor(start)}
            save.save_if_best(self, epoch=0)
        for score in scores:
            self.current_epoch += 1
            self.callback_metrics = {"held_out/srcc": torch.tensor(score), "held_out/mse": torch.tensor(0.5)}
            save.on_train_epoch_end(self, None)
            copy = SaveCheckpoints(folder)
            copy.load_state_dict(save.state_dict())
            save = copy
        self.best = save

    def save_checkpoint(self, path, weights_only=False):
        self.saved += [self.current_epoch] if path.name == "best.ckpt" else []


@pytest.mark.parametrize(
    ("scores", "saved", "epoch"),
    [
        ((0.1, 0.3, 0.2), [0, 1], 2),
        ((float("nan"), 0.1, float("nan"), 0.3), [0, 1, 3], 4),
        ((float("nan"), float("nan"), -0.5), [0, 2], 3),
        ((float("nan"), float("nan")), [0], 1),
        ((0.2, float("nan"), 0.1), [0], 1),
    ],
)
def test_the_best_epoch_is_the_one_with_the_best_number(tmp_path, scores, saved, epoch):
    trainer = Scores(tmp_path, scores)
    assert trainer.saved == saved and trainer.best.epoch == epoch


@pytest.mark.parametrize(
    ("start", "scores", "epoch"),
    [(0.5, (0.3, 0.4), 0), (0.5, (0.3, 0.6), 2), (float("nan"), (0.1, 0.0), 1)],
)
def test_the_model_that_training_starts_from_stays_unless_an_epoch_is_better(tmp_path, start, scores, epoch):
    trainer = Scores(tmp_path, scores, start)
    assert trainer.best.epoch == epoch and trainer.saved == ([-1] if epoch == 0 else [-1, epoch - 1])


def test_training_goes_on_after_the_model_it_starts_from_was_validated(tmp_path):
    said = []
    found = small.run(tmp_path, "sizes=1x64", keep_start=True, say=said.append)
    assert said[0].startswith("before training: validation SRCC ") and said[1].startswith("epoch 1 of 1")
    assert found.epoch in (0, 1) and (tmp_path / "best.ckpt").exists()


def test_a_finished_run_is_not_trained_again(unbroken, monkeypatch):
    folder, expected = unbroken

    def never(*_arguments, **_options):
        raise AssertionError("a finished run was trained")

    monkeypatch.setattr("rgnet.training.fit.run_trainer", never)
    network = new_network(small.small(), start=False)
    found = small.run(folder, resume=True, network=network)
    assert found.figures == expected.figures and found.epoch == expected.epoch
    last = torch.load(folder / "last.ckpt", weights_only=True)["state_dict"]
    for name, value in network.state_dict().items():
        assert torch.equal(value, last[f"network.{name}"])


def test_a_checkpoint_from_before_a_setting_was_there_still_resumes(first_epoch):
    path = first_epoch / "last.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    for name in ("decay", "frozen_epochs"):
        del checkpoint["rgnet"]["recipe"][name]
    checkpoint["rgnet"]["recipe"]["architecture"].pop("pooled")
    torch.save(checkpoint, path)
    find_run(first_epoch, small.small("decay=all"), checkpoint["rgnet"]["list"])
    with pytest.raises(SettingError, match="decay is all there and matrices here"):
        find_run(first_epoch, small.small(), checkpoint["rgnet"]["list"])


def test_a_run_without_progress_stops_early_and_stays_stopped(tmp_path):
    settings = ("patience=1", "sizes=9x64", "learning_rate=1e-30", "head_rate=1e-30", "norm_photos=0")
    small.run(tmp_path, *settings, say=lambda line: None)
    epoch = state(tmp_path)["epoch"]
    assert epoch < 8
    small.run(tmp_path, *settings, resume=True, say=lambda line: None)
    assert state(tmp_path)["epoch"] == epoch
