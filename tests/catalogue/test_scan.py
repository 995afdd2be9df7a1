"""A scan reads what is new, recognises what it knows, and neither loses nor doubles a photo, whatever ends it."""

import os
import random
import shutil
import subprocess
import sys
import threading
import time

import pytest
import shelf
from shelf import counts, photo, scan

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.queries import Filter, best, entry, failed
from rgnet.errors import CatalogueError

MODEL = shelf.card().short_hash
KILLS = 50


@pytest.fixture
def folder(tmp_path):
    """Twelve photos in two folders."""
    for index in range(12):
        photo(tmp_path / "photos" / ("a" if index % 2 else "b") / f"{index:02}.png", 20 * index)
    return tmp_path / "photos"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "catalogue.sqlite"


def scores(file, **asked) -> dict[str, float]:
    with Catalogue.open(file) as catalogue:
        return {record.path: record.score for record in best(catalogue, Filter(model=MODEL, **asked))}


def test_a_first_scan_scores_every_photo_and_a_second_reads_none(folder, file):
    told, gone = scan(folder, file)
    assert counts(told) == {"scored": 12} and gone == 0
    found = scores(file)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert found == {str(path): 20.0 * int(path.stem) for path in folder.rglob("*.png")}
    again, _ = scan(folder, file, decode=shelf.unopened)
    assert counts(again) == {"unchanged": 12}


def test_changed_photos_are_read_again_and_new_ones_too(folder, file):
    scan(folder, file)
    changed = photo(folder / "a" / "01.png", 200, size=(30, 30))
    new = photo(folder / "new.png", 77)
    told, _ = scan(folder, file)
    assert counts(told) == {"unchanged": 11, "scored": 2}
    assert scores(file)[str(changed)] == 200 and scores(file)[str(new)] == 77


def test_a_file_as_young_as_its_reading_is_hashed_for_it_may_have_changed_unseen(folder, file):
    young = folder / "a" / "01.png"
    os.utime(young)
    scan(folder, file)
    stamp = young.stat()
    photo(young, 21)
    os.utime(young, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert young.stat().st_size == stamp.st_size
    told, _ = scan(folder, file)
    assert told[str(young)] == "scored" and scores(file)[str(young)] == 21


def test_moved_photos_are_recognised_without_decoding_and_the_old_paths_are_gone(folder, file):
    scan(folder, file)
    before = scores(file)
    (folder / "a").rename(folder / "c")
    told, gone = scan(folder, file, decode=shelf.hash_only)
    assert counts(told) == {"unchanged": 6, "known": 6} and gone == 6
    assert {path.replace("/c/", "/a/"): score for path, score in scores(file).items()} == before
    assert len(scores(file, gone=True)) == 18


def test_a_copy_is_another_path_of_the_same_photo(folder, file):
    scan(folder, file)
    copy = folder / "copy.png"
    shutil.copy2(folder / "a" / "01.png", copy)
    told, _ = scan(folder, file)
    assert told[str(copy)] == "known"
    with Catalogue.open(file) as catalogue:
        assert set(entry(catalogue, copy, MODEL).same_photo) == {str(copy), str(folder / "a" / "01.png")}


def test_a_new_model_scores_again_in_one_reading(folder, file):
    scan(folder, file)
    told, _ = scan(folder, file, name="other", decode=shelf.no_hash_only)
    assert counts(told) == {"scored": 12}
    with Catalogue.open(file) as catalogue:
        other = list(best(catalogue, Filter(model=shelf.card("other").short_hash)))
        assert len(other) == 12 and {record.model for record in other} == {"other"}
    assert len(scores(file)) == 12


def test_vanished_photos_are_kept_and_come_back(folder, file, tmp_path):
    scan(folder, file)
    away = tmp_path / "away"
    (folder / "a").rename(away)
    assert scan(folder, file)[1] == 6 and len(scores(file)) == 6
    assert scan(folder, file)[1] == 6
    away.rename(folder / "a")
    told, gone = scan(folder, file)
    assert counts(told) == {"unchanged": 12} and gone == 0 and len(scores(file)) == 12


def test_another_folders_photos_are_not_gone_when_a_name_only_begins_alike(folder, file):
    beside = photo(folder.parent / "photos-old" / "x.png", 5).parent
    scan(beside, file)
    assert scan(folder, file)[1] == 0
    assert len(scores(file)) == 13 and len(scores(file, folder=folder)) == 12


def test_a_photo_that_crashes_or_hangs_its_process_is_one_row_and_tried_again_by_the_next_scan(folder, file):
    crash, hang = photo(folder / "a" / "crash.png", 1), photo(folder / "hang.png", 2)
    told, _ = scan(folder, file, decode=shelf.harmful, seconds=3)
    assert counts(told) == {"scored": 12, "failed": 2}
    with Catalogue.open(file) as catalogue:
        errors = {record.path: record.error for record in failed(catalogue, Filter(model=MODEL))}
    assert errors[str(crash)] == (
        f"{crash}: its decoder crashed (signal SIGABRT): save it anew, or leave it out"
    )
    assert "takes more than 3 s" in errors[str(hang)] and len(errors) == 2
    again, _ = scan(folder, file)
    assert counts(again) == {"unchanged": 12, "scored": 2}
    with Catalogue.open(file) as catalogue:
        assert not list(failed(catalogue, Filter(model=MODEL)))


def test_a_photo_whose_process_dies_keeps_the_score_it_has(folder, file):
    crash = photo(folder / "a" / "crash.png", 1)
    scan(folder, file)
    os.utime(crash, (shelf.PAST - 60, shelf.PAST - 60))
    told, _ = scan(folder, file, decode=shelf.harmful)
    assert told[str(crash)] == "failed" and scores(file)[str(crash)] == 1
    told, _ = scan(folder, file)
    assert told[str(crash)] == "known" and scores(file)[str(crash)] == 1


def test_a_damaged_photo_is_a_row_until_it_is_repaired(folder, file):
    broken = folder / "a" / "01.png"
    broken.write_bytes(broken.read_bytes()[:40])
    os.utime(broken, (shelf.PAST, shelf.PAST))
    assert counts(scan(folder, file)[0]) == {"scored": 11, "failed": 1}
    with Catalogue.open(file) as catalogue:
        (failure,) = failed(catalogue, Filter(model=MODEL))
        assert failure.path == str(broken) and failure.error.startswith(f"{broken}: expected a sound PNG")
    copy = folder / "copy.png"
    shutil.copy2(broken, copy)
    assert scan(folder, file)[0][str(copy)] == "failed before"
    again, _ = scan(folder, file, decode=shelf.unopened)
    assert counts(again) == {"unchanged": 11, "failed before": 2}
    copy.unlink()
    photo(broken, 20)
    assert scan(folder, file)[0][str(broken)] == "scored"
    with Catalogue.open(file) as catalogue:
        assert not list(failed(catalogue, Filter(model=MODEL)))


def test_once_asked_to_stop_it_finishes_what_it_has_and_goes_on_next_time(tmp_path, file):
    for index in range(80):
        photo(tmp_path / "many" / f"{index:02}.png", index)
    told = {}
    with Catalogue.open(file, make=True) as catalogue:
        run = shelf.Scan(
            catalogue,
            shelf.card(),
            shelf.Brightness,
            lambda path, what, _: told.update({path: what}),
            stopping=lambda: len(told) > 3,
            processes=2,
        )
        assert run.run([tmp_path / "many"]) == 0
    assert 3 < len(told) < 80 and len(scores(file)) == len(told)
    assert counts(scan(tmp_path / "many", file)[0]) == {"unchanged": len(told), "scored": 80 - len(told)}


@pytest.mark.slow
def test_killed_at_any_moment_it_loses_nothing_that_was_written_and_ends_with_every_photo_once(
    tmp_path, file
):
    many, partial = tmp_path / "many", 0
    for index in range(200):
        photo(many / f"{index:03}.png", index)
    expected = {str(path): float(path.stem) for path in many.iterdir()}
    draw, script = random.Random(0), [sys.executable, shelf.__file__, str(many)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    start = time.monotonic()
    subprocess.run([*script, str(tmp_path / "calm.sqlite")], env=environment, check=True)
    whole = time.monotonic() - start
    before = {}
    for _ in range(KILLS):
        running = subprocess.Popen([*script, str(file)], env=environment)
        time.sleep(draw.uniform(0.1, 1.1) * whole)
        running.kill()
        running.wait()
        after = scores(file) if has_model(file) else {}
        assert before.items() <= after.items() <= expected.items()
        partial += 0 < len(after) < 200
        before = after
        if len(after) == 200:
            before = {}
            for leftover in tmp_path.glob("catalogue.sqlite*"):
                leftover.unlink()
    assert partial > 3

    scan(many, file)
    assert scores(file) == expected
    with Catalogue.open(file) as catalogue:
        assert catalogue.reading("PRAGMA integrity_check").fetchone() == ("ok",)
        assert catalogue.reading("SELECT count(*) FROM photo").fetchone() == (200,)


def has_model(file) -> bool:
    """Whether a scan has come as far as beginning a catalogue."""
    try:
        with Catalogue.open(file) as catalogue:
            return catalogue.reading("SELECT count(*) FROM model").fetchone() != (0,)
    except CatalogueError:
        return False


def test_two_scans_at_once_do_each_other_no_harm(tmp_path, file):
    many, problems = tmp_path / "many", []
    for index in range(60):
        photo(many / f"{index:03}.png", index)

    def one():
        try:
            scan(many, file)
        except Exception as problem:
            problems.append(problem)

    both = [threading.Thread(target=one) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert not problems
    assert scores(file) == {str(path): float(path.stem) for path in many.iterdir()}
