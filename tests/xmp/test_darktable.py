"""darktable itself imports what rgnet writes: stars, rejection and colours arrive in its library."""

import contextlib
import os
import shutil
import sqlite3
import subprocess

import pytest
from PIL import Image

from rgnet.xmp.marks import plan_marks
from rgnet.xmp.sidecar import apply, plan_rating

STARS, REJECTED = 7, 8  # in darktable's column of flags
COLOURS = ("red", "yellow", "green", "blue", "purple")
MARKS = {
    "person": {"stars": 5, "colour": "red"},
    "rejected": {"pick": "rejected"},
    "purple": {"stars": 2, "colour": "purple"},
}


@pytest.fixture
def library(tmp_path):
    """darktable's library after it has imported four photos with sidecars by rgnet."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("model", *MARKS):
        Image.new("RGB", (64, 64), "teal").save(folder / f"{name}.jpg")
    apply(plan_rating(folder / "model.jpg", 4, model="m 0123456789ab"))
    for name, marks in MARKS.items():
        apply(plan_marks(folder / f"{name}.jpg", **marks).change)
    core = ["--configdir", "config", "--cachedir", "cache", "--library", "library.db", "--disable-opencl"]
    command = ["darktable-cli", "photos", "exported", "--width", "16", "--core", *core]
    (tmp_path / "exported").mkdir()
    environment = os.environ | {"HOME": str(tmp_path)}
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True, timeout=300)
    return tmp_path / "library.db"


@pytest.mark.skipif(not shutil.which("darktable-cli"), reason="needs darktable-cli")
def test_darktable_imports_stars_rejection_and_colours(library):
    with contextlib.closing(sqlite3.connect(library)) as database, database:
        flags = dict(database.execute("SELECT filename, flags FROM images"))
        labels = database.execute("SELECT filename, color FROM color_labels JOIN images ON imgid = id")
        colours = {name: COLOURS[colour] for name, colour in labels}
    rejected = {name for name, value in flags.items() if value & REJECTED}
    stars = {name: value & STARS for name, value in flags.items() if name not in rejected}
    assert stars == {"model.jpg": 4, "person.jpg": 5, "purple.jpg": 2} and rejected == {"rejected.jpg"}
    assert colours == {"person.jpg": "red", "purple.jpg": "purple"}
