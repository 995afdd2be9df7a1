"""Crops are of one size, keep what a photo is made of, and are never worse than the one in the middle."""

import importlib.util
import json
import sys
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image, ImageCms
from scipy.io import savemat

import rgnet
from rgnet.cli import main
from rgnet.culling.crops import cut_out, estimates, find_crop, keep_faces, open_crop_pool, parse_ratio
from rgnet.errors import PhotoError, SettingError
from rgnet.faces.detection import FaceDetector
from rgnet.imaging.crop import Box, candidate_boxes


@pytest.fixture(scope="module")
def scorer():
    return rgnet.load("rgnet-regions", threads=1)


@pytest.fixture(scope="module")
def pool():
    with open_crop_pool() as pool:
        yield pool


@pytest.fixture(scope="module")
def detector():
    return FaceDetector(1)


@pytest.fixture(scope="module")
def subject(tmp_path_factory) -> Path:
    """A photo at the right end of a long grey wall."""
    data = pytest.importorskip("skimage.data", reason="needs scikit-image")
    wall = np.full((512, 1400, 3), 96, np.uint8)
    wall[:, -512:] = data.astronaut()
    path = tmp_path_factory.mktemp("crops") / "subject.jpg"
    Image.fromarray(wall).save(path, quality=95)
    return path


@pytest.mark.parametrize("text, ratio", [("16:9", 16 / 9), ("4x5", 0.8), ("1.5", 1.5), (" 1 : 1 ", 1.0)])
def test_ratios(text, ratio):
    assert parse_ratio(text) == pytest.approx(ratio)


@pytest.mark.parametrize("text", ["wide", "16:0", "0", "1:11", "1:2:3", "-1", "nan"])
def test_what_is_no_ratio_is_refused(text):
    with pytest.raises(SettingError, match="expected a ratio such as 16:9"):
        parse_ratio(text)


@pytest.mark.parametrize("size", [1.0, 0.7])
@pytest.mark.parametrize("shape", [(3000, 2000), (2000, 3000), (1600, 900)])
def test_candidates_are_of_one_size_and_ratio_within_the_photo_the_middle_first(shape, size):
    boxes = list(candidate_boxes(*shape, 16 / 9, size))
    pixels = [box.pixels(*shape) for box in boxes]
    assert len(set(boxes)) == len(boxes) <= 65
    for left, top, right, bottom in pixels:
        assert 0 <= left < right <= shape[0] and 0 <= top < bottom <= shape[1]
        assert abs((right - left) / (bottom - top) - 16 / 9) < 0.01
    assert len({(right - left, bottom - top) for left, top, right, bottom in pixels}) == 1
    left, top, right, bottom = boxes[0]
    assert left == pytest.approx(1 - right) and top == pytest.approx(1 - bottom)


def test_a_subject_at_the_end_is_found_and_the_search_is_never_below_the_middle(
    subject, scorer, pool, detector
):
    found = find_crop(str(subject), scorer, 1.0, pool=pool, detector=detector)
    assert found.is_clear and found.pixels[2] > 1300
    assert found.best.score >= found.centre.score + 0.05
    # The score is that of the file that is cut out
    file, *_ = cut_out(str(subject), found.best.box, pool)
    assert abs(scorer.score(file).score - found.best.score) < 0.05


def test_a_crop_without_a_score_fails_the_photo_instead_of_ranking_last(
    subject, scorer, pool, detector, monkeypatch
):
    monkeypatch.setattr(
        "rgnet.culling.crops.score_in_batches", lambda _, parts: [3.0] + [np.nan] * (len(parts) - 1)
    )
    with pytest.raises(PhotoError, match="a crop of it has no score"):
        find_crop(str(subject), scorer, 1.0, pool=pool, detector=detector)


def test_where_no_crop_is_clearly_better_the_middle_is_the_advice(tmp_path, scorer, pool, detector):
    path = tmp_path / "even.png"
    Image.new("RGB", (600, 300), (90, 120, 150)).save(path)
    found = find_crop(str(path), scorer, 1.0, pool=pool, detector=detector)
    assert not found.is_clear and found.best == found.centre and found.pixels == (150, 0, 450, 300)


def test_the_estimate_of_the_whole_photo_is_its_score(subject, scorer):
    record = scorer.score(str(subject), regions=True)
    boxes = [Box(0, 0, 1, 1), Box(0.5, 0, 1, 1)]
    whole, right = estimates(record, boxes, scorer)
    assert whole == pytest.approx(record.score, abs=1e-3)
    votes = record.regions.votes[:, 7:]
    assert votes.min() < right < votes.max()


def test_a_cut_photo_keeps_profile_and_exif_and_stands_upright(tmp_path, pool):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.fromarray(np.arange(200 * 100, dtype=np.uint16).reshape(100, 200).astype(np.uint8)).convert(
        "RGB"
    )
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = 6, "Camera"
    path = tmp_path / "turned.jpg"
    image.save(path, exif=exif, icc_profile=profile, quality=95)
    file, kind, _ = cut_out(str(path), Box(0, 0.25, 1, 0.75), pool)
    with Image.open(BytesIO(file)) as cut:
        assert (kind, cut.size) == ("JPEG", (100, 100))
        assert cut.info["icc_profile"] == profile
        assert (cut.getexif()[0x0112], cut.getexif()[0x0110]) == (1, "Camera")
        upright = np.asarray(image.transpose(Image.Transpose.ROTATE_270).crop((0, 50, 100, 150)), int)
        assert np.abs(np.asarray(cut, int) - upright).mean() < 6


def test_lossless_formats_are_cut_without_loss(tmp_path, pool):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    for name, kind in (("a.png", "PNG"), ("a.tif", "TIFF")):
        Image.fromarray(pixels).save(tmp_path / name)
        file, found, _ = cut_out(str(tmp_path / name), Box(0.5, 0, 1, 1), pool)
        assert found == kind
        np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(file))), pixels[:, 30:])


def test_bad_input_is_named(tmp_path, scorer, pool, photo):
    with pytest.raises(PhotoError, match="gone"):
        find_crop(str(tmp_path / "gone.jpg"), scorer, 1.0, pool=pool, detector=detector)
    with pytest.raises(SettingError, match=r"0\.3 to 1 of the largest one, found 0.1"):
        find_crop(str(photo), scorer, 1.0, size=0.1, pool=pool)


def test_the_command(subject, tmp_path, capsys, monkeypatch, scorer, pool):
    monkeypatch.setattr(rgnet, "load", lambda _model: scorer)
    monkeypatch.setattr("rgnet.culling.crops.open_crop_pool", lambda: nullcontext(pool))

    def run(*words: object) -> int:
        with mock.patch("sys.argv", ["rgnet", "crop", *map(str, words)]), pytest.raises(SystemExit) as end:
            main()
        return end.value.code

    (tmp_path / "text.jpg").write_text("no photo at all")
    before = subject.read_bytes()
    words = ["-m", "rgnet-regions", "--ratio", "4:5", "-o", tmp_path / "out", "--json", "--lossless"]
    assert run(subject, tmp_path / "text.jpg", *words) == 3
    printed = capsys.readouterr()
    (row,) = map(json.loads, printed.out.splitlines())
    assert "not cropped: " in printed.err and row["faces"] == 1
    assert row["advice"] == "crop: the centre cuts or loses a face"
    assert row["left"] % 16 == 0 and row["file"].endswith("subject.4x5.jpg")
    with Image.open(tmp_path / "out" / "subject.4x5.jpg") as cut:
        assert cut.size == (row["right"] - row["left"], row["bottom"] - row["top"]) == (410, 512)
    assert (tmp_path / "out" / "subject.4x5.compare.jpg").exists() and subject.read_bytes() == before
    assert run(subject, *words) == 2
    assert "already exists: give another --output, or --force" in capsys.readouterr().err


@pytest.mark.parametrize(
    "faces, kept",
    [
        ([], [0, 1, 2]),
        ([Box(0.4, 0.1, 0.6, 0.3)], [0, 1]),
        ([Box(0.55, 0.1, 0.7, 0.3)], [1, 2]),
        ([Box(0.05, 0.1, 0.15, 0.3), Box(0.85, 0.1, 0.95, 0.3)], [0, 2]),  # one of two, none cut
        ([Box(0.05, 0.1, 0.95, 0.3)], [0, 1, 2]),  # cut by all
    ],
)
def test_boxes_that_cut_or_lose_a_face_are_left_out_where_others_do_not(faces, kept):
    boxes = [Box(0, 0, 0.65, 1), Box(0.3, 0, 0.8, 1), Box(0.5, 0, 1, 1)]
    assert keep_faces(boxes, faces) == kept


def test_a_face_at_the_edge_is_kept_where_the_middle_cuts_it(tmp_path, scorer, pool, detector):
    data = pytest.importorskip("skimage.data", reason="needs scikit-image")
    wall = np.full((1200, 512, 3), 200, np.uint8)
    wall[200:712] = data.astronaut()
    Image.fromarray(wall).save(tmp_path / "upright.jpg", quality=95)
    found = find_crop(str(tmp_path / "upright.jpg"), scorer, 1.0, pool=pool, detector=detector)
    (face,) = found.faces
    assert found.centre_cuts and found.is_clear and found.best.box.top < face.top < face.bottom


# --- benchmarks/crop_sets.py on invented files of the published formats ------------------------------------


@pytest.fixture(scope="module")
def crop_sets():
    file = Path(__file__).parents[2] / "benchmarks" / "crop_sets.py"
    spec = importlib.util.spec_from_file_location("crop_sets", file)
    sys.modules["crop_sets"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sets_of_crops_are_read_as_they_are_published(tmp_path, crop_sets):
    for name in ("images/test", "annotations/test", "data", "image"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("images/test/a.jpg", "data/9_b.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "annotations/test/a.txt").write_text("1 2 30 40 3.5\n5 6 70 80 -2\n")
    entries = [
        {"url": "https://x/9_b.jpg", "crop": [1, 2, 30, 40]},
        {"url": "https://x/lost.jpg", "crop": [0] * 4},
    ]
    (tmp_path / "cropping_testing_set.json").write_text(json.dumps(entries))
    table = np.empty((1, 1), [("filename", object), ("bbox", object)])
    table[0, 0] = "c.jpg", np.array([[1, 2, 30, 40], [-1, -1, -1, -1]])
    savemat(tmp_path / "500_image_dataset.mat", {"img_gt": table})
    (gaic,), (fcdb,) = crop_sets.read_gaic(tmp_path), crop_sets.read_fcdb(tmp_path)
    (flms,) = crop_sets.read_flms(tmp_path)
    assert [sample.photo.name for sample in (gaic, fcdb, flms)] == ["a.jpg", "9_b.jpg", "c.jpg"]
    assert gaic.box_C4.tolist() == flms.box_C4.tolist() == [[2, 1, 40, 30]]
    assert gaic.rating_C.tolist() == [3.5] and fcdb.box_C4.tolist() == [[1, 2, 31, 42]]


def test_metrics_of_crops_are_those_of_their_papers(crop_sets):
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    np.testing.assert_allclose(crop_sets.find_overlap((0, 0, 10, 10), boxes), [1, 1 / 3, 0])
    np.testing.assert_allclose(crop_sets.find_displacement((0, 0, 10, 10), boxes[:2], (20, 10)), [0, 0.125])
    ratings = np.array([5.0, 4, 3, 2, 1])
    assert crop_sets.count_hits(np.array([0, 9, 0, 0, 8]), ratings, 2, 2) == 0.5


def test_crops_that_people_chose_are_compared_with_the_advice(subject, scorer, pool, detector, crop_sets):
    drawn = crop_sets.Sample(subject, np.array([[888, 0, 1400, 512]]))
    found = crop_sets.compare_places([drawn], scorer, pool, detector)
    assert found["rgnet"]["IoU"] > 0.75 > found["middle"]["IoU"]
    assert found["rgnet"]["displacement"] < found["middle"]["displacement"]
    boxes = np.array([[left, 0, left + 512, 512] for left in range(0, 889, 111)])
    rated = crop_sets.Sample(subject, boxes, np.arange(len(boxes)))
    ranked = crop_sets.compare_ratings([rated], scorer)
    assert ranked["score"]["SRCC"] > 0.5 and ranked["score"]["Acc 1/5"] == 1
