"""The clip of a Live Photo belongs to its picture: one photo, whatever is listed; a clip without it is a video."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from raw_files import TAKEN, dng, jpeg, scene
from sample_library import MODEL, PAST, read_scores, scan_folder

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.outline import make_outline
from rgnet.catalogue.paging import Listing
from rgnet.catalogue.queries import find_entry, find_scored
from rgnet.catalogue.scan_videos import ScoredVideo
from rgnet.catalogue.selects import Filter
from rgnet.catalogue.statistics import compute_statistics
from rgnet.imaging.discovery import Selection
from rgnet.imaging.prepare import Prepared
from rgnet.results import VideoFrame

pytest.importorskip("av")
pytest.importorskip("rawpy")

SMALL = scene(48, 32)
GREY = Prepared(np.full((16, 16, 3), 99, np.uint8), 48, 32, ())
# By their names: when they begin, and how many seconds they last
CLIPS = {
    "a.MOV": ("2026-11-24T09:59:58", 2.9),
    "b.mov": ("2026-11-24T10:00:00", 3.0),
    "c.mov": ("2026-11-24T09:59:59", 2.1),
    "long.mov": ("2026-11-24T10:00:00", 20.0),
    "later.mov": ("2026-11-24T10:00:09", 3.0),
    "undated.mov": (None, 3.0),
    "alone.mov": ("2026-11-24T10:00:00", 3.0),
}
OWN = ["alone.mov", "later.jpg", "later.mov", "long.jpg", "long.mov", "undated.jpg", "undated.mov"]


def score_clips(videos, scorer, _pool):
    for path in videos:
        taken, duration_s = CLIPS[Path(path).name]
        frame = VideoFrame(1.0, duration_s, 1)
        yield (
            path,
            ScoredVideo(
                record=scorer.record(path, GREY), frame=frame, taken=taken, camera=None, picture=b"picture"
            ),
        )


@pytest.fixture
def phone(tmp_path):
    """(folder, catalogue, scans of it)."""
    folder, file = tmp_path / "phone", tmp_path / "photos.sqlite"
    folder.mkdir()
    pictures = {"A.HEIC": "a", "b.jpg": "b", "b.dng": "", "c.dng": "c"}
    pictures |= {f"{name}.jpg": name for name in ("long", "later", "undated")}
    for name, salt in pictures.items():
        data = dng(SMALL) if name.endswith(".dng") else jpeg(SMALL, taken=TAKEN)
        (folder / name).write_bytes(data + salt.encode())
    for name in CLIPS:
        (folder / name).write_bytes(f"moving pictures of {name}".encode())
    for path in folder.iterdir():
        os.utime(path, (PAST, PAST))
    return (
        folder,
        file,
        lambda: scan_folder(folder, file, selection=Selection(videos=True), score_videos=score_clips),
    )


def shown(file: Path, **wanted) -> list[str]:
    return sorted(Path(path).name for path in read_scores(file, **wanted))


def test_picture_and_clip_are_one_photo(phone):
    folder, file, scan = phone
    outcomes, _ = scan()
    assert set(outcomes.values()) == {"scored"}
    assert shown(file) == sorted(["A.HEIC", "b.jpg", "c.dng", *OWN])
    with Catalogue.open(file) as catalogue:
        found = compute_statistics(catalogue, MODEL)
        outline = make_outline(catalogue, Listing(wanted=Filter(model=MODEL)))
        rows = {Path(row.record.path).name: row for row in find_scored(catalogue, Filter(model=MODEL))}
        assert find_entry(catalogue, folder / "a.MOV", MODEL).record.ok
    assert (found.files, found.photos, found.clips, found.videos) == (14, 10, 3, 4)
    assert found.scored_photos == outline.total == 10 and found.other_photos == 0
    # Stars go next to a picture and the raw file beside it, never to its clip
    assert rows["A.HEIC"].pair is None and rows["b.jpg"].pair == str(folder / "b.dng")
    # As of pairs, a filter that only the clip matches finds it
    assert shown(file, text="a.mov") == ["a.MOV"]
    assert set(scan()[0].values()) == {"unchanged"} and len(shown(file)) == 10


def test_a_clip_is_a_video_again_where_its_picture_is_gone_or_has_no_score(phone):
    folder, file, scan = phone
    scan()
    (folder / "A.HEIC").unlink()
    with Catalogue.open(file) as catalogue:
        catalogue.execute(
            "UPDATE score SET score = NULL, error = 'damaged' WHERE photo = "
            "(SELECT photo FROM path WHERE path = ?)",
            (os.fsencode(folder / "c.dng"),),
        )
    scan()
    assert shown(file) == sorted(["a.MOV", "b.jpg", "c.mov", *OWN])
    # Another picture by the same name
    (folder / "b.jpg").write_bytes(jpeg(SMALL, taken="2026:12:24 10:00:00"))
    (folder / "b.dng").unlink()
    scan()
    assert shown(file) == sorted(["a.MOV", "b.jpg", "b.mov", "c.mov", *OWN])
