"""When a photo was taken, whatever its camera and programs have written."""

import io

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from rgnet.imaging.exif import Exposure, capture_facts
from rgnet.imaging.jobs import DecodeJob, run_job

ZEROS = "0000:00:00 00:00:00"
SOUND = "2026:11:24 10:00:00"


def block(original=None, digitized=None, changed=None) -> Image.Exif:
    exif = Image.Exif()
    exif[271] = "Nikon"
    for tag, text in ((36867, original), (36868, digitized)):
        if text is not None:
            exif.get_ifd(0x8769)[tag] = text
    if changed is not None:
        exif[306] = changed
    return exif


@pytest.mark.parametrize("nothing", [None, ZEROS, "    :  :     :  :  ", "----:--:-- --:--:--", "", "\0"])
def test_the_first_sound_date_counts(nothing):
    taken = "2026-11-24T10:00:00"
    assert capture_facts(block(SOUND, "2001:01:01 00:00:00", ZEROS).tobytes()).taken == taken
    assert capture_facts(block(nothing, SOUND, "2001:01:01 00:00:00").tobytes()).taken == taken
    assert capture_facts(block(nothing, nothing, SOUND).tobytes()).taken == taken
    assert capture_facts(block(nothing, nothing, nothing).tobytes()).taken is None


@pytest.mark.parametrize(
    "text, taken",
    [
        ("2026-11-24 10:00:00", "2026-11-24T10:00:00"),
        ("2026:11:24T10:00:00+01:00", "2026-11-24T10:00:00"),
        ("2026/11/24 10:00", "2026-11-24T10:00:00"),
        ("2026:11:24", "2026-11-24T00:00:00"),
        ("2026:13:24 10:00:00", None),
        ("yesterday", None),
    ],
)
def test_dates_as_programs_write_them(text, taken):
    assert capture_facts(block(text).tobytes()).taken == taken


SETTINGS = {
    33434: IFDRational(1, 250),
    33437: IFDRational(28, 10),
    34855: 400,
    37380: IFDRational(-2, 3),
    37521: "25",
    37522: "7",
}


def test_the_exposure_and_the_fraction_of_its_second_are_read():
    exif = block(SOUND, "2001:01:01 00:00:00")
    exif.get_ifd(0x8769).update(SETTINGS)
    found = capture_facts(exif.tobytes()).exposure
    assert found == Exposure(250, pytest.approx(0.004), pytest.approx(2.8), 400, pytest.approx(-2 / 3))


def test_settings_that_no_camera_can_mean_are_unknown():
    exif = block(SOUND)
    exif.get_ifd(0x8769).update({33434: IFDRational(0, 0), 33437: 0, 34855: "auto", 37521: "  "})
    assert capture_facts(exif.tobytes()).exposure == Exposure()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_format_tells_its_date(kind):
    file = io.BytesIO()
    details = ImageFileDirectory_v2()
    details[0x8769] = {36867: SOUND}
    options = {"tiffinfo": details} if kind == "TIFF" else {"exif": block(SOUND)}
    Image.new("RGB", (64, 48)).save(file, kind, **options)
    assert run_job(DecodeJob(source=file.getvalue(), pictures=(32,))).taken == "2026-11-24T10:00:00"


@pytest.mark.parametrize("name", ["date_only_digitized.jpg", "date_zero_original_good_modify.jpg"])
def test_the_dates_of_real_files(shared, name):
    found = run_job(DecodeJob(source=str(shared / "cases" / name), pictures=(32,)))
    assert found.taken == "2014-12-31T23:00:00"
