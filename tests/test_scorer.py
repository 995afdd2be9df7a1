"""Scoring keeps photos and scores together, whatever the order, the batch, the engine or the neighbours."""

import io
import itertools
import math
import pickle
import shutil
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from harmful import decode_by_name
from PIL import Image

import rgnet
from rgnet.engines.registry import open_engine
from rgnet.errors import PhotoDamaged, PhotoNotFound, SettingError
from rgnet.imaging.decode import decode
from rgnet.imaging.prepare import prepare
from rgnet.imaging.workers import DecodePool
from rgnet.results import COLUMNS
from rgnet.scorer import Scorer, open_scorer, unit_score
from rgnet.weights.file import read_card
from rgnet.weights.registry import find_model


@pytest.fixture(scope="session")
def scorer(tiny_model):
    return rgnet.load(tiny_model, engine="openvino", precision="f32", threads=2)


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    """Thirty different photos of several shapes; number 7 is damaged, number 11 missing."""
    folder, draw = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    paths = [folder / f"{index:02d}.png" for index in range(30)]
    for index, path in enumerate(paths):
        height, width = draw.integers(40, 200, 2)
        coarse = draw.integers(0, 256, (4, 5, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((int(width), int(height))).save(path)
        if index == 7:
            path.write_bytes(path.read_bytes()[:100])
    paths[11].unlink()
    return paths


def test_a_bad_photo_is_one_row_and_never_its_neighbours_score(scorer, photos):
    records = list(scorer.score_many(photos))
    assert [record.path for record in records] == [str(path) for path in photos]
    assert [index for index, record in enumerate(records) if not record.ok] == [7, 11]
    for path, record in zip(photos, records, strict=True):
        if record.ok:
            assert scorer.score(path).score == pytest.approx(record.score, abs=1e-5)
    assert len({round(record.score, 4) for record in records if record.ok}) > 20


def test_order_and_neighbours_do_not_matter(scorer, photos):
    good = [path for index, path in enumerate(photos) if index not in (7, 11)]
    there = {record.path: record.score for record in scorer.score_many(good)}
    back = {record.path: record.score for record in scorer.score_many(good[::-1])}
    assert there.keys() == back.keys()
    assert max(abs(there[path] - back[path]) for path in there) < 1e-5


def test_one_photo_raises_and_a_list_gives_rows(scorer, photos):
    with pytest.raises(PhotoDamaged):
        scorer.score(photos[7])
    with pytest.raises(PhotoNotFound):
        scorer.score(photos[11])
    failure = scorer.score([photos[11]])[0]
    assert not failure.ok and failure.path == str(photos[11])
    assert failure.error == "there is no such file: check the path"


def test_path_bytes_image_and_array_score_alike(scorer, photos):
    image = Image.open(photos[0])
    sources = [photos[0], str(photos[0]), photos[0].read_bytes(), image, np.asarray(image)]
    records = scorer.score(sources)
    assert {record.score for record in records} == {records[0].score}
    assert [record.path for record in records[2:]] == ["<bytes>", "<image>", "<array>"]


def test_the_eight_orientations_score_alike(scorer):
    upright = Image.fromarray(np.random.default_rng(3).integers(0, 256, (6, 4, 3), dtype=np.uint8)).resize(
        (240, 320)
    )
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    sources = []
    for tag in range(1, 9):
        stored = upright.transpose(Image.Transpose(undo[tag])) if tag > 1 else upright
        exif = Image.Exif()
        exif[0x0112] = tag
        file = io.BytesIO()
        stored.save(file, "PNG", exif=exif)
        sources.append(file.getvalue())
    records = scorer.score(sources)
    assert {(record.width, record.height) for record in records} == {(240, 320)}
    assert max(record.score for record in records) - min(record.score for record in records) < 1e-3 * 4


def test_a_photo_that_crashes_or_holds_its_decoder_is_a_row_and_costs_nobody_else_a_score(
    scorer, photos, tmp_path
):
    paths = [tmp_path / f"{name}.png" for name in ("a", "crash", "b", "late", "c", "once", "d")]
    for source, path in zip(photos, paths, strict=False):
        shutil.copy(source, path)
    with DecodePool(2, seconds=2.0, decode=decode_by_name) as pool:
        records = list(scorer.score_many([*paths, b"crash", np.asarray(Image.open(paths[0]))], pool=pool))
    assert [record.path for record in records] == [*map(str, paths), "<bytes>", "<array>"]
    crashed = "this photo crashed its decoder (signal SIGABRT): save it again, or leave it out"
    assert [record.error for record in records if not record.ok] == [
        crashed,
        "decoding this photo took more than 2 s: save it again, or leave it out",
        crashed,
    ]
    assert not records[1].ok and not records[3].ok and (tmp_path / "once.tried").exists()
    for record in records[:-1]:
        if record.ok:
            assert record.score == pytest.approx(scorer.score(record.path).score, abs=1e-5)
    assert records[-1].score == records[0].score


def test_a_pool_serves_several_calls_and_follows_the_current_folder(scorer, photos, tmp_path, monkeypatch):
    with DecodePool(1) as pool:
        for source in photos[:2]:
            folder = tmp_path / source.stem
            folder.mkdir()
            shutil.copy(source, folder / "same.png")
            monkeypatch.chdir(folder)
            (record,) = scorer.score_many(["same.png"], pool=pool)
            assert record.path == "same.png" and record.width == Image.open(source).width
            assert record.score == pytest.approx(scorer.score(source).score, abs=1e-5)


def test_an_endless_source_is_read_a_little_ahead_and_left_in_peace(scorer, photos, decoders):
    before, drawn = set(threading.enumerate()), itertools.count()
    endless = (photos[0] for _ in drawn)
    records = scorer.score_many(endless)
    for _ in range(20):
        next(records)
    records.close()
    assert next(drawn) < 80 and not decoders()
    deadline = time.monotonic() + 10
    while decoding := [thread for thread in threading.enumerate() if thread not in before]:
        assert time.monotonic() < deadline, decoding
        time.sleep(0.01)


@pytest.fixture(scope="session")
def keeper(squashing):
    return open_scorer(squashing, engine="openvino", precision="f32", threads=2, fit="keep")


def test_a_kept_shape_is_seen_as_it_is_at_no_more_pixels_and_says_so(keeper, squashing):
    square = open_scorer(squashing, engine="openvino", precision="f32", threads=2)
    half = np.zeros((100, 150, 3), np.uint8)
    half[:, :75] = 255
    wide, exact = keeper.score([half, half[:, :100]], regions=True)
    assert wide.notes == ("keep: scored at 112 x 80 pixels, the model was evaluated at 96 x 96",)
    assert wide.regions.votes.shape == (5, 7)
    assert exact.notes == () and exact.score == pytest.approx(square.score(half[:, :100]).score, abs=1e-6)
    resized = np.asarray(Image.fromarray(half).resize((112, 80), Image.Resampling.BICUBIC))
    image_BC, _ = keeper.engine.run(resized[None])
    assert wide.score == pytest.approx(squashing.card.scale.human(unit_score(image_BC[0])[0]), abs=1e-5)
    assert square.score(half).notes == () and keeper.card == squashing.card


def test_an_explanation_is_of_the_shape_that_was_scored(keeper):
    photo = np.random.default_rng(3).integers(0, 256, (150, 210, 3), dtype=np.uint8)
    scored, explained = keeper.score(photo, regions=True), rgnet.explain(keeper, photo).photo
    assert explained.notes == scored.notes and explained.regions.grid == scored.regions.grid == (5, 7)
    assert explained.score == pytest.approx(scored.score, abs=1e-4)


def test_photos_of_one_shape_run_together_and_rows_keep_their_order(keeper, monkeypatch):
    sides = [(150, 100), (100, 100), (100, 150)]
    draw = np.random.default_rng(5)
    arrays = [draw.integers(0, 256, (*sides[index % 3][::-1], 3), dtype=np.uint8) for index in range(30)]
    alone = [keeper.score(array) for array in arrays]
    run, sizes = keeper.engine.run, []
    monkeypatch.setattr(keeper.engine, "run", lambda pixels: sizes.append(len(pixels)) or run(pixels))
    together = keeper.score(arrays)
    assert sorted(sizes) == [2, 2, 2, 8, 8, 8]
    for one, other in zip(alone, together, strict=True):
        assert (other.width, other.height) == (one.width, one.height)
        assert other.score == pytest.approx(one.score, abs=1e-5)


def test_the_shape_hangs_on_the_photo_and_not_on_the_fraction_that_was_decoded(squashing):
    keep = replace(squashing.card.preprocess, fit="keep")
    assert keep.target(1095, 1000) == (96, 96) and keep.target(274, 250) == (96, 80)
    file = io.BytesIO()
    Image.new("RGB", (1095, 1000)).save(file, "JPEG")
    prepared = prepare(file.getvalue(), keep, rgnet.DecodePolicy())
    assert decode(file.getvalue(), at_least=keep.target).image.size == (274, 250)
    assert prepared.pixels_HW3.shape == (96, 96, 3)


def test_no_sources_give_no_records(scorer):
    assert scorer.score([]) == [] and list(scorer.score_many(iter(()))) == []


def test_a_surprise_in_a_decoder_is_a_row(scorer, photos, monkeypatch):
    def surprise(*_arguments, **_options):
        raise ZeroDivisionError("of a header field")

    monkeypatch.setattr("rgnet.imaging.prepare.decode", surprise)
    record = scorer.score([np.asarray(Image.open(photos[0]))])[0]
    assert (
        record.error
        == "decoding failed with ZeroDivisionError (of a header field): save it again, or leave it out"
    )


def test_region_map_joins_to_the_score(scorer, tiny_model, photos):
    record = scorer.score(photos[0], regions=True)
    votes, weights, r = record.regions.votes, record.regions.weights, scorer.card.architecture.r
    assert weights.sum() == pytest.approx(1, abs=1e-5)
    unit = (votes - 1) / 4
    joined = math.log(np.exp(r * unit.astype(np.float64)).mean()) / r
    assert 1 + 4 * joined == pytest.approx(record.score, abs=1e-4)
    np.testing.assert_allclose(weights, np.exp(r * unit) / np.exp(r * unit).sum(), rtol=1e-4)
    assert record.regions.box(0, 0, width=160, height=80)[2:] == (160 / votes.shape[1], 80 / votes.shape[0])


def test_a_records_columns_are_the_published_ones(scorer, photos):
    for record in scorer.score([photos[0], photos[11]]):
        assert tuple(record.to_dict()) == COLUMNS


def test_a_photo_smaller_than_the_network_is_fed_says_so(scorer):
    """The tiny model is fed about 96 x 96 pixels; in sixteens, a photo of that size may grow by a few of them."""
    small, large, nearly = (
        scorer.score(Image.new("RGB", size)).notes for size in ((60, 40), (96, 96), (100, 90))
    )
    assert small == ("small: enlarged to 112 x 80 pixels, its score is too low beside larger photos",)
    assert large == nearly == ()


@pytest.mark.parametrize(
    ("metrics", "enlarged"),
    [
        ({"test_stability": {"resized to half": {"mean": 0.19, "srcc": 0.94}}}, 2.0),
        ({"test_stability": {"resized to half": {"mean": 0.21, "srcc": 0.94}}}, 1.1),
        ({"held_out_stability": {"resized to half": {"mean": 0.05, "srcc": 0.92}}}, 1.1),
        ({"test_stability": {"resized to half": {"mean": None, "srcc": None}}}, 1.1),
        ({"test_stability": "yes", "held_out_stability": {"resized to half": [1]}}, 1.1),
        ({}, 1.1),
    ],
)
def test_a_model_that_holds_still_says_nothing_of_photos_of_half_its_size(tiny_file, metrics, enlarged):
    card = replace(tiny_file.card, metrics=metrics)
    assert card.scale.high - card.scale.low == 4 and card.most_enlarged == enlarged
    scorer = open_scorer(replace(tiny_file, card=card), engine="openvino")
    half, less = (scorer.score(Image.new("RGB", size)).notes for size in ((48, 48), (40, 40)))
    assert (half == ()) == (enlarged == 2) and less


def test_small_photos_down_to_112_pixels_are_compared_by_the_default_model():
    assert read_card(find_model(None)).most_enlarged == 2


def test_two_classes_give_the_papers_probability_and_a_score_over_the_whole_scale():
    for low, high, unit in ((1.0, 0.0, 0.0), (0.0, 1.0, 1.0), (0.4, 0.4, 0.5)):
        found, p = unit_score(np.array([low, high]))
        assert p == pytest.approx(math.exp(high) / (math.exp(low) + math.exp(high)))
        assert found == pytest.approx(unit)


def test_a_classifier_labels_its_photos(tiny_classifier, photos):
    record = rgnet.load(tiny_classifier, engine="openvino").score(photos[0])
    assert record.label == ("high" if record.probability > 0.5 else "low")
    assert 1 / (1 + math.e) <= record.probability <= math.e / (1 + math.e)


def test_unknown_engines_and_precisions_hint(tiny_model):
    with pytest.raises(SettingError, match="there is no engine 'openvin': did you mean openvino"):
        rgnet.load(tiny_model, engine="openvin")
    with pytest.raises(
        SettingError, match="precision: expected one of auto, f32, bf16, f16, int8, found 'int4'"
    ):
        rgnet.load(tiny_model, precision="int4")


def test_a_network_that_answers_nonsense_gives_a_row(tiny_file, photos):
    class Broken:
        name = "broken"

        def run(self, pixels_BHWC):
            image_BC, vote_BHWC = open_engine(tiny_file, "openvino").run(pixels_BHWC)
            return np.full_like(image_BC, np.nan), vote_BHWC

    record = Scorer(tiny_file, Broken()).score([photos[0]])[0]
    assert record.error == "the network's output is not a number between 0 and 1: try another model or engine"


def test_a_scorer_is_sent_to_another_process_by_its_model_file(scorer, tiny_model, photos, tiny_file):
    sent = pickle.loads(pickle.dumps(rgnet.load(tiny_model, precision="f32", threads=1)))
    assert sent.score(photos[0]).score == pytest.approx(scorer.score(photos[0]).score, abs=1e-5)
    assert sent.threads == 1
    nameless = open_scorer(replace(tiny_file, path=None), precision="f32")
    with pytest.raises(TypeError, match="has no model file to be opened from again"):
        pickle.dumps(nameless)
