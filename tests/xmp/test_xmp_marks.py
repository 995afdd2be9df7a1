"""A person's marks in sidecars: other programs read them, nothing that another program says is lost unasked."""

import errno
import json
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest
from sidecars import DARKTABLE, LIGHTROOM, MODEL

from rgnet.errors import PhotoNotFound, PhotoRefused
from rgnet.xmp.marks import plan_marks
from rgnet.xmp.packet import Packet
from rgnet.xmp.sidecar import apply, plan_rating, plan_undo

LIGHTROOM_UNRATED = LIGHTROOM.format(attribute="", extension="JPG")


def rated(text: str, rating: int) -> str:
    return text.format(attribute=f'\n   xmp:Rating="{rating}"', extension="JPG")


def write(photo: Path, **marks):
    found = plan_marks(photo, **marks)
    apply(found.change)
    return found


def test_a_new_sidecar_says_all_that_was_marked_and_follows_later_changes(photo, sidecar):
    first = write(photo, pick="picked", stars=4, colour="red")
    assert (first.change.action, first.before, first.kept) == ("create", {}, ())
    assert first.after == {"rating": "4", "label": "Red", "pick": "1"}
    assert plan_marks(photo, pick="picked", stars=4, colour="red").change.action == "unchanged"
    second = write(photo, pick="rejected", stars=4)
    assert (second.change.action, second.after) == ("set", {"rating": "-1", "pick": "-1"})
    assert write(photo).after == {} and Packet(sidecar.read_bytes(), "x").rating is None


def test_nothing_marked_writes_nothing(photo, sidecar):
    assert plan_marks(photo).change.action == "unchanged"
    write(photo)
    assert not sidecar.exists()


@pytest.mark.parametrize("text", [LIGHTROOM, DARKTABLE], ids=["Lightroom", "darktable"])
def test_a_rating_that_another_program_gave_is_kept_unless_asked_for(photo, sidecar, text):
    sidecar.write_text(rated(text, 2))
    found = write(photo, stars=5, colour="blue")
    assert found.kept == ("rating",) and found.after == {"rating": "2", "label": "Blue"}
    # Also afterwards, when the sidecar says what rgnet wrote there
    assert plan_marks(photo, stars=5, colour="blue").kept == ("rating",)
    assert write(photo, stars=5, colour="blue", overwrite=True).after["rating"] == "5"
    assert "\n   " in sidecar.read_text() and write(photo, stars=3).after == {"rating": "3"}


def test_what_another_program_changed_after_us_is_kept(photo, sidecar):
    write(photo, stars=3, colour="red")
    sidecar.write_text(sidecar.read_text().replace('xmp:Rating="3"', 'xmp:Rating="5"'))
    found = write(photo, stars=1)
    assert found.kept == ("rating",) and found.after == {"rating": "5"}
    write(photo)  # unmarked: the five stars are not ours to take
    assert Packet(sidecar.read_bytes(), "x").rating == 5


def test_stars_inside_the_photo_count_as_a_persons(photo):
    photo.write_bytes(photo.read_bytes() + rated(LIGHTROOM, 2).encode())
    assert plan_marks(photo, stars=4).kept == ("rating",)
    assert plan_marks(photo, stars=2).kept == ()


def test_a_models_stars_give_way_and_never_come_back(photo, sidecar):
    sidecar.write_text(LIGHTROOM_UNRATED)
    apply(plan_rating(photo, 2, model=MODEL))
    assert write(photo, stars=5).after == {"rating": "5"}
    assert plan_rating(photo, 1, model=MODEL).action == "keep"
    assert plan_undo(photo) == ()
    assert Packet(sidecar.read_bytes(), "x").rating == 5


def test_a_models_stars_beside_a_persons_colour_are_reverted_alone(photo, sidecar):
    write(photo, colour="green", pick="picked")
    before = sidecar.read_bytes()
    apply(plan_rating(photo, 2, model=MODEL))
    (undo,) = plan_undo(photo)
    apply(undo)
    assert sidecar.read_bytes() == before
    assert write(photo, colour="red").after == {"label": "Red"}


@pytest.mark.parametrize("plan", [plan_marks, partial(plan_rating, model=MODEL)])
def test_a_photo_that_cannot_be_read_is_refused_alone(photo, monkeypatch, plan):
    def deny(*_arguments, **_options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("rgnet.xmp.embedded.mmap.mmap", deny)
    with pytest.raises(PhotoRefused, match=r"cannot be read \(Permission denied\)"):
        plan(photo, stars=1)


def test_a_photo_that_is_gone_is_refused(photo):
    photo.unlink()
    with pytest.raises(PhotoNotFound):
        plan_marks(photo, stars=1)


@pytest.mark.skipif(
    not shutil.which("exiftool") or not shutil.which("exiv2"), reason="needs exiftool and exiv2"
)
@pytest.mark.parametrize("text", [None, LIGHTROOM_UNRATED], ids=["new", "Lightroom's"])
def test_exiftool_and_exiv2_read_what_was_written(photo, sidecar, text):
    if text:
        sidecar.write_text(text)
    write(photo, pick="picked", stars=4, colour="purple")
    words = ["exiftool", "-json", "-XMP:Rating", "-XMP:Label", "-XMP:Pick", sidecar]
    (read,) = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
    assert (read["Rating"], read["Label"], read["Pick"]) == (4, "Purple", 1)
    words = ["exiv2", "-PXkv", "-g", "Xmp.xmp", "-g", "Xmp.xmpDM", sidecar]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    lines = dict(words for line in shown.splitlines() if len(words := line.split(maxsplit=1)) == 2)
    assert (lines["Xmp.xmp.Rating"], lines["Xmp.xmp.Label"], lines["Xmp.xmpDM.pick"]) == ("4", "Purple", "1")
