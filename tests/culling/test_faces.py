"""Faces are found, closed eyes put a frame behind, and what was found is kept."""

import contextlib
import hashlib
import math
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from sample_library import MODEL

import rgnet.faces
from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.selects import Filter
from rgnet.culling.eyes import FrameEyes, KeptEyes
from rgnet.culling.look_alikes import find_groups
from rgnet.culling.picks import weigh_frames
from rgnet.faces.detection import Face, FaceDetector, find_prominent
from rgnet.faces.eyes import EyeReader
from rgnet.imaging.measure import TILES
from rgnet.previews import PreviewCache


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    data = pytest.importorskip("skimage.data", reason="needs scikit-image")
    return Image.fromarray(data.astronaut())


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(1)


@pytest.fixture(scope="module")
def face(portrait, detector) -> Face:
    (face,) = detector.find(portrait)
    return face


@pytest.fixture(scope="module")
def closed(portrait, face) -> Image.Image:
    """The portrait with lids drawn over its eyes."""
    image = portrait.copy()
    (left, top), (right, bottom) = (np.multiply(eye, image.size) for eye in face.eyes)
    apart = math.hypot(right - left, bottom - top)
    for x, y in ((left, top), (right, bottom)):
        cheek = image.crop((int(x - 9), int(y + 10), int(x + 9), int(y + 18))).resize((1, 1))
        lid = Image.new("L", image.size)
        ImageDraw.Draw(lid).ellipse(
            (x - 0.28 * apart, y - 0.13 * apart, x + 0.28 * apart, y + 0.13 * apart), 255
        )
        image.paste(cheek.resize(image.size), mask=lid.filter(ImageFilter.GaussianBlur(apart / 30)))
        lashes = (x - 0.24 * apart, y - 0.12 * apart, x + 0.24 * apart, y + 0.1 * apart)
        ImageDraw.Draw(image).arc(lashes, 10, 170, (60, 30, 20), max(1, int(apart / 18)))
    return image


def test_the_networks_are_those_that_the_licence_is_of():
    folder = Path(rgnet.faces.__file__).parent
    named = dict(re.findall(r"^(\S+\.tflite)\s+SHA-256 (\w{64})$", rgnet.faces.__doc__, re.MULTILINE))
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.tflite")}
    assert named == found and len(found) == 2


def test_a_face_is_found_where_it_is_whatever_the_shape_of_the_photo(portrait, detector, face):
    left, top, right, bottom = face.box
    assert 0.3 < left < 0.38 and 0.1 < top < 0.18 and 0.5 < right < 0.6 and 0.3 < bottom < 0.4
    wide = Image.new("RGB", (1024, 512), (90, 90, 90))
    wide.paste(portrait, (512, 0))
    (found,) = detector.find(wide)
    assert np.allclose([2 * found.box[0] - 1, found.box[1]], face.box[:2], atol=0.03)
    assert all(
        left < x < right
        for (x, _), (left, right) in zip(face.eyes, ((0.35, 0.45), (0.45, 0.53)), strict=True)
    )


@pytest.mark.parametrize("size", [(1, 1), (600, 2), (300, 200)])
def test_where_there_is_no_face_none_is_found(detector, size):
    assert detector.find(Image.new("RGB", size, (120, 130, 140))) == []


def test_faces_in_the_background_do_not_count(face):
    passer_by = face._replace(box=(0.9, 0.1, 0.95, 0.15))
    assert find_prominent([passer_by, face]) == [face] and find_prominent([]) == []


def test_closed_eyes_are_narrower_than_open_ones_and_small_faces_say_nothing(portrait, closed, face):
    reader = EyeReader(1)
    open_, shut = reader.openness(portrait, face), reader.openness(closed, face)
    assert shut < 0.2 < open_ and shut < 0.6 * open_
    assert reader.openness(portrait.resize((128, 128)), face) is None


@pytest.mark.parametrize(
    "openness, costs",
    [
        ((0.35, 0.15), (0, 1)),
        ((0.35, 0.3), (0, 0)),
        ((0.22, 0.18), (0, 0)),  # narrow in every frame
        ((math.nan, 0.15), (0, 0)),
        ((math.nan, math.nan), (0, 0)),
        ((0.4, math.nan), (0, 0)),
    ],
)
def test_only_eyes_that_another_frame_shows_open_are_closed(openness, costs):
    merits = weigh_frames(
        np.array([3.0, 3.0]),
        np.full((2, TILES, TILES), 20.0),
        np.zeros(2),
        scale=(1, 5),
        openness_F=np.array(openness),
    )
    assert (merits.closed_F > 0).tolist() == [bool(cost) for cost in costs]


def test_a_frame_with_closed_eyes_comes_last_and_is_looked_at_once(
    shoot, portrait, closed, tmp_path, monkeypatch
):
    # In the closed frame all else is better: it is brighter, which the scorer of these tests likes
    shoot.add("closed.jpg", closed.point(lambda level: min(255, level + 4)), 10)
    shoot.add("open.jpg", portrait, 10.5)
    shoot.remember()
    with contextlib.closing(PreviewCache(tmp_path / "previews.sqlite")) as previews:
        # One has a preview, the other is decoded
        kept = shoot.folder / "open.jpg"
        previews.put_picture(hashlib.sha256(kept.read_bytes()).hexdigest(), kept.read_bytes())
        for _ in range(2):
            with Catalogue.open(shoot.file) as catalogue, FrameEyes(previews) as eyes:
                (group,) = find_groups(catalogue, Filter(model=MODEL), eyes=eyes).groups
            names = [Path(frame.row.record.path).stem for frame in group.frames]
            assert names == ["open", "closed"]
            assert group.frames[0].reason.startswith("eyes open")
            assert group.frames[1].reason.startswith("eyes closed")
            monkeypatch.setattr("rgnet.faces.detection.FaceDetector", None)
        # What was found counts wherever groups are shown; without it the closed frame is the best
        with Catalogue.open(shoot.file) as catalogue:
            (known,) = find_groups(catalogue, Filter(model=MODEL), eyes=KeptEyes(previews)).groups
            (unknown,) = find_groups(catalogue, Filter(model=MODEL)).groups
        best = [Path(group.best.row.record.path).stem for group in (known, unknown)]
        assert best == ["open", "closed"]
