"""A whole run, small: rated photos in, a model file out that scores."""

import csv
import json
import os
import re

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from rgnet.cli import app
from rgnet.errors import RgnetError

SETTINGS = [
    "sizes=2x64", "held_out=8", "batch_size=8", "precision=32-true", "norms=keep", "preprocess.size=64",
    "architecture.backbone=timm:test_efficientnet", "architecture.squeeze=16", "architecture.rates=1",
    "architecture.maps=8", "architecture.graph_layers=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Forty photos that people like the more, the brighter they are."""
    folder, draw = tmp_path_factory.mktemp("para"), np.random.default_rng(0)
    rows = []
    for index in range(40):
        light = index / 40
        pixels = (draw.integers(0, 60, (70, 70, 3)) + 190 * light).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
        rows.append(f"{index}.png,{index}.png,{1 + 4 * light},{'test' if index % 5 == 0 else 'train'}")
    (folder / "labels.csv").write_text("file,source_id,mean,split\n" + "\n".join(rows) + "\n")
    (folder / "exact_duplicates.txt").write_text("")
    return folder


def invoked(*words):
    """The command in this process, with what it printed and what it raised."""
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.slow
def test_a_run_ends_in_a_model_that_scores_and_is_examined(data, tmp_path, typed):
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    line = ["train", "para", data, "--weights", "none", "-o", tmp_path, "--name", "bright", *settings]
    done, model = typed(*line), tmp_path / "bright.safetensors"
    assert done.returncode == 0 and done.stdout.decode() == f"wrote {model}\n", done.errors
    said = done.errors.splitlines()
    assert re.fullmatch(
        r"epoch 2 of 2: loss .*, validation SRCC .* photos/s, loader \d+\.\d % of the time", said[-3]
    ), said
    assert re.fullmatch(r"waiting for photos took \d+\.\d % of the training time", said[-2]), said
    assert said[-1] == "writing the model file (exporting the network may take a few minutes)"

    again = typed(*line, "--resume")
    assert again.returncode == 0 and again.stdout.decode() == f"wrote {model}\n", again.errors
    assert again.errors.splitlines()[-1] == f"this run is finished, and {model} is its model"

    assert json.loads((tmp_path / "recipe.json").read_text())["batch_size"] == 8
    logs = tmp_path / "logs" / "version_0"
    with (logs / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    for column in ("loss_step", "held_out/srcc", "loader_share"):
        assert any(row[column] for row in rows)
    assert list(logs.glob("events.*"))

    exam = invoked("evaluate", model, data, "--split", "test", "-o", tmp_path / "exam", "--record")
    assert exam.exit_code == 0 and "8 photos" in exam.output, exam.exception
    found = json.loads((tmp_path / "exam" / "evaluation.json").read_text())
    assert found["photos"] == 8 and found["srcc"]["low"] <= found["srcc"]["value"] <= found["srcc"]["high"]

    from rgnet.weights.file import read_card

    card = read_card(model)
    assert card.metrics["test_srcc"] == round(found["srcc"]["value"], 4)
    assert card.training["photos"] == 24 and str(tmp_path) not in json.dumps(card.to_dict())
    assert card.scale.quantiles[0] < card.scale.quantiles[-1] <= 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--resume"], "there is nothing to resume: "),
        (["--set", "batchsize=4"], "there is no setting 'batchsize': did you mean batch_size?"),
        (["--set", "batch_size=640"], "batch_size is 640, and there are only 24 training photos"),
        (
            ["--set", "accumulate=3"],
            "batch_size=8 cannot be split into accumulate=3 micro-batches for each of 1 processes",
        ),
        (["--set", "loss=emd"], "the loss emd needs a head of histogram, found score"),
        (["--set", "held_out=99"], "one list is empty"),
        (["--weights", "nowhere.safetensors"], "there is no weights file nowhere.safetensors"),
    ],
)
def test_what_cannot_be_trained_is_said(data, tmp_path, words, message):
    settings = ["--set", "held_out=8", "--set", "preprocess.size=64", "--set", "batch_size=8"]
    done = invoked("train", "para", data, "--weights", "none", "-o", tmp_path / "run", *settings, *words)
    assert isinstance(done.exception, RgnetError) and message in str(done.exception), done.exception


def test_an_unreadable_photo_stops_the_run_by_name(data, tmp_path):
    from rgnet.datasets import para
    from rgnet.datasets.cache import cached_pixels
    from rgnet.errors import DataError
    from rgnet.imaging.preprocess import Preprocess

    broken = tmp_path / "labels"
    broken.mkdir()
    for name in ("labels.csv", "exact_duplicates.txt"):
        (broken / name).write_text((data / name).read_text())
    for path in data.glob("*.png"):
        os.link(path, broken / path.name)
    (broken / "3.png").unlink()
    (broken / "3.png").write_bytes(b"rotten")
    rated = para.load(broken, broken, held_out=2)
    photos = rated.train + rated.held_out

    def track(items, **_):
        return items

    with pytest.raises(DataError, match=r"1 of 32 photos cannot be read:\n  .*3\.png"):
        cached_pixels(photos, Preprocess(size=32), tmp_path / "cache", track=track)
    assert not list((tmp_path / "cache").iterdir())
    (broken / "3.png").unlink()
    with pytest.raises(DataError, match=r"3\.png is on the list but cannot be found"):
        cached_pixels(photos, Preprocess(size=32), tmp_path / "cache", track=track)


def test_decoded_photos_are_reused_and_follow_the_list(data, tmp_path):
    from rgnet.datasets import para
    from rgnet.datasets.cache import cached_pixels
    from rgnet.imaging.preprocess import Preprocess

    photos = para.load(data, data, held_out=2).train
    seen = []

    def track(items, *, total, **_):
        seen.append(total)
        return items

    for _ in range(2):
        pixels = cached_pixels(photos, Preprocess(size=32), tmp_path, track=track)
    assert seen == [len(photos)] and pixels.shape == (len(photos), 32, 32, 3)
    light = pixels.reshape(len(photos), -1).mean(1)
    assert np.corrcoef(light, [photo.mean for photo in photos])[0, 1] > 0.99
    cached_pixels(photos[::-1], Preprocess(size=32), tmp_path, track=track)
    assert len(seen) == 2


def test_weights_that_cannot_be_fetched_are_said(monkeypatch):
    from urllib.error import URLError

    from rgnet.errors import DataError
    from rgnet.training import start
    from rgnet.training.recipes import recipe

    def offline(*_arguments, **_options):
        raise URLError("no network")

    monkeypatch.setattr(start, "build", offline)
    with pytest.raises(
        DataError, match=r"the ImageNet weights of mobilenet_v2 cannot be downloaded .*--weights none"
    ):
        start.new_network(recipe("yours"))
