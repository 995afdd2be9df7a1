"""Lists of photos as programs, editors and PowerShell write them."""

import io
import os

import pytest

from rgnet.errors import SettingError
from rgnet.imaging.path_list import read_path_list

NAMES = ["a.jpg", "folder/b c.jpg", "Grüße/ñandú.jpg", "日本/写真.heic"]
LINES = "".join(f"{name}\r\n" for name in NAMES)


def read(data: bytes) -> list[str]:
    return list(read_path_list(io.BytesIO(data), "list.txt"))


@pytest.mark.parametrize(
    "data",
    [
        LINES.encode(),
        LINES.replace("\r", "").encode(),
        "\n".join(NAMES).encode(),
        LINES.encode("utf-8-sig"),
        LINES.encode("utf-16"),
        b"\xfe\xff" + LINES.encode("utf-16-be"),
        ("\0".join(NAMES) + "\0").encode(),
        "\0".join(NAMES).encode(),
    ],
    ids=["crlf", "lf", "no last newline", "utf-8 mark", "utf-16", "utf-16-be", "nul", "no last nul"],
)
def test_every_encoding_and_divider_gives_the_same_names(data):
    assert read(data) == NAMES


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_known_by_its_first_characters(encoding):
    assert read("IMG_0001.JPG\r\nñ.jpg\r\n".encode(encoding)) == ["IMG_0001.JPG", "ñ.jpg"]


def test_short_names_between_nul_bytes_are_not_utf_16():
    assert read(b"a\0b\0c\0") == ["a", "b", "c"]


def test_blank_lines_are_skipped_and_spaces_of_names_kept():
    assert read(b"\n  \r\n a.jpg \n\n") == [" a.jpg "]
    assert read(b"") == []


def test_bytes_that_are_not_text_are_kept():
    assert [os.fsencode(name) for name in read(b"not-utf8-\xff.png\n")] == [b"not-utf8-\xff.png"]


def test_names_with_line_feeds_survive_between_nul_bytes():
    assert read(b"two\nlines.jpg\0b.jpg\0") == ["two\nlines.jpg", "b.jpg"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_list_of_any_length_is_read_as_it_is_consumed(encoding):
    names = [f"folder/{index:07}.jpg" for index in range(40_000)]
    stream = io.BytesIO("\n".join(names).encode(encoding))
    reader = read_path_list(stream, "list.txt")
    assert next(reader) == names[0] and stream.tell() < 2**17
    assert list(reader) == names[1:]


@pytest.mark.parametrize("data", ["a.jpg\n".encode("utf-16") + b"x", b"\xff\xfe" + b"\x00\xd8\x00\xd8"])
def test_damaged_utf_16_is_refused_in_one_line(data):
    with pytest.raises(
        SettingError, match=r"^list\.txt: this UTF-16 list is damaged: save it again, as UTF-8$"
    ):
        read(data)


def test_the_lists_of_powershell_that_once_failed(shared):
    for name in ("list_bom.txt", "list_utf16.txt"):
        assert read((shared / "cases" / name).read_bytes()) == ["exif_rating_4.jpg"]
