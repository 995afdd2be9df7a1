"""A catalogue that cannot be used says why, and what it holds stays."""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import threading

import pytest
import sample_library
from sample_library import MODEL, make_photo, read_errors, read_scores, scan_folder
from typer.testing import CliRunner

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.models import resolve_model
from rgnet.catalogue.outline import find_page, make_outline
from rgnet.catalogue.paging import Listing, find_first_page
from rgnet.catalogue.queries import find_entry, find_failed, find_paths, find_scored, list_folders
from rgnet.catalogue.schema import FORMAT
from rgnet.catalogue.selects import Filter
from rgnet.catalogue.statistics import compute_statistics
from rgnet.cli import app
from rgnet.errors import CatalogueError, OutputError, SettingError
from rgnet.results import ScoredPhoto


@pytest.fixture
def file(tmp_path):
    """A catalogue of three photos."""
    for index in range(3):
        make_photo(tmp_path / "photos" / f"{index}.png", 50 * index)
    scan_folder(tmp_path / "photos", tmp_path / "catalogue.sqlite")
    return tmp_path / "catalogue.sqlite"


def test_none_foreign_newer_and_damaged_are_told_apart_and_left_as_they_are(file, tmp_path):
    with pytest.raises(CatalogueError, match=r"there is no catalogue .*: create it with  rgnet scan FOLDER"):
        Catalogue.open(tmp_path / "none.sqlite")
    foreign = tmp_path / "foreign.sqlite"
    with contextlib.closing(sqlite3.connect(foreign)) as database, database:
        database.execute("CREATE TABLE theirs (x)")
    text = tmp_path / "text.sqlite"
    text.write_text("not a database, but long enough to be taken for one " * 40)
    newer = tmp_path / "newer.sqlite"
    newer.write_bytes(file.read_bytes())
    with contextlib.closing(sqlite3.connect(newer)) as database, database:
        database.execute(f"PRAGMA user_version = {FORMAT + 1}")
    cases = {
        foreign: "is a database of another program: name another file with --catalogue",
        text: "is not a catalogue, or damaged",
        newer: f"has catalogue format {FORMAT + 1}, this rgnet knows up to {FORMAT}: update rgnet",
    }
    for path, message in cases.items():
        before = path.read_bytes()
        with pytest.raises(CatalogueError, match=message):
            Catalogue.open(path, create=True)
        assert path.read_bytes() == before


def test_one_that_several_begin_at_once_is_ours_to_all_of_them(tmp_path):
    together, problems = threading.Barrier(6), []

    def begin(file):
        together.wait()
        try:
            Catalogue.open(file, create=True).close()
        except Exception as problem:
            problems.append(problem)

    for turn in range(50):
        beginners = [threading.Thread(target=begin, args=[tmp_path / f"{turn}.sqlite"]) for _ in range(6)]
        for beginner in beginners:
            beginner.start()
        for beginner in beginners:
            beginner.join()
    assert not problems


def test_a_full_disk_is_said_and_what_was_written_stays(file, tmp_path):
    for index in range(3, 60):
        make_photo(tmp_path / "photos" / f"{index}.png", index)
    with Catalogue.open(file) as catalogue:
        pages = catalogue.count("PRAGMA page_count")
        catalogue.execute(f"PRAGMA max_page_count = {pages + 1}")
        run = sample_library.Scan(
            catalogue,
            sample_library.make_card(),
            sample_library.BrightnessScorer,
            lambda *_: None,
            processes=1,
        )
        with pytest.raises(OutputError, match=r"cannot be written \(database or disk is full\): make room"):
            run.run([tmp_path / "photos"])
    assert 3 <= len(read_scores(file)) < 60
    scan_folder(tmp_path / "photos", file)
    assert len(read_scores(file)) == 60


def test_a_catalogue_that_may_only_be_read_can_be_read(file):
    with Catalogue.open(file) as catalogue:
        catalogue.execute("PRAGMA query_only = ON")
        assert len(list(find_scored(catalogue, Filter(model=MODEL)))) == 3
        with (
            pytest.raises(OutputError, match=r"cannot be written .*: check its permissions"),
            catalogue.transaction(),
        ):
            catalogue.put_model(sample_library.make_card(), 0)


@pytest.fixture
def read_only_volume(tmp_path):
    """A function that puts files on a volume which is read-only from then on."""
    place = tmp_path / "volume"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], capture_output=True).returncode == 0

    def put(*files):
        for source in files:
            shutil.copy(source, place)
        if mounted:
            subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        else:
            place.chmod(0o555)
        return place

    if not mounted and os.geteuid() == 0:
        pytest.skip("needs a user whom permissions bind, or the right to mount")
    yield put
    if mounted:
        subprocess.run(["umount", place], check=True)
    place.chmod(0o755)


@pytest.mark.parametrize("log", [False, True], ids=["", "with what is still in the log"])
def test_a_catalogue_on_a_read_only_volume_can_be_asked_and_not_scanned_into(file, read_only_volume, log):
    expected, files = read_scores(file), [file]
    if log:
        keeper = Catalogue.open(file)
        keeper.execute("UPDATE score SET score = score + 1")
        expected = {path: score + 1 for path, score in expected.items()}
        files.append(file.with_name(f"{file.name}-wal"))
    place = read_only_volume(*files)
    copy = place / file.name
    assert read_scores(copy) == expected and sorted(place.iterdir()) == sorted(
        place / one.name for one in files
    )
    assert read_errors(copy) == {}
    with pytest.raises(OutputError, match=r"cannot be written|cannot be opened"):
        scan_folder(file.parent / "photos", copy)
    if log:
        keeper.close()


def test_a_catalogue_is_never_the_output(file, tmp_path):
    with Catalogue.open(file) as catalogue:
        link, hard = tmp_path / "link.csv", tmp_path / "hard.csv"
        link.symlink_to(file)
        hard.hardlink_to(file)
        for target in (
            file,
            link,
            hard,
            tmp_path / "photos" / ".." / file.name,
            file.with_name(f"{file.name}-wal"),
        ):
            with pytest.raises(SettingError, match=r"is the catalogue itself: choose another --output"):
                catalogue.check_output(target)
        catalogue.check_output(tmp_path / "other.csv")


def test_a_record_comes_back_as_it_was_scored(file, tmp_path):
    path = tmp_path / "photos" / "2.png"
    with Catalogue.open(file) as catalogue:
        found = find_entry(catalogue, path, MODEL)
        top = next(find_scored(catalogue, Filter(model=MODEL)))
    assert found.record == top.record == ScoredPhoto(
        path=str(path), score=100.0, percentile=100 / 2.55, label=None, probability=None, width=20, height=18,
        model="brightness", model_hash=MODEL, engine="none",
        notes=(),
    )  # fmt: skip
    assert (
        found.votes_HW.tolist() == [[100, 100], [100, 100]]
        and not found.is_missing
        and found.read_error is None
    )
    stat = path.stat()
    assert (top.bytes, top.mtime_ns, top.sha256) == (stat.st_size, stat.st_mtime_ns, found.sha256)
    with (
        Catalogue.open(file) as catalogue,
        pytest.raises(CatalogueError, match=r"none.png is not in .*: scan"),
    ):
        find_entry(catalogue, tmp_path / "none.png", MODEL)


def test_models_are_asked_for_by_name_or_hash_and_the_last_one_by_nothing(file, tmp_path):
    scan_folder(tmp_path / "photos", file, name="other")
    other = sample_library.make_card("other").short_hash
    with Catalogue.open(file) as catalogue:
        catalogue.execute("UPDATE model SET used = used + 1 WHERE name = 'other'")
        assert resolve_model(catalogue, None) == resolve_model(catalogue, "other") == other
        assert resolve_model(catalogue, MODEL) == resolve_model(catalogue, "brightness") == MODEL
        with pytest.raises(CatalogueError, match="no scores of a model 'brightnes': did you mean brightness"):
            resolve_model(catalogue, "brightnes")


# --- damage ----------------------------------------------------------------------------------------------

DAMAGE = {
    "a score that is text": ("score", "score = 'much'"),
    "a percentile beyond its scale": ("score", "percentile = -14.0"),
    "votes that do not fit": ("score", "votes = x'0102', rows = 7"),
    "votes that are no numbers": ("score", "votes = x'007e007e007e007e'"),
    "notes that are no list": ("score", "notes = '{'"),
    "a size that is missing": ("photo", "width = NULL"),
    "a path that is no path": ("path", "path = 5"),
    "a scale without ends": ("model", "low = NULL"),
    "a model without a name": ("model", "name = x'00'"),
    "a text that is no UTF-8": ("photo", "camera = CAST(x'ff' AS TEXT)"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_values_that_no_catalogue_holds_are_damage_and_no_crash(file, damage):
    table, change = DAMAGE[damage]
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute(
            f"UPDATE {table} SET {change} WHERE rowid = (SELECT min(rowid) FROM {table})"
            if table != "path"
            else f"UPDATE path SET {change} WHERE path = (SELECT max(path) FROM path)"
        )
    with (
        Catalogue.open(file) as catalogue,
        pytest.raises(CatalogueError, match=r"is not a catalogue, or damaged \(.*\): put back a copy"),
    ):
        list(find_scored(catalogue, Filter(model=resolve_model(catalogue, None)), votes=True))


def test_tables_that_are_missing_are_damage_and_not_a_full_disk(file):
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("DROP TABLE score")
    with (
        Catalogue.open(file) as catalogue,
        pytest.raises(CatalogueError, match=r"or damaged \(no such table"),
    ):
        list(find_scored(catalogue, Filter(model=MODEL)))


def flip_bytes(content: bytearray, draw: random.Random) -> None:
    for _ in range(draw.choice([1, 8, 64])):
        content[draw.randrange(len(content))] = draw.randrange(256)


def flip_header(content: bytearray, draw: random.Random) -> None:
    content[draw.randrange(100)] = draw.randrange(256)


def clear_page(content: bytearray, draw: random.Random) -> None:
    start = 4096 * draw.randrange(len(content) // 4096)
    content[start : start + 4096] = bytes(4096)


def cut_end(content: bytearray, draw: random.Random) -> None:
    del content[draw.randrange(len(content)) :]


@pytest.mark.parametrize("damage", [flip_bytes, flip_header, clear_page, cut_end])
def test_damage_anywhere_ends_in_the_documented_errors(file, tmp_path, damage):
    draw, copy, refused = random.Random(7), tmp_path / "copy.sqlite", 0
    with Catalogue.open(file) as catalogue:  # leaves no log beside the file
        catalogue.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for _ in range(20):
        content = bytearray(file.read_bytes())
        damage(content, draw)
        copy.write_bytes(content)
        for ask in QUESTIONS:
            try:
                with Catalogue.open(copy) as catalogue:
                    ask(catalogue, tmp_path / "photos")
            except CatalogueError:
                refused += 1
            except OutputError as problem:
                assert "make room" not in str(problem)
    assert refused > 0


def list_gallery(catalogue, _folder):
    listing = Listing(wanted=Filter(model=resolve_model(catalogue, None)), order="name")
    find_first_page(catalogue, listing, limit=10)
    find_page(catalogue, listing, make_outline(catalogue, listing), offset=0, limit=10)
    list_folders(catalogue)


QUESTIONS = [
    lambda catalogue, _: list(
        find_scored(catalogue, Filter(model=resolve_model(catalogue, None)), votes=True)
    ),
    lambda catalogue, _: list(find_failed(catalogue, Filter(model=resolve_model(catalogue, None)))),
    lambda catalogue, folder: find_entry(catalogue, folder / "1.png", resolve_model(catalogue, None)),
    lambda catalogue, _: compute_statistics(catalogue, resolve_model(catalogue, None)),
    lambda catalogue, folder: list(find_paths(catalogue, folder)),
    list_gallery,
]


def test_an_export_never_replaces_the_catalogue(file, tmp_path):
    target = tmp_path / "table.csv"
    target.hardlink_to(file)
    before = file.read_bytes()
    words = ["export", "--output", target, "--catalogue", file]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(done.exception, SettingError) and "is the catalogue itself" in str(done.exception)
    assert file.read_bytes() == before == target.read_bytes()
