"""Which files of a folder are found: in order, once, and whatever the folder holds."""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from rgnet.errors import PhotoError
from rgnet.imaging.decode import decode
from rgnet.imaging.discovery import PHOTO_SUFFIXES, Selection, find_photos, photo_names


def make(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def found_in(folder, **options):
    return [path.relative_to(folder).as_posix() for path in find_photos([folder], Selection(**options))]


def test_find_photos_walks_folders_in_order_and_takes_files_as_given(tmp_path):
    for name in ("b/2.PNG", "b/1.heic", "a.jpg", "notes.txt", ".hidden.jpg", ".git/x.jpg", "c.cr2"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b" / "loop").symlink_to(tmp_path)
    found = [path.relative_to(tmp_path).as_posix() for path in find_photos([tmp_path])]
    assert found == ["a.jpg", "b/1.heic", "b/2.PNG", "c.cr2"]
    given = [tmp_path / "notes.txt", str(tmp_path / "missing.jpg")]
    assert list(find_photos(given)) == [tmp_path / "notes.txt", tmp_path / "missing.jpg"]
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in PHOTO_SUFFIXES)


def test_odd_entries_are_one_row_each_and_their_neighbours_are_found(tmp_path):
    make(tmp_path, "a.jpg", "z.jpg", "locked/x.jpg")
    for link, target in (
        ("loop.jpg", "loop.jpg"),
        ("stale.jpg", "gone.jpg"),
        ("through.jpg", "a.jpg/x.jpg"),
        ("loop", "loop"),
    ):
        (tmp_path / link).symlink_to(target)
    assert found_in(tmp_path) == [
        "a.jpg", "locked/x.jpg", "loop.jpg", "stale.jpg", "through.jpg", "z.jpg",
    ]  # fmt: skip
    reasons = {}
    for name in ("loop.jpg", "stale.jpg", "through.jpg"):
        with pytest.raises(PhotoError) as refused:
            decode(tmp_path / name)
        reasons[name] = refused.value.message
    assert reasons["loop.jpg"].startswith("this file cannot be read (Too many levels of symbolic links)")
    assert reasons["stale.jpg"].startswith("this link points to a file that is not there")
    assert reasons["through.jpg"].startswith("this link points to a file that is not there")


def test_a_folder_that_cannot_be_listed_is_yielded_itself(tmp_path, monkeypatch):
    make(tmp_path, "a.jpg", "locked/x.jpg", "z.jpg")
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert found_in(tmp_path) == ["a.jpg", "locked", "z.jpg"]


def test_a_tree_deeper_than_python_and_than_the_system_allow_is_one_row(tmp_path):
    make(tmp_path, "a.jpg", "z.jpg")
    with contextlib.chdir(tmp_path):
        for _ in range(1200):
            Path("deep").mkdir()
            os.chdir("deep")
    first, *rows, last = photo_names([tmp_path])
    assert (first, last) == (str(tmp_path / "a.jpg"), str(tmp_path / "z.jpg"))
    assert len(rows) == 1 and rows[0].endswith("/deep") and len(rows[0]) > 4000
    with pytest.raises(PhotoError, match="File name too long"):
        decode(rows[0])
    # What comes after the tests does not get so deep
    subprocess.run(["rm", "-r", tmp_path / "deep"], check=True)


def test_folders_are_walked_once_however_often_they_are_named(tmp_path):
    make(tmp_path, "a/1.jpg", "a/b/2.jpg")
    (tmp_path / "again").symlink_to(tmp_path / "a")
    given = [tmp_path / "a", tmp_path / "a" / "b", tmp_path / "again", tmp_path / "a"]
    assert [path.name for path in find_photos(given)] == ["1.jpg", "2.jpg"]
    assert len(list(find_photos([tmp_path / "a" / "1.jpg"] * 2))) == 2


def test_system_folders_are_passed_over_and_reported(tmp_path):
    system = (
        "2024/@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg", "#recycle/b.jpg", "$RECYCLE.BIN/S-1-5/c.jpg", "lost+found/d.jpg",
        "Photos.lrdata/e.jpg", "My.photoslibrary/resources/f.jpg", "CaptureOne/Cache/g.jpg",
    )  # fmt: skip
    make(tmp_path, "2024/a.jpg", "My.photoslibrary/originals/1/h.jpg", "resources/i.jpg", *system)
    skipped = []
    found = found_in(tmp_path, on_skip=lambda path, reason: skipped.append((path, reason)))
    assert found == ["2024/a.jpg", "My.photoslibrary/originals/1/h.jpg", "resources/i.jpg"]
    assert len(skipped) == 7 and {reason for _, reason in skipped} == {"system"}
    assert "#recycle/b.jpg" in found_in(tmp_path, include=["#recycle"])
    assert [path.name for path in find_photos([tmp_path / "#recycle"])] == ["b.jpg"]


def test_patterns_exclude_files_and_folders_and_include_hidden_ones(tmp_path):
    make(tmp_path, "a.jpg", "a.tif", "rejects/b.jpg", "2019/raw/c.jpg", "2020/raw/d.jpg", ".hidden/e.jpg")
    skipped = []
    found = found_in(
        tmp_path,
        exclude=["*.tif", "rejects", "2019/raw"],
        include=[".hidden"],
        on_skip=lambda path, reason: skipped.append(reason),
    )
    assert found == [".hidden/e.jpg", "2020/raw/d.jpg", "a.jpg"] and skipped == ["excluded"] * 3
    assert "a.tif" not in found_in(tmp_path, exclude=["*.tif"], include=["*.tif"])
