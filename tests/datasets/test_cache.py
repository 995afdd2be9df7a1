"""The cache of decoded photos keeps within its bounds, and a full disk costs nothing but a message."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from rgnet.datasets import RatedPhoto
from rgnet.datasets.cache import cached_pixels
from rgnet.datasets.readers import without_progress
from rgnet.errors import DataError, OutputError
from rgnet.imaging.preprocess import Preprocess

BYTES = 4 * 3 * 32**2


@pytest.fixture(scope="module")
def lists(tmp_path_factory):
    """Three lists of four photos."""
    folder = tmp_path_factory.mktemp("photos")
    for index in range(12):
        Image.new("RGB", (40, 40), (20 * index, 10, 200)).save(folder / f"{index}.png")
    made = [RatedPhoto(f"{index}.png", folder / f"{index}.png", 3.0) for index in range(12)]
    return made[:4], made[4:8], made[8:]


def cache(photos, folder, **options):
    return cached_pixels(photos, Preprocess(size=32), folder, track=without_progress, **options)


def test_the_least_recently_used_cache_makes_room(lists, tmp_path):
    names = []
    for age, photos in enumerate(lists[:2]):
        before = set(tmp_path.glob("*.npy"))
        cache(photos, tmp_path)
        (made,) = set(tmp_path.glob("*.npy")) - before
        os.utime(made, (1000 + age, 1000 + age))
        names.append(made)
    room = sum(path.stat().st_size for path in names) + BYTES // 2
    cache(lists[0], tmp_path, limit=room)
    cache(lists[2], tmp_path, limit=room)
    assert names[0].exists() and not names[1].exists()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_list_over_the_limit_says_what_it_needs_and_deletes_nothing(lists, tmp_path, monkeypatch):
    cache(lists[0], tmp_path)
    with pytest.raises(
        DataError, match=r"need 0\.00 GB in .*, more than the limit of 0\.00 GB: raise it with RGNET"
    ):
        cache(lists[1], tmp_path, limit=BYTES - 1)
    monkeypatch.setenv("RGNET_CACHE_GB", "0")
    with pytest.raises(DataError, match="more than the limit"):
        cache(lists[1], tmp_path)
    monkeypatch.setenv("RGNET_CACHE_GB", "lots")
    with pytest.raises(DataError, match="RGNET_CACHE_GB is a whole number of gigabytes, found 'lots'"):
        cache(lists[1], tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_it_may_be_deleted_at_any_time(lists, tmp_path):
    pixels = cache(lists[0], tmp_path)
    (path,) = tmp_path.iterdir()
    path.unlink()
    assert np.array_equal(cache(lists[0], tmp_path), pixels)


FULL = """
import os, resource, sys
from pathlib import Path
from rgnet.datasets import RatedPhoto
from rgnet.datasets.cache import cached_pixels
from rgnet.datasets.readers import without_progress
from rgnet.errors import OutputError
from rgnet.imaging.preprocess import Preprocess

photos, folder, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
listed = [RatedPhoto(path.name, path, 3.0) for path in sorted(photos.iterdir())]
try:
    cached_pixels(listed, Preprocess(size=224), folder, track=without_progress)
except OutputError as problem:
    print(problem, list(folder.iterdir()))
"""


def full_disk(photos, folder, limit=0):
    command = [sys.executable, "-c", FULL, str(photos), str(folder), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"it needs {12 * 3 * 224**2} bytes, and " in done.stdout and "pixels-" in done.stdout
    assert "cannot be written" in done.stdout
    assert done.stdout.rstrip().endswith("[]")
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_file_that_may_not_grow_leaves_nothing_behind(lists, tmp_path):
    assert "File too large" in full_disk(lists[0][0].path.parent, tmp_path, limit=200_000)


def test_a_full_disk_leaves_nothing_behind(lists, tmp_path):
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], capture_output=True
    ).returncode:
        pytest.skip("only root may mount the small disk that this test fills")
    try:
        assert "No space left on device" in full_disk(lists[0][0].path.parent, tmp_path)
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_folder_that_cannot_be_made_is_named(lists, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file/pixels: cannot be written \(Not a directory\): choose"):
        cache(lists[0], tmp_path / "file" / "pixels")


def test_it_works_without_the_reservation_of_linux(lists, tmp_path, monkeypatch):
    expected = np.array(cache(lists[0], tmp_path / "one"))
    monkeypatch.delattr(os, "posix_fallocate")
    assert np.array_equal(cache(lists[0], tmp_path / "two"), expected)
