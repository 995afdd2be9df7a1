"""Previews are kept by content up to a size; whatever happens to their file, they are only missing."""

import contextlib
import os
import sqlite3

from sample_library import MODEL, make_photo, scan_folder

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.queries import find_scored
from rgnet.catalogue.selects import Filter
from rgnet.previews import PreviewCache

ONE, TWO = "1" * 64, "2" * 64


def test_what_is_put_is_got_by_content_and_kind_also_later(tmp_path):
    file = tmp_path / "cache" / "previews.sqlite"
    first = PreviewCache(file)
    first.put_picture(ONE, b"picture")
    first.put(ONE, "edges", b"[]")
    second = PreviewCache(file)
    assert (second.picture(ONE), second.get(ONE, "edges"), second.picture(TWO)) == (b"picture", b"[]", None)
    first.close()
    second.put_picture(None, b"of no photo")
    assert second.picture(None) is None
    assert first.picture(ONE) is None and second.picture(ONE) == b"picture"


def test_the_least_recently_used_go_first(tmp_path):
    cache = PreviewCache(tmp_path / "p.sqlite", most_bytes=600_000)
    for index in range(40):
        cache.put_picture(f"{index:064x}", os.urandom(20_000))
        # A day later each
        with contextlib.closing(sqlite3.connect(tmp_path / "p.sqlite")) as database, database:
            database.execute("UPDATE kept SET used = used - 100000 WHERE used > 0")
        cache.picture(f"{0:064x}")  # looked at again and again
    kept = [index for index in range(40) if cache.picture(f"{index:064x}")]
    assert 0 in kept and 39 in kept and 1 not in kept
    assert 15 <= len(kept) <= 30


def test_a_file_that_is_deleted_damaged_or_cannot_be_written_only_misses(tmp_path):
    file = tmp_path / "p.sqlite"
    file.write_bytes(b"no database at all" * 100)
    cache = PreviewCache(file)
    cache.put_picture(ONE, b"picture")
    assert cache.picture(ONE) == b"picture"
    cache.close()
    (tmp_path / "blocked").write_text("a file where a folder should be")
    nowhere = PreviewCache(tmp_path / "blocked" / "p.sqlite")
    nowhere.put_picture(ONE, b"picture")
    assert nowhere.picture(ONE) is None and PreviewCache(None).picture(ONE) is None


def test_a_scan_keeps_a_preview_of_every_photo_that_it_reads(tmp_path):
    make_photo(tmp_path / "Pictures" / "large.png", 90, size=(1600, 800))
    make_photo(tmp_path / "Pictures" / "small.png", 10)
    cache = PreviewCache(tmp_path / "p.sqlite")
    scan_folder(tmp_path / "Pictures", tmp_path / "c.sqlite", previews=cache)
    with Catalogue.open(tmp_path / "c.sqlite") as catalogue:
        for row in find_scored(catalogue, Filter(model=MODEL)):
            assert cache.picture(row.sha256).startswith(b"\xff\xd8")
