"""A video is one photo of the catalogue, by its best frame, at a cost that is bounded; never missing in silence."""

import csv
import json
import os
import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from clips import RATE, blurred, dissolve, flat, moving, write
from PIL import Image
from sample_library import MODEL, PAST, count_outcomes, make_photo, read_errors, read_scores, scan_folder

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.queries import find_entry, find_scored
from rgnet.catalogue.selects import Filter
from rgnet.culling.best_frame import score_videos
from rgnet.errors import PhotoUnsupported
from rgnet.imaging.crop import CropJob, read_crops
from rgnet.imaging.decode import decode
from rgnet.imaging.discovery import Selection
from rgnet.imaging.jobs import DecodeJob, run_job
from rgnet.imaging.preprocess import Preprocess
from rgnet.previews import PreviewCache

pytest.importorskip("av")

VIDEOS = Selection(videos=True)


def bright(frames):
    return [(frame // 2 + 110).astype(np.uint8) for frame in frames]


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """(folder, catalogue, previews, outcomes) of a scan of a photo and three videos, one of them good."""
    folder = tmp_path_factory.mktemp("videos")
    make_photo(folder / "photos" / "photo.png", 60)
    shots = dissolve([*flat(255, 0.6), *bright(moving(1, 2))], moving(2, 2), 0.8)
    write(folder / "photos" / "clip.mp4", [*shots, *blurred(bright(moving(1, 1)))])
    write(folder / "photos" / "black.mkv", flat(0, 1))
    (folder / "photos" / "text.mov").write_text("no video at all")
    for path in (folder / "photos").iterdir():
        os.utime(path, (PAST, PAST))
    previews = PreviewCache(folder / "previews.sqlite")
    outcomes, _ = scan(folder, previews=previews)
    yield folder, folder / "c.sqlite", previews, outcomes
    previews.close()


def scan(folder, **options):
    options = {"selection": VIDEOS, "score_videos": score_videos} | options
    return scan_folder(folder / "photos", folder / "c.sqlite", **options)


def entry(file, path):
    with Catalogue.open(file) as catalogue:
        return find_entry(catalogue, path, MODEL)


def test_a_video_has_the_score_of_its_best_frame_and_says_which_that_is(scanned):
    folder, file, previews, outcomes = scanned
    assert {Path(path).name: outcome for path, outcome in outcomes.items()} == {
        "photo.png": "scored",
        "clip.mp4": "scored",
        "black.mkv": "failed",
        "text.mov": "failed",
    }
    found = entry(file, folder / "photos" / "clip.mp4")
    time_s, duration_s, shots = found.frame
    # The brighter shot, neither white nor in the dissolve, which begins at 1.8 s
    assert 0.6 < time_s < 1.8 and time_s == 1.0
    assert duration_s == pytest.approx(4.8) and shots == 4
    assert found.record.notes == ("video: scored by its frame at 0:01 of 0:05",)
    assert (found.record.width, found.record.height) == (192, 108) and found.votes_HW is not None
    # What is kept to be shown is the very frame
    picture = Image.open(BytesIO(previews.picture(found.sha256, found.frame)))
    expected = bright(moving(1, 2))[round((1.0 - 0.6) * RATE)]
    assert np.abs(np.asarray(picture.convert("RGB"), int) - expected).mean() < 8
    errors = {Path(path).name: error for path, error in read_errors(file).items()}
    assert errors["black.mkv"].startswith("no frame of this video is usable: black, white")
    assert errors["text.mov"].startswith("this video cannot be read")


def test_what_is_shown_later_is_that_frame_too(scanned):
    """By whatever decodes it: a page, the gallery, an explanation in it."""
    folder, file, _, _ = scanned
    path = str(folder / "photos" / "clip.mp4")
    found = entry(file, path)
    job = {"source": path, "frame_s": found.frame.time_s, "pictures": (96,), "picture_format": "PNG"}
    answer = run_job(DecodeJob(**job, expected_sha256=bytes.fromhex(found.sha256)))
    assert answer.error is None and (answer.width, answer.height) == (192, 108)
    assert Image.open(BytesIO(answer.pictures[0])).size == (96, 54)
    assert "changed since" in run_job(DecodeJob(**job, expected_sha256=b"other")).error.reason
    late = run_job(DecodeJob(**job | {"frame_s": 99.0}))
    assert "no frame at 99.000 s" in late.error.reason


def test_a_second_scan_reads_no_video_and_a_copy_is_known(scanned, tmp_path):
    folder = tmp_path / "again"
    shutil.copytree(scanned[0] / "photos", folder / "photos")
    shutil.copy(scanned[1], folder / "c.sqlite")
    outcomes, missing = scan(folder, score_videos=None)
    assert outcomes[str(folder / "photos" / "clip.mp4")] == "known" and missing == 0
    outcomes, _ = scan(folder, score_videos=None)
    assert count_outcomes(outcomes) == {"unchanged": 2, "failed before": 2}


def test_without_videos_those_of_earlier_scans_stay(scanned, tmp_path):
    folder, file, _, _ = scanned
    shutil.copy(file, tmp_path / "c.sqlite")
    outcomes, missing = scan_folder(folder / "photos", tmp_path / "c.sqlite")
    assert [Path(path).name for path in outcomes] == ["photo.png"] and missing == 0
    assert len(read_scores(tmp_path / "c.sqlite")) == 2


def test_videos_are_not_grouped_but_are_among_the_best(scanned, typed):
    _, file, _, _ = scanned
    group = typed("group", "--catalogue", file)
    assert group.stdout.count(b"\n") == 1 and "1 alone" in group.errors and "not compared" not in group.errors
    rows = typed("top", "--distinct", "--json", "--catalogue", file).stdout.splitlines()
    assert [Path(json.loads(row)["path"]).name for row in rows] == ["clip.mp4", "photo.png"]
    assert json.loads(typed("stats", "--json", "--catalogue", file).stdout)["scored_videos"] == 1


def test_tables_name_the_frame_and_stars_stand_beside_the_video(scanned, tmp_path, typed):
    _, file, _, _ = scanned
    assert typed("export", "--catalogue", file, "-o", tmp_path / "rows.csv").returncode == 0
    with (tmp_path / "rows.csv").open() as table:
        clip, photo, *_ = csv.DictReader(table)
    assert (clip["frame_s"], clip["duration_s"], clip["shots"]) == ("1.0", "4.8", "4")
    assert photo["frame_s"] == photo["shots"] == ""
    rated = [json.loads(row) for row in typed("rate", "--json", "--catalogue", file).stdout.splitlines()]
    assert any(row["sidecar"].endswith("clip.mp4.xmp") for row in rated)


def test_of_a_long_video_pieces_are_looked_at_that_are_spread_over_it(tmp_path, monkeypatch):
    reading = "rgnet.culling.video_reading."
    for name, value in {"_SAMPLE_S": 6.0, "_PIECES": 2, "_PIECE_S": 4.0, "_LOOKS": 6}.items():
        monkeypatch.setattr(reading + name, value)
    path = write(
        tmp_path / "photos" / "long.mp4", [*moving(1, 9), *moving(1, 3), *bright(moving(2, 4))], key=50
    )
    outcomes, _ = scan(tmp_path)
    assert outcomes == {str(path): "scored"}
    found = entry(tmp_path / "c.sqlite", path)
    assert found.frame.shots is None and 13.5 < found.frame.time_s < 16
    assert found.frame.duration_s == pytest.approx(16, abs=0.1)
    assert "only 8 s of this video were looked at, spread over its length" in found.record.notes


def test_of_a_video_that_does_not_say_how_long_it_is_no_more_is_looked_at(tmp_path, monkeypatch):
    reading = "rgnet.culling.video_reading."
    for name, value in {"_SAMPLE_S": 2.0, "_PIECES": 2, "_PIECE_S": 1.0, "CHUNK_S": 1.0}.items():
        monkeypatch.setattr(reading + name, value)
    monkeypatch.setattr(reading + "VideoReading.duration_s", None)
    path = write(tmp_path / "photos" / "stream.mp4", moving(1, 4), key=50)
    scan(tmp_path)
    found = entry(tmp_path / "c.sqlite", path)
    assert found.frame.duration_s < 2
    assert "only the first 2 s were looked at: the file does not state its length" in found.record.notes


def test_without_the_extra_every_video_is_a_row_and_one_line_sums_them_up(
    scanned, tmp_path, monkeypatch, typed, tiny_model
):
    monkeypatch.setattr("rgnet.imaging.video_file.is_installed", lambda: False)
    for _ in range(2):  # the second scan tries again
        done = typed("scan", scanned[0] / "photos", "--catalogue", tmp_path / "c.sqlite", "-m", tiny_model)
        assert done.returncode == 3 and done.errors.count("skipped") == 1, done.errors
        assert '3 videos skipped: in your copy of rgnet, run  pip install ".[video]"' in done.errors
        assert "3 failed, 0 missing of 4 files" in done.errors
    with Catalogue.open(tmp_path / "c.sqlite") as catalogue:
        (photo,) = find_scored(catalogue, Filter(model=catalogue.first("SELECT hash FROM model")["hash"]))
    assert photo.frame is None


def test_where_a_photo_is_asked_for_a_video_is_refused_with_what_to_do(scanned):
    """Whatever decodes it: score, explain and evaluations; crops; the library in this process."""
    path = str(scanned[0] / "photos" / "clip.mp4")
    job = CropJob(source=path, preprocess=Preprocess(size=16))
    for ask in (lambda: raise_error(run_job(job)), lambda: read_crops(job), lambda: decode(path)):
        with pytest.raises(
            PhotoUnsupported, match="this is a video, not a photo: rgnet frames finds its best"
        ):
            ask()


def raise_error(answer):
    raise answer.error
