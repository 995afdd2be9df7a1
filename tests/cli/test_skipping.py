"""System folders are skipped and counted by every command that searches folders; patterns exclude and include."""

import csv
import os

import numpy as np
import pytest
from PIL import Image

from rgnet.catalogue.locations import is_excluded
from rgnet.cli.skipping import Skipping
from rgnet.imaging.discovery import Selection, skip_reasons

PHOTOS = (
    *("nas/2024/a.png", "nas/2024/rejects/b.png", "nas/2024/raw/c.png"),
    *("nas/2024/@eaDir/a.png/SYNOPHOTO_THUMB_M.png", "nas/#recycle/2024/d.png", "nas/.thumbs/e.png"),
)


@pytest.fixture
def rgnet(tmp_path, tiny_model, monkeypatch, typed):
    """Runs the command beside a folder `nas`; (exit code, standard error)."""
    draw = np.random.default_rng(0)
    for name in PHOTOS:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (90, 120, 3), dtype=np.uint8)).save(path)
        os.utime(path, (1e9, 1e9))  # a file written a moment before it is read would be hashed again
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RGNET_MODELS", str(tiny_model.parent))

    def run(*words: str) -> tuple[int, str]:
        done = typed(*words)
        return done.returncode, done.errors

    return run


def paths_in(file) -> set[str]:
    with file.open(newline="") as rows:
        return {row["path"].partition("nas/")[2] for row in csv.DictReader(rows)}


def test_score_skips_system_folders_and_what_is_excluded_and_says_how_many(rgnet, tmp_path):
    code, errors = rgnet("score", "nas", "-m", "tiny-score", "-o", "s.csv", "--exclude", "rejects")
    assert code == 0, errors
    assert paths_in(tmp_path / "s.csv") == {"2024/a.png", "2024/raw/c.png"}
    assert "skipped: 2 system folders; --include PATTERN keeps them\n" in errors
    assert "skipped: 1 excluded files and folders\n" in errors

    code, errors = rgnet(
        "score", "nas", "-m", "tiny-score", "-o", "s.csv", "--include", "#recycle", "--include", ".thumbs"
    )
    assert code == 0 and "skipped: 1 system folders" in errors
    assert {"#recycle/2024/d.png", ".thumbs/e.png"} < paths_in(tmp_path / "s.csv")


def test_a_scan_that_excludes_photos_leaves_them_in_the_catalogue_and_a_report_does_not_show_them(
    rgnet, tmp_path
):
    words = ("-m", "tiny-score", "--catalogue", "c.sqlite")
    code, errors = rgnet("scan", "nas", *words)
    assert code == 0 and "3 scored" in errors and "skipped: 2 system folders" in errors
    code, errors = rgnet("scan", "nas", *words, "--exclude", "rejects", "--exclude", "c.*")
    assert code == 0 and "1 unchanged" in errors and " 0 missing" in errors, errors
    assert "skipped: 2 excluded files and folders" in errors
    rgnet("export", "--catalogue", "c.sqlite", "-o", "all.csv")
    assert paths_in(tmp_path / "all.csv") == {"2024/a.png", "2024/rejects/b.png", "2024/raw/c.png"}
    code, errors = rgnet("report", "nas", *words, "-o", "r.html", "--exclude", "2024/r*")
    assert code == 0 and "1 photos" in errors, errors
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "a.png" in page and "b.png" not in page and "c.png" not in page


def test_stars_are_not_written_into_system_folders_that_an_earlier_scan_took(rgnet, tmp_path):
    words = ("--catalogue", "c.sqlite", "-m", "tiny-score")
    rgnet("scan", "nas", *words, "--include", "#recycle")
    code, errors = rgnet("rate", "nas", *words, "--write", "--exclude", "rejects")
    assert code == 0 and "2 changed of 2 photos" in errors, errors
    assert "skipped: 1 photos in system folders; --include PATTERN keeps them\n" in errors
    assert "skipped: 1 excluded photos\n" in errors
    assert len(list((tmp_path / "nas").rglob("*.xmp"))) == 2


def test_reasons_of_a_path_are_those_of_its_folders_too():
    selection = Selection(exclude=["*.tif", "2019/raw"], include=["lost+found"])
    assert skip_reasons("/p/2024/a.jpg", selection) == set()
    assert skip_reasons("/p/a.tif", selection) == {"excluded"}
    assert skip_reasons("/p/2019/raw/x/a.jpg", selection) == {"excluded"}
    assert skip_reasons("/p/@eaDir/a.jpg/x.jpg", selection) == {"system"}
    assert skip_reasons("/p/lost+found/a.jpg", selection) == set()
    assert skip_reasons("/home/me/.local/photos/a.jpg", selection) == set()
    assert is_excluded("/p/@eaDir/ü/a.tif".encode(), "b\0*.tif") and not is_excluded(
        b"/p/@eaDir/a.jpg", "*.tif"
    )


def test_single_photos_are_counted_once(capsys):
    skipping = Skipping(["rejects"], [])
    skipped = [
        skipping.skips_photo(path) for path in ("/p/a.jpg", "/p/rejects/a.jpg", "/p/@eaDir/rejects/a.jpg")
    ]
    assert skipped == [False, True, True]
    skipping.print(photos=True)
    assert capsys.readouterr().err.splitlines() == ["skipped: 2 excluded photos"]
