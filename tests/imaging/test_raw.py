"""Camera raw: by the preview or developed, upright, never a score from a file without a picture; in a process apart."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest
from PIL import Image
from raw_files import dng, is_upright, jpeg, scene, stored

from rgnet.errors import CameraRawRefused, PhotoDamaged, PhotoError, PhotoUnsupported
from rgnet.imaging import raw
from rgnet.imaging.decode import decode
from rgnet.imaging.exif import capture_facts
from rgnet.imaging.jobs import DecodeJob
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.raw_preview import find_previews
from rgnet.imaging.workers import DecodePool
from rgnet.scorer import open_scorer

HERE = DecodePolicy(camera_raw=True)
PREVIEW = "camera raw: scored by its embedded JPEG of {} x {} pixels"
DEVELOPED = "camera raw: developed at half size with the camera's white balance"
needs_libraw = pytest.mark.skipif(not raw.is_installed(), reason="needs rawpy")


@pytest.fixture(scope="module")
def raw_photos(shared):
    return shared / "photos" / "raw"


def decode_raw(data: bytes, **options):
    """In this process: these files are sound. Half their size is enough."""
    return decode(data, policy=HERE, **{"at_least": (100, 100), **options})


# --- turned and developed --------------------------------------------------------------------------------


@needs_libraw
@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_of_the_eight_turns_comes_out_upright_developed_and_by_its_preview(orientation):
    developed = decode_raw(dng(scene(), orientation=orientation))
    assert (developed.width, developed.height) == (480, 320) and developed.image.size == (240, 160)
    assert is_upright(developed.image) and developed.notes == (DEVELOPED,)

    # A preview lies as the sensor does, and has no tag of its own
    preview = jpeg(stored(scene(), orientation))
    by_preview = decode_raw(dng(scene(), orientation=orientation, preview=preview))
    assert by_preview.image.size == (by_preview.width, by_preview.height) == (480, 320)
    assert is_upright(by_preview.image) and by_preview.notes == (PREVIEW.format(480, 320),)
    assert capture_facts(by_preview.exif).orientation == orientation


@needs_libraw
@pytest.mark.parametrize("orientation", [3, 6])
def test_the_previews_own_tag_wins(orientation):
    """As in files of Fuji and Panasonic, and of converters that store an upright preview and say so."""
    for own in (1, 8):
        preview = jpeg(stored(scene(), own), orientation=own)
        assert is_upright(decode_raw(dng(scene(), orientation=orientation, preview=preview)).image)


@needs_libraw
def test_a_preview_without_a_tag_that_stands_already_is_not_turned_again():
    tall = scene(320, 480)
    assert is_upright(decode_raw(dng(tall, orientation=6, preview=jpeg(tall))).image)


@needs_libraw
def test_the_largest_whole_preview_of_at_least_300_pixels_counts():
    thumbnail, small, large = (jpeg(scene(*size)) for size in ((240, 160), (450, 300), (600, 400)))
    photo = decode_raw(dng(scene(), preview=thumbnail + large + small))
    assert photo.notes == (PREVIEW.format(600, 400),)
    # Cut, as in a file that was not copied to its end, and with a picture that does not decode
    broken = large[:300] + b"\xff\xd9"
    assert decode_raw(dng(scene(), preview=broken + small)).notes == (PREVIEW.format(450, 300),)
    assert decode_raw(dng(scene(), preview=small + large[:-200])).notes == (PREVIEW.format(450, 300),)
    assert decode_raw(dng(scene(), preview=thumbnail)).notes == (DEVELOPED,)


@needs_libraw
def test_a_raw_file_is_halved_only_where_that_is_enough():
    small = dng(scene())
    assert decode_raw(small, at_least=(240, 160)).image.size == (240, 160)
    for wanted in (lambda width, height: (250, 160), None):
        photo = decode_raw(small, at_least=wanted)
        assert photo.image.size == (480, 320) and "half" not in photo.notes[0]


@needs_libraw
def test_when_and_with_what_it_was_taken_is_known():
    for preview in (b"", jpeg(scene())):
        taken, camera, *_ = capture_facts(decode_raw(dng(scene(), preview=preview)).exif)
        assert (taken, camera) == ("2026-11-24T10:00:00", "Maker Camera")


# --- refused ---------------------------------------------------------------------------------------------


@needs_libraw
@pytest.mark.parametrize("colour, words", [((0, 0, 0), "black"), ((128, 128, 128), "of one colour")])
def test_a_picture_of_one_colour_is_refused(colour, words):
    flat = Image.new("RGB", (480, 320), colour)
    for preview in (b"", jpeg(flat)):
        with pytest.raises(
            PhotoDamaged, match=f"the picture in this camera raw file is {words}: copy it again"
        ):
            decode_raw(dng(flat, preview=preview))
    # A preview of one colour says nothing of the picture
    assert decode_raw(dng(scene(), preview=jpeg(flat))).notes == (DEVELOPED,)


@needs_libraw
def test_a_file_that_is_cut_is_refused():
    with pytest.raises(PhotoError), warnings.catch_warnings(action="ignore"):
        decode_raw(dng(scene())[:-200])
    with pytest.raises(PhotoUnsupported, match="its camera is not known to LibRaw, or it is damaged"):
        decode_raw(100 * b"a note about a photo", name="photo.nef")


def test_pieces_of_a_raw_picture_are_no_previews(raw_photos):
    """A lossy DNG is made of JPEGs of 416 x 416 pixels."""
    data = (raw_photos / "whole" / "photoprism--canon_eos_6d.dng").read_bytes()
    assert data.count(b"\xff\xd8\xff") == 8
    assert [(found.width, found.height) for found in find_previews(data)] == [(1024, 683), (256, 171)]


# --- in a process of its own -----------------------------------------------------------------------------


def test_a_process_that_must_not_crash_opens_no_camera_raw_file():
    with pytest.raises(CameraRawRefused, match="opened only in a process of its own: score it by its path"):
        decode(dng(scene()))
    code = "import rgnet.scorer, rgnet.catalogue.scan, rgnet.cli, sys; assert 'rawpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_the_extra_every_camera_raw_file_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setattr(raw, "is_installed", lambda: False)
    message = 'camera raw needs the extra raw: in your copy of rgnet, run  pip install ".[raw]"'
    with pytest.raises(CameraRawRefused) as refused:
        decode_raw(dng(scene()))
    assert refused.value.message == message


@needs_libraw
def test_a_job_decodes_camera_raw_by_name_and_by_content(tmp_path):
    preview = jpeg(scene())
    for name, data in (("a.dng", dng(scene())), ("b.tif", dng(scene(), preview=preview)), ("c.nef", preview)):
        (tmp_path / name).write_bytes(data)
    with DecodePool(1) as pool:
        found = {
            name: pool.submit(DecodeJob(source=str(tmp_path / name), pictures=(64,))).result()
            for name in ("a.dng", "b.tif", "c.nef")
        }
    assert [photo.error for photo in found.values()] == [None] * 3
    assert [photo.notes for photo in found.values()] == [(DEVELOPED,), (PREVIEW.format(480, 320),), ()]
    assert {len(photo.pictures) for photo in found.values()} == {1}


@needs_libraw
def test_a_scorer_takes_single_camera_raw_files_and_lists_of_them(tmp_path, tiny_file):
    scorer, path = open_scorer(tiny_file, threads=1), tmp_path / "a.dng"
    path.write_bytes(dng(scene()))
    one = scorer.score(path)
    assert one.notes == (DEVELOPED,)
    scores = [record.score for record in scorer.score_many([path, path.read_bytes()])]
    assert scores == [one.score, one.score]
    with pytest.raises(PhotoDamaged, match="black"):
        scorer.score(dng(Image.new("RGB", (480, 320))))


# --- real files ------------------------------------------------------------------------------------------


@needs_libraw
def test_every_whole_file_is_decoded_and_every_trap_refused(raw_photos):
    jobs = [(path, DecodeJob(source=str(path), pictures=(64,))) for path in sorted(raw_photos.glob("*/*"))]
    with DecodePool(1) as pool:
        answers = list(pool.in_order(jobs))
    decoded = {path.name for path, answer in answers if answer.error is None}
    whole = {path.name for path in (raw_photos / "whole").iterdir()}
    previews = {path.name for path in (raw_photos / "preview").iterdir()}
    assert whole <= decoded and decoded - whole <= previews and len(decoded - whole) == 6
    assert all(answer.error or answer.width for _, answer in answers)
    assert {answer.attempts for _, answer in answers} == {1}
    for path, answer in answers:
        if path.name.startswith("exiftool--Panasonic"):
            assert answer.error.reason == (
                "this camera raw file holds hardly anything of its picture: 12344 bytes for 3664 x 2754 pixels"
            )
