"""Stars come and go in the sidecars of other programs: these read them, and every foreign byte stays."""

import re
import shutil
import subprocess

import pytest
from sidecars import PROGRAMS, darktable, rate, rating, undo, wide

etree = pytest.importorskip("lxml.etree")


def canonical(data):
    return etree.tostring(etree.fromstring(data), method="c14n2")


@pytest.mark.parametrize("standing", [None, 0, 3, -1, "4.0"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_undo_brings_back_every_byte(photo, sidecar, program, standing):
    original = program(standing)
    sidecar.write_bytes(original)
    assert rate(photo, 5, overwrite=True).action == "set"
    assert rating(sidecar) == 5
    assert rate(photo, 1).action == "set" and rating(sidecar) == 1
    assert undo(photo) == ["undo"]
    assert sidecar.read_bytes() == original


@pytest.mark.parametrize("standing", [None, 0])
@pytest.mark.parametrize("program", PROGRAMS)
def test_all_that_is_foreign_survives_a_rating(photo, sidecar, program, standing):
    sidecar.write_bytes(program(standing))
    rate(photo, 5)
    rated = etree.fromstring(sidecar.read_bytes())
    ours = rated.xpath("//*[@*[namespace-uri() = 'urn:rgnet:xmp:1.0/']]")
    assert len(ours) == 1
    ours[0].getparent().remove(ours[0])
    coding = "utf-16" if program is wide else "utf-8"
    expected = re.sub(r'(Rating(>|="))0', r"\g<1>5", program(standing).decode(coding)).encode(coding)
    assert b"".join(canonical(etree.tostring(rated)).split()) == b"".join(canonical(expected).split())


@pytest.mark.parametrize(
    "frame", ["<rdf:RDF {}/>", "<rdf:RDF {}></rdf:RDF>", "<rdf:RDF {}><rdf:Description/></rdf:RDF>"]
)
def test_an_empty_sidecar_stays_one(photo, sidecar, frame):
    original = frame.format('xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"').encode()
    sidecar.write_bytes(original)
    rate(photo, 2)
    assert rating(sidecar) == 2 and undo(photo) == ["undo"]
    assert canonical(sidecar.read_bytes()) == canonical(original)


# What other programs make of it


def tool(*command):
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "command", [("exiv2", "-Pv", "-K", "Xmp.xmp.Rating"), ("exiftool", "-s3", "-XMP-xmp:Rating")]
)
@pytest.mark.parametrize("program", [None, *PROGRAMS])
def test_other_programs_read_the_stars(photo, sidecar, program, command):
    if program is wide and command[0] == "exiv2":
        pytest.skip("Exiv2 reads no sidecar in UTF-16")
    if program:
        sidecar.write_bytes(program(0))
    rate(photo, 4)
    assert tool(*command, str(sidecar)).strip() == "4"


@pytest.mark.parametrize(
    "command", [("exiv2", "-Pv", "-K", "Xmp.xmp.Rating"), ("exiftool", "-s3", "-XMP-xmp:Rating")]
)
@pytest.mark.parametrize("naming, name", [("full", "a.cr2.xmp"), ("stem", "a.xmp")])
def test_other_programs_read_the_stars_of_a_raw_file_and_its_jpeg(photo, naming, name, command):
    raw = photo.with_name("a.cr2")
    raw.touch()
    rate(raw, 4, naming=naming, companion=photo)
    assert tool(*command, str(photo.with_name(name))).strip() == "4"


REWRITES = [
    ("exiv2", "-M", "set Xmp.dc.source theirs"),
    ("exiftool", "-q", "-overwrite_original", "-XMP-dc:Source=theirs"),
]


@pytest.mark.parametrize("command", REWRITES, ids=lambda command: command[0])
@pytest.mark.parametrize("standing", ["none", None, 0, 3])
def test_what_another_program_wrote_anew_is_still_taken_back(photo, sidecar, command, standing):
    if standing != "none":
        sidecar.write_bytes(darktable(standing))
    rate(photo, 4, overwrite=True)
    tool(*command, str(sidecar))
    assert rate(photo, 5).action == "set"
    tool(*command, str(sidecar))
    assert undo(photo) == ["undo"]
    assert rating(sidecar) == (None if standing == "none" else standing)
    assert b"rgnet" not in sidecar.read_bytes() and b"theirs" in sidecar.read_bytes()
    tool(*command, str(sidecar))
