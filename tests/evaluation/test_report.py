"""The report on disk and the commands that write it."""

import csv
import json
import os
import sys
from dataclasses import replace

import pytest
from PIL import Image
from typer.testing import CliRunner

from rgnet.cli import app
from rgnet.errors import MissingExtra, OutputError, SettingError
from rgnet.evaluation import report
from rgnet.evaluation.evaluate import evaluate_predictions
from rgnet.evaluation.predictions import predict
from rgnet.evaluation.report import check_report, write_report
from rgnet.evaluation.stability import measure_stability

pytestmark = pytest.mark.usefixtures("few_draws")


@pytest.fixture
def data(rated, tmp_path):
    """The photos as a PARA folder, a rotten test photo among them."""
    folder = tmp_path / "labels"
    folder.mkdir()
    rows = ["file,source_id,mean,split"]
    for side, photos in (("train", rated.train + rated.held_out), ("test", rated.test)):
        for photo in photos:
            os.link(photo.path, folder / photo.key)
            rows.append(f"{photo.key},{photo.key},{photo.mean},{side}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    (folder / "exact_duplicates.txt").write_text("")
    return folder


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def strict(text):
    def refuse(name):
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_a_report_is_four_files_that_say_the_same(rated, scorer_of, tmp_path):
    scorer = scorer_of(0.3)
    predictions = predict(scorer, rated, rated.test)
    evaluation = evaluate_predictions(
        scorer, rated, "test", predictions, stability=measure_stability(scorer, predictions, sample=5)
    )
    check_report(tmp_path / "deep" / "evaluation")
    write_report(tmp_path / "deep" / "evaluation", evaluation, predictions)
    folder = tmp_path / "deep" / "evaluation"
    assert sorted(path.name for path in folder.iterdir()) == [
        "evaluation.csv",
        "evaluation.json",
        "evaluation.md",
        "evaluation.png",
    ]

    found = strict((folder / "evaluation.json").read_text())
    assert found["srcc"] == {
        "value": evaluation.srcc.value,
        "low": evaluation.srcc.low,
        "high": evaluation.srcc.high,
    }
    assert found["worst"][0] == {
        "photo": evaluation.worst[0].photo,
        "score": evaluation.worst[0].score,
        "human": evaluation.worst[0].human,
    }
    assert found["preprocess"]["size"] == 96 and found["model_hash"] == scorer.card.short_hash
    words = (folder / "evaluation.md").read_text()
    for text in (
        str(evaluation.srcc),
        str(evaluation.kendall),
        evaluation.list_hash,
        "| flipped left to right | 5 |",
        "| portrait |",
    ):
        assert text in words
    with (folder / "evaluation.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["score"]) for row in rows] == [record.score for record in predictions.records]
    with Image.open(folder / "evaluation.png") as picture:
        picture.load()
        assert picture.width > 1000 and len(picture.convert("RGB").getcolors(1 << 24)) > 50


def test_an_evaluation_of_three_photos_of_one_rating_still_makes_a_report(rated, scorer_of, tmp_path):
    same = replace(rated, test=tuple(replace(photo, mean=4.0) for photo in rated.test[:3]))
    predictions = predict(scorer_of(), same, same.test)
    write_report(tmp_path, evaluate_predictions(scorer_of(), same, "test", predictions), predictions)
    found = strict((tmp_path / "evaluation.json").read_text())
    assert found["srcc"]["value"] is None and found["balanced_accuracy"]["value"] is None
    assert found["average_precision"]["value"] == 1


def test_a_report_that_fails_leaves_the_earlier_one_whole(rated, scorer_of, tmp_path, monkeypatch):
    predictions = predict(scorer_of(), rated, rated.test)
    evaluation = evaluate_predictions(scorer_of(), rated, "test", predictions)
    write_report(tmp_path, evaluation, predictions)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "markdown", full)
    with pytest.raises(
        OutputError, match=r"evaluation\.md: cannot be written \(No space left on device\): make room"
    ):
        write_report(tmp_path, replace(evaluation, model="other"), predictions)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_place_that_cannot_be_written_is_refused_before_scoring(data, tiny_model, tmp_path, monkeypatch):
    from rgnet.scorer import Scorer

    def never(*_):
        raise AssertionError("a photo was scored")

    monkeypatch.setattr(Scorer, "score_many", never)
    blocked = data / "00.png" / "evaluation"
    for words, message in (
        (("-o", tmp_path / "evaluation.json"), "give --output a folder, not evaluation.json"),
        (("--split", "tset"), "did you mean test"),
        (
            ("--sample", "50"),
            "--sample is the number of photos for --stability and --inside: add one of them",
        ),
    ):
        done = run("evaluate", tiny_model, data, *words)
        assert done.exit_code != 0 and isinstance(done.exception, SettingError)
        assert message in str(done.exception)
    for command in (("evaluate", tiny_model, data), ("compare", tiny_model, tiny_model, data)):
        done = run(*command, "-o", blocked)
        assert done.exit_code != 0 and isinstance(done.exception, OutputError)
        assert ": cannot be written (Not a directory): choose another place" in str(done.exception)


def test_without_scipy_no_photo_is_scored(data, tiny_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    for words in (("evaluate", tiny_model, data), ("compare", tiny_model, tiny_model, data)):
        problem = run(*words).exception
        assert isinstance(problem, MissingExtra) and 'pip install ".[evaluation]"' in str(problem)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match=r"cannot be written \(Permission denied\): change its permissions"):
        check_report(tmp_path)


def test_the_evaluation_and_rgnet_score_agree_to_the_last_bit(data, tiny_model, tmp_path):
    done = run("evaluate", tiny_model, data, "--split", "test", "-o", tmp_path / "evaluation")
    assert done.exit_code == 0, done.output
    # Another order, other photos in every batch, and another size of the last batch
    assert run("score", data, "-m", tiny_model, "-o", tmp_path / "scores.csv").exit_code == 0
    with (tmp_path / "scores.csv").open(newline="") as file:
        scored = {os.path.basename(row["path"]): row["score"] for row in csv.DictReader(file)}  # noqa: PTH119
    with (tmp_path / "evaluation" / "evaluation.csv").open(newline="") as file:
        examined = {row["photo"]: row["score"] for row in csv.DictReader(file)}
    assert len(scored) == 60 and len(examined) == 40 and len(set(examined.values())) > 30
    assert {name: scored[name] for name in examined} == examined


def test_an_unreadable_photo_is_a_row_and_exit_code_3(data, tiny_model, tmp_path):
    (data / "25.png").unlink()
    (data / "25.png").write_bytes(b"rotten")
    words = ("--split", "test", "--stability", "--sample", 4, "-o", tmp_path / "evaluation")
    done = run("evaluate", tiny_model, data, *words)
    assert done.exit_code == 3 and "25.png" in done.stderr
    found = strict((tmp_path / "evaluation" / "evaluation.json").read_text())
    assert [failure["photo"] for failure in found["failures"]] == ["25.png"]
    assert [shift["photos"] for shift in found["stability"]][:3] == [4, 4, 4]
    assert "25.png" in (tmp_path / "evaluation" / "evaluation.md").read_text()
    assert "25.png" not in (tmp_path / "evaluation" / "evaluation.csv").read_text()


def test_two_models_are_compared_by_command(data, tiny_model, tiny_classifier, tmp_path):
    words = ("compare", tiny_model, tiny_classifier, data, "--split", "test", "-o", tmp_path / "found.json")
    done = run(*words)
    assert done.exit_code == 0, done.output
    found = strict((tmp_path / "found.json").read_text())
    assert (found["a"]["model"], found["b"]["model"]) == ("tiny-score", "tiny-classes")
    assert found["photos"] == 40 and 0 < found["srcc"]["p"] <= 1
    assert "A - B" in done.stdout and "cannot know" in done.stdout
