"""An evaluation covers every metric, every kind of photo, every failure, and leaks."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from rgnet import datasets
from rgnet.datasets.leaks import find_leaks, load_as_trained
from rgnet.datasets.records import RatedPhoto, list_hash
from rgnet.errors import DataError, SettingError
from rgnet.evaluation.evaluate import evaluate, evaluate_predictions
from rgnet.evaluation.metrics import earth_movers_distance
from rgnet.evaluation.predictions import photos_of_split, predict
from rgnet.evaluation.slices import Appearance, brightness, shape, size

pytestmark = pytest.mark.usefixtures("few_draws")


def test_a_scorer_that_sees_what_people_see_passes(rated, scorer_of):
    found = evaluate(scorer_of(), rated, "test")
    assert found.photos == 40 and found.failures == () and found.list_hash == list_hash(rated.test)
    assert min(found.srcc.value, found.plcc.value, found.average_precision.value) > 0.99
    assert found.base_rate == np.mean([photo.mean >= 3 for photo in rated.test])
    assert [tenth.photos for tenth in found.calibration] == [4] * 10
    people = [tenth.human.value for tenth in found.calibration]
    assert people == sorted(people)
    assert found.leaks.known is False and "names no list" in found.leaks.why


def test_kinds_of_photos_are_counted_and_evaluated(rated, scorer_of):
    larger = replace(rated, test=rated.test * 2)
    found = evaluate_predictions(scorer_of(0.5), larger, "test", predict(scorer_of(0.5), larger, larger.test))
    counts = {(part.by, part.kind): part.photos for part in found.slices}
    assert sum(count for (by, _), count in counts.items() if by == "shape") == 80
    assert counts["shape", "portrait"] == counts["scene", "sea"]
    assert {part.kind for part in found.slices if part.by == "size"} == {"below 0.5 megapixels"}
    for part in found.slices:
        assert (part.srcc is None) == (part.photos < 20)
    portrait = next(part for part in found.slices if part.kind == "portrait")
    assert portrait.srcc.low <= portrait.srcc.value <= portrait.srcc.high


def test_where_kinds_begin():
    assert [shape(Appearance(0, *sides)) for sides in ((60, 90), (100, 101), (90, 60))] == [0, 1, 2]
    assert [brightness(Appearance(light, 1, 1)) for light in (0.29, 0.3, 0.6)] == [0, 1, 2]
    assert [size(Appearance(0, *sides)) for sides in ((700, 700), (1000, 500), (2000, 2000))] == [0, 1, 2]


def test_an_unreadable_photo_is_named_and_left_out_of_the_figures(rated, scorer_of, tmp_path):
    rotten = tmp_path / "rotten.jpg"
    rotten.write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    torn = replace(rated, test=(*rated.test[:7], RatedPhoto("rotten", rotten, 1.0), *rated.test[7:]))
    whole, found = (evaluate(scorer_of(0.3), each, "test") for each in (rated, torn))
    assert [failure.photo for failure in found.failures] == ["rotten"]
    assert found.failures[0].error == (
        "this JPEG file is damaged and ends in the middle of the picture: copy it again from its source"
    )
    assert found.photos == 41
    assert found.metrics() == whole.metrics() and found.worst == whole.worst


def test_too_few_scores_are_no_evaluation(rated, scorer_of, tmp_path):
    gone = tuple(replace(photo, path=tmp_path / photo.key) for photo in rated.test[:5])
    with pytest.raises(
        DataError,
        match=r"0 of 5 photos of light could be scored.*first failure is 20\.png: there is no such file",
    ):
        evaluate(scorer_of(), replace(rated, test=gone), "test")


def test_unknown_and_empty_splits_are_refused(rated):
    with pytest.raises(SettingError, match="no split 'tset' for an evaluation: did you mean test"):
        photos_of_split(rated, "tset")
    with pytest.raises(SettingError, match="no split 'train'"):
        photos_of_split(rated, "train")
    with pytest.raises(DataError, match="split test of light is empty: try --split held_out"):
        photos_of_split(replace(rated, test=()), "test")


def test_scores_on_another_scale_are_stretched_and_the_report_says_so(rated, scorer_of, card):
    unit = replace(card.scale, low=0.0, high=1.0)
    own, other = evaluate(scorer_of(0.4), rated, "test"), evaluate(scorer_of(0.4, scale=unit), rated, "test")
    assert other.mean_absolute_error.value == pytest.approx(own.mean_absolute_error.value)
    assert other.accuracy == own.accuracy
    assert any("stretched from the model's scale, 0 to 1, to 1 to 5" in note for note in other.notes)
    assert not any("stretched" in note for note in own.notes)


def test_a_classifier_is_evaluated_by_its_label_not_by_its_score(rated, tiny_classifier):
    import rgnet

    predictions = predict(
        rgnet.load(tiny_classifier, threads=1), replace(rated, threshold=2.0), rated.test[:6]
    )
    assert predictions.predicted_high_N.tolist() == [record.label == "high" for record in predictions.records]


def test_histograms_are_compared_where_both_sides_have_them(rated, scorer_of):
    bins = (1.0, 2.0, 5.0)
    draw = np.random.default_rng(0).dirichlet(np.ones(3), size=(2, 40))
    people = tuple(
        replace(photo, histogram=tuple(shares)) for photo, shares in zip(rated.test, draw[0], strict=True)
    )
    known = replace(rated, test=people, bins=bins)
    predictions = predict(scorer_of(), known, known.test)
    assert (
        "no EMD: the model gives a score"
        in evaluate_predictions(scorer_of(), known, "test", predictions).notes[0]
    )
    records = (
        replace(record, histogram=tuple(shares))
        for record, shares in zip(predictions.records, draw[1], strict=True)
    )
    found = evaluate_predictions(scorer_of(), known, "test", replace(predictions, records=tuple(records)))
    assert found.emd.value == pytest.approx(earth_movers_distance(draw[1], draw[0], bins).mean())
    assert "EMD" in found.metrics()
    assert "light has no histogram for 40 of 40" in evaluate(scorer_of(), rated, "test").notes[0]


def test_photos_the_model_was_trained_on_are_found_by_name_and_by_content(rated, card, tmp_path):
    taught = replace(card, training={"list": list_hash(rated.train), "data": "light"})
    clean = find_leaks(taught, rated, rated.test)
    assert clean.known and (clean.learned, clean.chosen) == (0, 0)
    assert find_leaks(taught, rated, rated.held_out).chosen == 10
    copy = tmp_path / "copy.png"
    copy.write_bytes(rated.train[3].path.read_bytes())
    found = find_leaks(taught, rated, (*rated.test, rated.train[0], RatedPhoto("copy.png", copy, 2.0)))
    assert found.learned == 2 and found.names == (rated.train[0].key, "copy.png")
    assert "trained on 2 of the photos (00.png, copy.png)" in str(found)
    assert find_leaks(taught, rated, rated.train).learned == 10


def test_a_start_that_learned_from_another_list_of_the_data_may_know_its_photos(rated, card):
    """As where photos were added to a table, and training went on from the model before."""
    here, before = list_hash(rated.train), "0123456789ab"
    for start, known in (
        ({"data": "light", "list": here}, True),
        ({"data": "PARA", "list": before}, True),
        ("rgnet-compact", True),
        ({"data": "light", "list": before}, False),
        ({"data": "PARA", "list": before, "start": {"data": "light", "list": before}}, False),
    ):
        training = {"list": here, "data": "light", "start": start}
        found = find_leaks(replace(card, training=training), rated, rated.test)
        assert found.known == known
        assert known or f"began with a model that was trained on list {before} of light" in str(found)


def test_lists_of_other_data_are_not_called_clean(rated, card):
    other = find_leaks(replace(card, training={"list": "0123456789ab", "data": "AVA"}), rated, rated.test)
    assert not other.known and other.learned is None
    assert "cannot know" in str(other) and "list 0123456789ab of AVA" in str(other)


def test_the_validation_photos_are_those_of_the_models_own_training(card, tmp_path):
    names = [f"{index}.png" for index in range(20)]
    for index, name in enumerate(names):
        Image.new("RGB", (8, 8), (index, 0, 0)).save(tmp_path / name)
    rows = "".join(f"{name},{name},2.5,train\n" for name in names)
    (tmp_path / "labels.csv").write_text("file,source_id,mean,split\n" + rows)
    (tmp_path / "exact_duplicates.txt").write_text("")
    drawn = {}
    for data, seed in (("PARA", 0), ("PARA", 1), ("AVA", 1)):
        taught = replace(card, training={"data": data, "recipe": {"held_out": 4, "seed": seed, "epochs": 3}})
        drawn[data, seed] = load_as_trained(taught, tmp_path, None).held_out
    assert len(drawn["PARA", 0]) == len(drawn["PARA", 1]) == 4
    assert drawn["PARA", 0] != drawn["PARA", 1]
    assert drawn["AVA", 1] == datasets.load(tmp_path).held_out
