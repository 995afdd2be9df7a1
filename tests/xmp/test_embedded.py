"""A person's rating inside a photo is found wherever programs put it: in XMP of any layout, and in EXIF."""

import io

import pytest
from PIL import Image
from sidecars import JPEG, digikam, exiftool, lightroom, rate

from rgnet.xmp.embedded import find_rating

pytest.importorskip("lxml.etree")

NAMESPACES_OUTSIDE = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/"><rdf:RDF><rdf:Description rdf:about=""
 xmp:Rating="4"/></rdf:RDF></x:xmpmeta>"""
OTHER_PREFIXES = b"""<m:xmpmeta xmlns:m="adobe:ns:meta/"><r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 <r:Description r:about="" xmlns:b="http://ns.adobe.com/xap/1.0/"><b:Rating>4</b:Rating>
 </r:Description></r:RDF></m:xmpmeta>"""
BARE = b"""<RDF xmlns="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><Description xmlns:b="http://ns.adobe.com/xap/1.0/"
 b:Rating="4"/></RDF>"""
BROKEN_WRAPPER = b"<x:xmpmeta><a>" + digikam(4)[digikam(4).index(b"<rdf:RDF") :] + b"</x:xmpmeta>"


def with_exif(tags, format="JPEG"):
    exif, file = Image.Exif(), io.BytesIO()
    exif.update(tags)
    Image.new("RGB", (8, 8)).save(file, format, exif=exif)
    return file.getvalue()


@pytest.mark.parametrize(
    "packet",
    [NAMESPACES_OUTSIDE, OTHER_PREFIXES, BARE, BROKEN_WRAPPER, lightroom(4), exiftool(4)],
    ids=[
        "namespaces on xmpmeta",
        "other prefixes",
        "default namespace",
        "broken wrapper",
        "Lightroom",
        "ExifTool",
    ],
)
def test_a_rating_in_xmp_of_any_layout_is_kept(photo, packet):
    photo.write_bytes(JPEG + packet + JPEG)
    change = rate(photo, 2)
    assert (change.action, change.sidecar, change.before) == ("keep", photo, 4)


@pytest.mark.parametrize("format", ["JPEG", "TIFF", "PNG", "WEBP"])
def test_a_rating_in_exif_is_kept(photo, format):
    photo.write_bytes(with_exif({0x4746: 4, 0x4749: 75}, format))
    change = rate(photo, 2)
    assert (change.action, change.sidecar, change.before) == ("keep", photo, 4)


def test_the_example_with_a_rating_in_exif_alone(shared):
    assert find_rating(shared / "cases" / "exif_rating_4.jpg") == 4


@pytest.mark.parametrize(
    "content",
    [
        with_exif({0x4746: 0}),
        with_exif({0x4746: 99}),
        with_exif({0x010F: "a camera"}),
        with_exif({0x4746: 4})[:60],
        lightroom(0),
        b"<rdf:RDF broken </rdf:RDF>",
        b"<rdf:RDF >" * 5000,
        b"",
    ],
    ids=["unrated", "no stars", "no rating", "cut", "unrated XMP", "broken XMP", "many start tags", "empty"],
)
def test_what_is_no_rating_is_none(photo, content):
    photo.write_bytes(content)
    assert find_rating(photo) is None
