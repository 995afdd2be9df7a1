"""Stars go to the photos that were scanned, can be undone wherever they are, and one failure stops no others."""

import json
import os
from pathlib import Path

import pytest
from rated_library import PERCENTILES, STARS, Library
from sidecars import JPEG, digikam, rating

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.marks import change_marks
from rgnet.catalogue.queries import find_scored, make_filter
from rgnet.imaging.jobs import DecodedPhoto
from rgnet.weights.file import read_card

pytest.importorskip("lxml.etree")


@pytest.fixture
def library(tmp_path, tiny_model):
    return Library(tmp_path, read_card(tiny_model))


def swap(one, other):
    between = one.with_name("between")
    one.rename(between)
    other.rename(one)
    between.rename(other)


def test_photos_that_swapped_names_get_no_stars_until_they_are_scanned_again(library):
    swap(library.folder / "a.jpg", library.folder / "b.jpg")
    done = library.rate("--write")
    assert done.exit_code == 3 and library.stars() == {"c.jpg": 3}
    for name in ("a.jpg", "b.jpg"):
        assert f"{name}: this is not the photo that was scanned: scan its folder again" in done.output
    assert "1 changed, 2 refused of 3 photos" in done.output


def test_photos_of_one_size_and_date_are_told_apart_by_their_content(library):
    for name in PERCENTILES:
        os.utime(library.folder / name, ns=(0, 10**18))
    library.scan()
    assert library.rate().exit_code == 0
    swap(library.folder / "a.jpg", library.folder / "b.jpg")
    assert library.rate("--write").exit_code == 3 and library.stars() == {"c.jpg": 3}


def test_a_photo_whose_date_alone_changed_is_rated(library):
    os.utime(library.folder / "a.jpg", ns=(0, 2 * 10**18))
    assert library.rate("--write").exit_code == 0 and library.stars() == STARS


def test_a_photo_of_another_size_or_none_is_refused(library):
    (library.folder / "a.jpg").write_bytes(JPEG)
    (library.folder / "b.jpg").unlink()
    done = library.rate("--write")
    assert done.exit_code == 3 and library.stars() == {"c.jpg": 3}
    assert "b.jpg: the file does not exist any more: scan its folder again" in done.output


def test_a_sidecar_that_cannot_be_written_does_not_stop_the_others(library, monkeypatch):
    from rgnet.xmp import sidecar

    write = sidecar.write_bytes

    def refuse_one(path, data):
        if path.name == "b.jpg.xmp":
            raise sidecar.SidecarRefused(
                f"{path}: cannot be written (Permission denied): change its permissions"
            )
        write(path, data)

    monkeypatch.setattr(sidecar, "write_bytes", refuse_one)
    done = library.rate("--write")
    assert done.exit_code == 3 and library.stars() == {"a.jpg": 1, "c.jpg": 3}
    assert "b.jpg.xmp: cannot be written (Permission denied)" in done.output


def test_undo_reaches_photos_of_another_model_damaged_ones_and_those_that_are_gone(library):
    assert library.rate("--write").exit_code == 0 and library.stars() == STARS
    library.scan(name="another", sha256="f" * 64)
    (library.folder / "a.jpg").write_bytes(b"damaged")
    (library.folder / "b.jpg").unlink()
    with Catalogue.open(library.file) as catalogue, catalogue.transaction():
        catalogue.execute("DELETE FROM score")
        catalogue.execute("UPDATE path SET gone = 1 WHERE path = ?", [os.fsencode(library.folder / "b.jpg")])
    done = library.rate("--undo", "--write")
    assert done.exit_code == 0 and library.stars() == {}, done.output
    assert "3 changed of 3 photos" in done.output
    assert sorted(path.name for path in library.folder.iterdir()) == ["a.jpg", "c.jpg"]


@pytest.mark.parametrize("words", [(), ("--undo",)])
def test_a_folder_that_the_catalogue_does_not_know_is_an_error(library, words):
    done = library.rate("/nope", *words)
    assert done.exit_code != 0 and "/nope: the catalogue has no " in str(done.exception)


def test_what_a_person_said_in_the_gallery_comes_before_the_score(library):
    with Catalogue.open(library.file) as catalogue:
        ids = {
            Path(row.record.path).name: int(row.id)
            for row in find_scored(catalogue, make_filter(catalogue, None))
        }
        change_marks(catalogue, [ids["a.jpg"]], {"stars": 4})
        change_marks(catalogue, [ids["b.jpg"]], {"stars": 5, "pick": "rejected"})
    done = library.rate("--write", "--json")
    assert "1 changed, 2 kept (rated by you) of 3 photos" in done.stderr and library.stars() == {"c.jpg": 3}
    kept = {Path(row["sidecar"]).name: row["after"] for row in map(json.loads, done.stdout.splitlines())}
    assert kept == {"a.jpg": 4, "b.jpg": -1, "c.jpg.xmp": 3}
    assert library.rate("--write", "--overwrite").exit_code == 0 and library.stars() == STARS


@pytest.mark.parametrize("naming, name", [("full", "b.NEF.xmp"), ("stem", "b.xmp")])
def test_a_raw_file_and_its_jpeg_are_starred_once_where_raw_processors_look(library, naming, name):
    raw, picture = library.folder / "b.NEF", library.folder / "b.jpg"
    raw.write_bytes(JPEG + b"raw")
    with Catalogue.open(library.file) as catalogue, catalogue.transaction():
        photo = catalogue.put_photo(DecodedPhoto(sha256=b"r" * 32, byte_count=raw.stat().st_size))
        catalogue.put_file(os.fsencode(raw), photo, bytes=raw.stat().st_size, mtime=0)
        pair = os.fsencode(picture), os.fsencode(raw)
        catalogue.execute("UPDATE path SET pair = ? WHERE path = ?", pair)
    done = library.rate("--write", "--naming", naming, "--exclude", "a.jpg", "--exclude", "c.jpg")
    assert done.exit_code == 0 and "1 changed of 1 photos" in done.output, done.output
    sidecars = [path.name for path in library.folder.glob("*.xmp")]
    assert sidecars == [name] and rating(library.folder / name) == 5
    assert "1 unchanged of 1 photos" in library.rate("--exclude", "[ac].jpg").output
    assert library.rate("--undo", "--write").exit_code == 0 and not list(library.folder.glob("*.xmp"))
    # A person's rating of the JPEG is one of the photo
    (library.folder / "b.jpg.xmp").write_bytes(digikam(2))
    assert "1 kept (rated by you) of 1 photos" in library.rate("--write", "--exclude", "[ac].jpg").output


def test_stars_among_ones_own_photos_are_printed_beside_the_models(library):
    with Catalogue.open(library.file) as catalogue:
        for score, name in enumerate(("b.jpg", "c.jpg", "a.jpg")):
            catalogue.execute(
                "UPDATE score SET score = ? WHERE photo = (SELECT photo FROM path WHERE path = ?)",
                (score, os.fsencode(library.folder / name)),
            )
    done = library.rate("--relative", "folder", "--write", "--json")
    rows = {Path(row["sidecar"]).name[0]: row for row in map(json.loads, done.stdout.splitlines())}
    assert {name: (row["after"], row["model_stars"]) for name, row in rows.items()} == {
        "a": (4, 1),
        "b": (2, 5),
        "c": (3, 3),
    }
    assert round(rows["a"]["percentile"]) == 83
    assert library.stars() == {"a.jpg": 4, "b.jpg": 2, "c.jpg": 3}
