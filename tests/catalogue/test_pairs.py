"""A raw file beside its JPEG or HEIC is one photo: shown once, counted once, whichever of the two has a score."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from raw_files import TAKEN, dng, jpeg, scene
from sample_library import MODEL, PAST, read_scores, scan_folder

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.outline import find_page, make_outline
from rgnet.catalogue.paging import Listing
from rgnet.catalogue.queries import count_failed, count_scored, find_entry, find_scored
from rgnet.catalogue.selects import Filter
from rgnet.catalogue.statistics import compute_statistics
from rgnet.imaging import raw

pytestmark = pytest.mark.skipif(not raw.is_installed(), reason="needs rawpy")

SMALL = scene(48, 32)
LATER = "2026:11:24 10:00:01"


@pytest.fixture
def card(tmp_path):
    """Writes files of a memory card, and gives their folder."""
    folder = tmp_path / "card"

    def write(**files: bytes) -> Path:
        for name, data in files.items():
            path = folder / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            os.utime(path, (PAST, PAST))
        return folder

    return write


def shown(folder: Path, file: Path, **wanted) -> list[str]:
    return sorted(os.path.relpath(path, folder) for path in read_scores(file, **wanted))


def check_counts(file: Path, **expected: int) -> None:
    """In the statistics and in the gallery, which must say the same."""
    with Catalogue.open(file) as catalogue:
        found = compute_statistics(catalogue, MODEL)
        outline = make_outline(catalogue, listing := Listing(wanted=Filter(model=MODEL)))
        page = find_page(catalogue, listing, outline, offset=0, limit=50)
    assert {name: getattr(found, name) for name in expected} == expected
    assert (found.scored_photos, found.failed_photos) == (outline.scored, outline.failed) and len(
        page
    ) == found.photos
    assert found.other_photos == 0 and sum(found.bars) == outline.scored


def test_a_raw_file_beside_its_jpeg_or_heic_is_one_photo(card, tmp_path):
    file, raw_file = tmp_path / "photos.sqlite", dng(SMALL)
    picture = jpeg(SMALL, taken=TAKEN)
    folder = card(
        a_jpg=picture,
        A_DNG=raw_file,
        b_HEIC=picture + b"b",
        b_dng=raw_file + b"b",
        c_jpg=jpeg(SMALL, taken=LATER),
        c_dng=raw_file + b"c",
        other__d_jpg=picture + b"d",
        d_dng=raw_file + b"d",
        e_jpg=jpeg(SMALL),
        e_dng=raw_file + b"e",
    )
    outcomes, _ = scan_folder(folder, file)
    assert set(outcomes.values()) == {"scored"} and len(outcomes) == 10
    # Another second, another folder, no time at all: those are photos of their own
    alone = ["c.dng", "c.jpg", "d.dng", "e.dng", "e.jpg", "other/d.jpg"]
    assert shown(folder, file) == sorted(["a.jpg", "b.HEIC", *alone])
    check_counts(file, files=10, photos=8, scored_photos=8, failed_photos=0, paired_files=2)
    with Catalogue.open(file) as catalogue:
        pairs = {row.record.path: row.pair for row in find_scored(catalogue, Filter(model=MODEL))}
        assert pairs[str(folder / "a.jpg")] == str(folder / "A.DNG")
        assert find_entry(catalogue, folder / "A.DNG", MODEL).pair == str(folder / "a.jpg")
        assert find_entry(catalogue, folder / "c.jpg", MODEL).pair is None
    # A filter that only the raw file matches finds the photo by it
    assert shown(folder, file, text="a.dng") == ["A.DNG"]
    assert shown(folder, file, exclude=("*.jpg",), text="a.") == ["A.DNG"]


def test_the_raw_file_stands_for_the_photo_while_the_jpeg_is_missing_or_has_no_score(card, tmp_path):
    file = tmp_path / "photos.sqlite"
    broken = jpeg(SMALL, taken=TAKEN)[:-300]
    folder = card(a_jpg=jpeg(SMALL, taken=TAKEN), a_dng=dng(SMALL), b_jpg=broken, b_dng=dng(SMALL) + b"b")
    scan_folder(folder, file)
    # Of a JPEG that does not decode the time is not known
    assert shown(folder, file) == ["a.jpg", "b.dng"]
    (folder / "a.jpg").unlink()
    scan_folder(folder, file)
    assert shown(folder, file) == ["a.dng", "b.dng"]
    card(a_jpg=jpeg(SMALL, taken=TAKEN))
    scan_folder(folder, file)
    assert shown(folder, file) == ["a.jpg", "b.dng"]
    # Another picture takes the JPEG's place
    card(a_jpg=jpeg(SMALL, taken=LATER) + b"l")
    scan_folder(folder, file)
    assert shown(folder, file)[:2] == ["a.dng", "a.jpg"]


def test_what_fails_twice_counts_once(card, tmp_path):
    file = tmp_path / "photos.sqlite"
    with_header = dng(SMALL)
    folder = card(a_jpg=jpeg(SMALL, taken=TAKEN), a_dng=with_header)
    scan_folder(folder, file)
    with Catalogue.open(file) as catalogue:
        catalogue.execute("UPDATE score SET score = NULL, error = 'damaged'")
        assert (
            count_scored(catalogue, Filter(model=MODEL)),
            count_failed(catalogue, Filter(model=MODEL)),
        ) == (0, 1)
    check_counts(file, photos=1, scored_photos=0, failed_photos=1, paired_files=1)


def test_a_jpeg_that_fails_is_not_listed_where_its_raw_file_has_a_score(card, tmp_path):
    file = tmp_path / "photos.sqlite"
    folder = card(a_jpg=jpeg(SMALL, taken=TAKEN), a_dng=dng(SMALL))
    scan_folder(folder, file)
    with Catalogue.open(file) as catalogue:
        catalogue.execute(
            "UPDATE score SET score = NULL, error = 'damaged' WHERE photo = "
            "(SELECT photo FROM path WHERE path = ?)",
            (os.fsencode(folder / "a.jpg"),),
        )
    assert shown(folder, file) == ["a.dng"]
    check_counts(file, files=2, photos=1, scored_photos=1, failed_photos=0, paired_files=1)
    scan_folder(folder, file, name="another")
    check_counts(file, photos=1, scored_photos=1, failed_photos=0)


def test_without_the_extra_raw_files_are_rows_that_the_next_scan_tries_again(card, tmp_path):
    file = tmp_path / "photos.sqlite"
    folder = card(a_jpg=jpeg(SMALL, taken=TAKEN), a_dng=dng(SMALL))
    outcomes, _ = scan_folder(folder, file, decode=without_libraw)
    assert outcomes == {str(folder / "a.jpg"): "scored", str(folder / "a.dng"): "failed"}
    check_counts(file, photos=2, scored_photos=1, failed_photos=1)
    outcomes, _ = scan_folder(folder, file)
    assert outcomes == {str(folder / "a.jpg"): "unchanged", str(folder / "a.dng"): "scored"}
    check_counts(file, photos=1, scored_photos=1, failed_photos=0)


def without_libraw(job):
    from rgnet.imaging.jobs import run_job

    raw.is_installed = lambda: False
    return run_job(job)
