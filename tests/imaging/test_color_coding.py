"""A scene looks the same whether its colours are sRGB's or are given by numbers: wide, PQ or HLG, as photo or video."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from rgnet.imaging.boxes import read_nclx
from rgnet.imaging.coding import find_colors
from rgnet.imaging.decode import decode
from rgnet.imaging.transfer import ColorCoding, convert_image, convert_pixels

PQ, HLG, BT_2020, DISPLAY_P3 = 16, 18, 9, 12
SIDE = 32
# sRGB: a ramp of grey to diffuse white, skin, and colours as saturated as sRGB has them
PATCHES = [
    *((grey,) * 3 for grey in (0, 20, 64, 119, 160, 200, 235, 255)),
    *((224, 172, 138), (141, 85, 54), (92, 56, 40), (90, 130, 200)),
    *((200, 30, 30), (30, 160, 60), (40, 60, 190), (250, 210, 20)),
]

# From linear sRGB to other primaries: ITU-R BT.2087, and Display P3
TO_BT_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
TO_P3 = np.array([[0.82246, 0.17754, 0.0], [0.03319, 0.96681, 0.0], [0.01708, 0.0724, 0.91052]])


def scene(patches=PATCHES) -> np.ndarray:
    """(H, W, 3) four patches a row."""
    return np.array(patches, float).reshape(-1, 4, 3).repeat(SIDE, axis=0).repeat(SIDE, axis=1)


def read_patches(image: Image.Image) -> np.ndarray:
    """(patches, 3) the middle of each."""
    pixels = np.asarray(image).astype(int)
    return pixels[SIDE // 2 :: SIDE, SIDE // 2 :: SIDE].reshape(-1, 3)


def to_linear(srgb: np.ndarray) -> np.ndarray:
    part = srgb / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def encode(light: np.ndarray, transfer: int) -> np.ndarray:
    """Signals of BT.2020 light, where 1 is 203 cd/m2, by the inverse functions of ITU-R BT.2100."""
    if transfer == PQ:
        power = (light * 203 / 10000) ** 0.1593017578125
        return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    shown = light * 203 / 1000
    luminance = (shown @ [0.2627, 0.6780, 0.0593])[..., None]
    of_scene = shown * np.maximum(luminance, 1e-9) ** (1 / 1.2 - 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(
        of_scene <= 1 / 12, np.sqrt(3 * of_scene), a * np.log(np.maximum(12 * of_scene - b, 1e-9)) + c
    )


def hdr_scene(transfer: int, light: np.ndarray | None = None) -> np.ndarray:
    return encode((to_linear(scene()) if light is None else light) @ TO_BT_2020.T, transfer).clip(0, 1)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: np.ndarray, *chunks: bytes, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", **options)
    plain = stream.getvalue()
    return plain[:33] + b"".join(chunks) + plain[33:]


def cicp(*numbers: int) -> bytes:
    return chunk(b"cICP", bytes(numbers))


def chrm(*numbers: float) -> bytes:
    return chunk(b"cHRM", struct.pack(f">{len(numbers)}I", *(round(100_000 * number) for number in numbers)))


def gama(number: float) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", round(100_000 * number)))


P3_CHRM = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)


def eight_bits(signal: np.ndarray) -> np.ndarray:
    return np.rint(255 * signal).astype(np.uint8)


def heif(signal: np.ndarray, **numbers: int) -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    pixels = np.rint(65535 * signal).astype(np.uint16)
    picture = pillow_heif.from_bytes("RGB;16", pixels.shape[1::-1], pixels.tobytes())
    stream = io.BytesIO()
    picture.save(stream, quality=-1, chroma=444, matrix_coefficients=0, full_range_flag=1, **numbers)
    return stream.getvalue()


def avif(pixels: np.ndarray, primaries: int, transfer: int, **options) -> bytes:
    """As Pillow writes it, which says sRGB, with other numbers."""
    stream = io.BytesIO()
    options = {"quality": 100, "subsampling": "4:4:4", "speed": 10} | options
    Image.fromarray(pixels).save(stream, "AVIF", **options)
    data = bytearray(stream.getvalue())
    place = data.index(b"colrnclx") + 8
    struct.pack_into(">HH", data, place, primaries, transfer)
    return bytes(data)


# --- photos in HDR ---------------------------------------------------------------------------------------


# Of greys and common colours, and of saturated ones, whose darkest part has few steps in 8 bits; an AVIF, whose colours
# are rounded twice, is held to the former
@pytest.mark.parametrize(
    ("kind", "levels"), [("PNG", (2, 7)), ("HEIF", (1, 2)), ("AVIF", (6, 255))], ids=["PNG", "HEIF", "AVIF"]
)
@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_an_hdr_photo_looks_as_its_scene_in_srgb(kind, transfer, levels):
    signal = hdr_scene(transfer)
    if kind == "PNG":
        source = png(eight_bits(signal), cicp(BT_2020, transfer, 0, 1))
    elif kind == "HEIF":
        source = heif(signal, color_primaries=BT_2020, transfer_characteristics=transfer)
    else:
        source = avif(eight_bits(signal), BT_2020, transfer)
    photo = decode(source)
    assert photo.notes == (f"HDR ({'PQ' if transfer == PQ else 'HLG'}): tone-mapped to SDR",)
    error = np.abs(read_patches(photo.image) - PATCHES)
    assert error[:12].max() <= levels[0] and error[12:].max() <= levels[1], error.tolist()


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_highlights_are_compressed_and_what_is_darker_stays(transfer):
    light = to_linear(scene())
    light[:SIDE, 3 * SIDE :] = 400 / 203
    light[SIDE : 2 * SIDE, 3 * SIDE :] = 900 / 203
    photo = decode(
        heif(hdr_scene(transfer, light), color_primaries=BT_2020, transfer_characteristics=transfer)
    )
    found = read_patches(photo.image)[:, 1]
    # Dark and middle tones, a brighter grey, and the two highlights in their order
    assert np.abs(found[:3] - [0, 20, 64]).max() <= 2
    assert 190 < found[5] <= 200 and 215 < found[6] < found[3] < found[7] <= 255
    assert found[7] - found[3] >= 3


def test_dark_tones_of_a_deep_heif_keep_their_steps():
    """8 bits of PQ hold 34 tones below sRGB's 60, 10 bits all of them."""
    ramp = np.arange(64).repeat(4)[None, :, None] * np.ones((64, 1, 3))
    source = heif(hdr_scene(PQ, to_linear(ramp)), color_primaries=BT_2020, transfer_characteristics=PQ)
    assert np.unique(np.asarray(decode(source).image)[32, :, 1]).size >= 55


def test_a_heif_that_lies_on_its_side_is_turned_once():
    pillow_heif = pytest.importorskip("pillow_heif")
    signal = np.full((64, 96, 3), 0.5)
    signal[:, :32] = 0.2
    pixels = np.rint(65535 * signal).astype(np.uint16)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[306] = "2026:11:27 10:00:00"
    picture = pillow_heif.from_bytes("RGB;16", (96, 64), pixels.tobytes())
    picture.info["exif"] = exif.tobytes()
    stream = io.BytesIO()
    numbers = {"color_primaries": BT_2020, "transfer_characteristics": PQ, "matrix_coefficients": 0}
    picture.save(stream, quality=-1, chroma=444, **numbers)
    photo = decode(stream.getvalue())
    assert (photo.width, photo.height) == photo.image.size == (64, 96)
    bright = np.asarray(photo.image)[:, :, 1]
    assert bright[:30].max() < bright[34:].min()
    assert b"2026:11:27" in photo.exif


def test_grey_and_transparent_pictures_are_converted_too():
    pixels = eight_bits(hdr_scene(PQ))
    grey = np.asarray(decode(png(pixels[:SIDE, :, 0], cicp(BT_2020, PQ, 0, 1))).image)[SIDE // 2, ::SIDE]
    assert np.abs(grey[:, 0].astype(int) - [0, 20, 64, 119]).max() <= 4 and np.ptp(grey, axis=1).max() == 0
    clear = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    clear[:SIDE, :SIDE, 3] = 0
    found = read_patches(decode(png(clear, cicp(BT_2020, PQ, 0, 1))).image)
    assert (found[0] == 255).all() and np.abs(found[1:12] - PATCHES[1:12]).max() <= 4


def test_a_pillow_image_that_carries_the_numbers_is_left_as_it_is_and_converted():
    image = Image.fromarray(eight_bits(hdr_scene(PQ)))
    image.info["nclx_profile"] = {"color_primaries": BT_2020, "transfer_characteristics": PQ}
    before = image.tobytes()
    assert np.abs(read_patches(decode(image).image) - PATCHES).max() <= 7
    assert image.tobytes() == before


# --- wide colours in SDR ---------------------------------------------------------------------------------


def wide_scene(matrix: np.ndarray) -> np.ndarray:
    light = (to_linear(scene()) @ matrix.T).clip(0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize(
    "make",
    [
        lambda: png(eight_bits(wide_scene(TO_P3)), cicp(DISPLAY_P3, 13, 0, 1)),
        lambda: png(eight_bits(wide_scene(TO_P3)), chrm(*P3_CHRM), gama(1 / 2.2)),
        lambda: png(eight_bits((to_linear(scene()) @ TO_P3.T).clip(0, 1) ** 0.5), chrm(*P3_CHRM), gama(0.5)),
        lambda: png(eight_bits(wide_scene(TO_BT_2020)), cicp(BT_2020, 14, 0, 1)),
        lambda: avif(eight_bits(wide_scene(TO_P3)), DISPLAY_P3, 13),
        lambda: heif(wide_scene(TO_P3), color_primaries=DISPLAY_P3, transfer_characteristics=13),
        lambda: png(np.rint(16 + 219 * wide_scene(TO_P3)).astype(np.uint8), cicp(DISPLAY_P3, 13, 0, 0)),
    ],
    ids=["cICP P3", "cHRM P3", "cHRM and gamma", "cICP BT.2020", "AVIF P3", "HEIF P3", "narrow range"],
)
def test_wide_colours_become_srgb_without_a_note(make):
    photo = decode(make())
    assert photo.notes == ()
    # Dark parts of saturated colours have coarse steps in gamma 0.5, and where YUV was rounded before
    error = np.abs(read_patches(photo.image) - PATCHES)
    assert error[:12].max() <= 2 and error[12:].max() <= 8, error.tolist()


def test_colours_outside_srgb_are_clipped_and_white_stays_white():
    vivid = np.array([[[255, 0, 0], [0, 255, 0], [255, 255, 255], [0, 0, 0]]], np.uint8)
    for numbers in ((DISPLAY_P3, 13), (BT_2020, 1), (11, 13), (4, 13)):
        found = np.asarray(decode(png(vivid, cicp(*numbers, 0, 1))).image)[0].tolist()
        assert found[2:] == [[255] * 3, [0] * 3]
        assert found[0][0] == 255 and found[1][1] >= 250 and max(found[0][1:]) < 70


def test_the_order_of_what_a_png_says(tmp_path):
    from PIL import ImageCms

    pixels = eight_bits(wide_scene(TO_P3))
    lab_free = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = np.asarray(decode(png(pixels)).image)
    # cICP before a profile, a profile before cHRM, an sRGB chunk before cHRM
    first = decode(png(pixels, cicp(DISPLAY_P3, 13, 0, 1), chrm(*P3_CHRM), gama(1), icc_profile=lab_free))
    assert np.abs(read_patches(first.image) - PATCHES).max() <= 4
    for chunks, options in (([], {"icc_profile": lab_free}), ([chunk(b"sRGB", b"\0")], {})):
        found = decode(png(pixels, *chunks, chrm(*P3_CHRM), gama(1), **options))
        assert np.array_equal(np.asarray(found.image), plain) and not found.notes
    # A cICP that says nothing, or nothing that is understood, ranks nowhere
    for numbers, notes in (((2, 2, 0, 1), 0), ((10, 17, 0, 1), 1)):
        found = decode(png(pixels, cicp(*numbers), chrm(*P3_CHRM), gama(1 / 2.2)))
        assert np.abs(read_patches(found.image) - PATCHES).max() <= 4 and len(found.notes) == notes


# --- what is as sRGB stays as it is ----------------------------------------------------------------------


def test_not_a_bit_changes_where_the_numbers_are_as_srgb():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    for numbers in ((1, 13), (1, 1), (2, 2), (5, 6), (6, 6), (1, 4), (22, 15), (255, 200)):
        found = decode(png(pixels, cicp(*numbers, 0, 1)))
        assert np.array_equal(np.asarray(found.image), pixels) and found.notes == ()
        data = avif(pixels, *numbers)
        assert np.array_equal(np.asarray(decode(data).image), np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("gamma", [1.0, 0.5, 1 / 1.8, 2.0])
def test_a_gamma_alone_is_exact(gamma):
    """As it was before other colour information was applied."""
    ramp = np.arange(256, dtype=np.uint8)[:, None, None].repeat(3, axis=2)
    linear = np.linspace(0, 1, 256) ** (1 / (round(100_000 * gamma) / 100_000))
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    found = np.asarray(decode(png(ramp, gama(gamma))).image)[:, 0, 0]
    assert np.array_equal(found, np.rint(255 * curve).astype(np.uint8))


# --- hostile values --------------------------------------------------------------------------------------


def test_any_numbers_give_a_picture():
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5
    for primaries in range(0, 256, 3):
        for transfer in range(256):
            photo = decode(png(pixels, cicp(primaries, transfer, 7, transfer & 1)))
            assert photo.image.size == (4, 4)
            assert not any(" says " in note for note in photo.notes)
    for data in (b"", b"\x09", b"\x09\x10\x00", b"\x09\x10\x00\x01\x00"):
        assert np.array_equal(np.asarray(decode(png(pixels, chunk(b"cICP", data))).image), pixels)


@pytest.mark.parametrize(
    ("numbers", "note"),
    [
        ((0,) * 8, "cHRM names no possible colours"),
        ((0.3127, 0.329, 1, 0, 0, 1, 0, 0), "cHRM names no possible colours"),
        ((42949,) * 8, "cHRM names no possible colours"),
    ],
)
def test_primaries_that_cannot_be_are_a_note(numbers, note):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    found = decode(png(pixels, chrm(*numbers), gama(1 / 2.2)))
    assert found.notes == (f"colour information ignored: {note}",)
    assert np.array_equal(np.asarray(found.image), pixels)


@pytest.mark.parametrize(
    "nclx",
    [{}, {"color_primaries": None}, {"color_primaries": "9", "transfer_characteristics": 16}, "9", None],
)
def test_numbers_that_are_none_say_nothing(nclx):
    assert find_colors({"nclx_profile": nclx}).coding is None


def test_damaged_boxes_of_an_avif_say_nothing_or_something():
    data = avif(eight_bits(hdr_scene(PQ)), BT_2020, PQ)
    assert read_nclx(io.BytesIO(data)) == (BT_2020, PQ)
    for end in range(0, 400, 3):
        read_nclx(io.BytesIO(data[:end]))
    draw = np.random.default_rng(0)
    for _ in range(3000):
        damaged = bytearray(data[:600])
        for place in draw.integers(0, 400, 3):
            damaged[place] = draw.integers(0, 256)
        stream = io.BytesIO(bytes(damaged))
        stream.seek(7)
        found = read_nclx(stream)
        assert stream.tell() == 7
        assert found is None or all(0 <= number < 65536 for number in found)


def test_only_the_primary_picture_of_an_avif_counts():
    """A gain map makes a second picture, with numbers of its own, of one that is sRGB."""
    data = bytearray(avif(eight_bits(hdr_scene(PQ)), BT_2020, PQ))
    place = data.index(b"pitm") + 8
    assert struct.unpack_from(">H", data, place) == (1,)
    struct.pack_into(">H", data, place, 2)
    assert read_nclx(io.BytesIO(data)) is None


@pytest.mark.parametrize("transfer", ["PQ", "HLG"])
@pytest.mark.parametrize("level", [0, 1, 255])
def test_pictures_of_one_tone(transfer, level):
    coding = ColorCoding(transfer=transfer)
    for size in ((1, 1), (5000, 1), (1, 5000)):
        found = np.asarray(convert_image(Image.new("RGB", size, (level,) * 3), coding))
        assert np.ptp(found) == 0 and found.shape[1::-1] == size
    assert found.max() == (0 if level == 0 else found.max())


def test_strips_leave_no_seams_and_depths_agree():
    pixels = np.random.default_rng(0).integers(0, 256, (700, 1000, 3), np.uint8)
    coding = find_colors({"nclx_profile": {"color_primaries": 9, "transfer_characteristics": 18}}).coding
    whole = np.asarray(convert_image(Image.fromarray(pixels), coding)).astype(int)
    deep = np.asarray(convert_pixels(pixels.astype(np.uint16) * 257, coding)).astype(int)
    assert np.abs(whole - deep).max() <= 2


# --- videos ----------------------------------------------------------------------------------------------


def write_video(path, signal: np.ndarray, codec: str, primaries: int, transfer: int, matrix: int, full: bool):
    """Ten bits, with the numbers in the stream."""
    av = pytest.importorskip("av")
    if codec not in av.codecs_available:
        pytest.skip(f"no {codec}")
    red, blue = (0.2627, 0.0593) if matrix in (2, 9) else (0.2126, 0.0722)
    luma = signal @ [red, 1 - red - blue, blue]
    chroma = [(signal[..., 2] - luma) / (2 - 2 * blue), (signal[..., 0] - luma) / (2 - 2 * red)]
    scale = (1023, 0, 1023, 512) if full else (876, 64, 896, 512)
    planes = [luma * scale[0] + scale[1], *(part[::2, ::2] * scale[2] + scale[3] for part in chroma)]
    height, width = luma.shape
    options = {"x265-params": "log-level=none:lossless=1:bframes=0"} if codec == "libx265" else {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p10le"
        context = stream.codec_context
        context.color_primaries, context.color_trc = primaries, transfer
        context.colorspace, context.color_range = matrix, 2 if full else 1
        for time in range(2):
            frame = av.VideoFrame(width, height, "yuv420p10le")
            frame.colorspace, frame.color_range = matrix, 2 if full else 1
            frame.pts, frame.time_base = time, Fraction(1, 25)
            for plane, values in zip(frame.planes, planes, strict=True):
                padded = np.zeros((plane.height, plane.line_size // 2), "<u2")
                padded[:, : plane.width] = np.rint(values).clip(0, 1023)
                plane.update(padded.tobytes())
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize(
    ("codec", "name", "matrix", "full"),
    [
        ("ffv1", "a.mkv", 9, False),
        ("ffv1", "a.mkv", 9, True),
        ("ffv1", "a.mkv", 1, False),
        ("ffv1", "a.mkv", 2, False),
        ("libx265", "a.mp4", 9, False),
    ],
)
def test_a_frame_of_an_hdr_video_looks_as_its_scene_in_srgb(tmp_path, codec, name, matrix, full, transfer):
    from rgnet.imaging.video_file import describe_colours, open_video, read_frame

    path = write_video(tmp_path / name, hdr_scene(transfer), codec, BT_2020, transfer, matrix, full)
    error = np.abs(read_patches(read_frame(str(path), 0.0)) - PATCHES)
    assert error.max() <= 5, error
    with open_video(str(path), name) as (_, stream):
        assert list(describe_colours(stream)) == [
            f"HDR ({'PQ' if transfer == PQ else 'HLG'}): tone-mapped to SDR"
        ]


def test_wide_colours_of_a_video_and_one_that_says_nothing(tmp_path):
    from rgnet.imaging.video_file import describe_colours, open_video, read_frame

    wide = write_video(tmp_path / "wide.mkv", wide_scene(TO_P3), "ffv1", DISPLAY_P3, 1, 1, False)
    assert np.abs(read_patches(read_frame(str(wide), 0.0)) - PATCHES).max() <= 4
    plain = write_video(tmp_path / "plain.mkv", scene() / 255, "ffv1", 2, 2, 1, False)
    # Old recordings often say "gamma 2.8" and are none
    old = write_video(tmp_path / "old.mkv", scene() / 255, "ffv1", 5, 5, 1, False)
    for path in (plain, old):
        assert np.abs(read_patches(read_frame(str(path), 0.0)) - PATCHES).max() <= 4
    with open_video(str(wide), "wide.mkv") as (_, stream):
        assert not list(describe_colours(stream))
