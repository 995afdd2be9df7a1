"""TIFFs of every kind of planes, bits, tiles and compression give their pixels or are refused."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from rgnet.errors import PhotoDamaged, PhotoUnsupported
from rgnet.imaging.decode import decode

tifffile = pytest.importorskip("tifffile", reason="the TIFF kinds need tifffile: pip install scikit-image")


def scene(channels: int) -> np.ndarray:
    """(H, W, C) in [0, 1], every channel different, a fourth one opaque."""
    row, column = np.mgrid[0:64, 0:96]
    rgb = np.stack([column / 95, row / 63, (row + column) / 158], axis=-1)
    return {1: rgb[..., :1], 3: rgb, 4: np.concatenate([rgb, np.ones((64, 96, 1))], axis=-1)}[channels]


def saved(dtype: str, channels: int, *, separate: bool, **options) -> bytes:
    pixels, file = scene(channels), io.BytesIO()
    white = np.iinfo(dtype).max if dtype[0] == "u" else 1
    pixels = np.rint(pixels * white).astype(dtype) if dtype[0] == "u" else pixels.astype(dtype)
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    if channels == 1:
        tifffile.imwrite(file, pixels[..., 0], photometric="minisblack", **options)
    else:
        planes = np.moveaxis(pixels, -1, 0) if separate else pixels
        config = "separate" if separate else "contig"
        tifffile.imwrite(file, planes, photometric="rgb", planarconfig=config, **extra, **options)
    return file.getvalue()


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "f4"])
def test_every_kind_gives_its_pixels_or_is_refused(dtype, channels):
    expected = np.rint(255 * (np.repeat(scene(1), 3, -1) if channels == 1 else scene(3)))
    read = 0
    for separate, tile, compression, order, rows in itertools.product(
        (False, True), (None, (32, 32)), (None, "zlib"), "<>", (None, 7)
    ):
        if (separate and channels == 1) or (tile and rows):
            continue
        data = saved(
            dtype,
            channels,
            separate=separate,
            tile=tile,
            compression=compression,
            byteorder=order,
            rowsperstrip=rows,
        )
        try:
            found = np.asarray(decode(data).image)
        except PhotoUnsupported as refused:
            assert dtype in ("u4", "f4") and "save it with 8 or 16 bits" in str(refused)
            continue
        assert np.abs(found - expected).max() <= 2, (separate, tile, compression, order, rows)
        read += 1
    assert read or (channels > 1 and dtype in ("u4", "f4"))


def test_planes_and_interleaved_pixels_of_16_bits_are_the_same_picture(shared):
    chunky, planar = (decode(shared / "cases" / f"rgb16_{kind}.tif").image for kind in ("chunky", "planar"))
    assert np.array_equal(np.asarray(chunky), np.asarray(planar))


def test_planes_that_end_early_are_damaged():
    data = saved("u2", 3, separate=True)
    with pytest.raises(PhotoDamaged, match="this TIFF file is damaged"):
        decode(data[: len(data) // 2])


def test_planes_are_turned_upright():
    found = decode(saved("u2", 3, separate=True, extratags=[(274, "H", 1, 6, True)]))
    expected = Image.fromarray(np.rint(255 * scene(3)).astype(np.uint8)).transpose(Image.Transpose.ROTATE_270)
    assert (found.width, found.height) == (64, 96)
    assert np.abs(np.asarray(found.image).astype(int) - np.asarray(expected)).max() <= 1
