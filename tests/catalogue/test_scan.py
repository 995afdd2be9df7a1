"""A scan reads what is new, recognises what it knows, and neither loses nor doubles a photo, whatever ends it."""

import contextlib
import errno
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import sample_library
from sample_library import (
    MODEL,
    count_outcomes,
    make_photo,
    read_errors,
    read_scores,
    scan_folder,
    scan_folders,
)

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.queries import find_entry, find_paths, find_scored, make_filter
from rgnet.catalogue.selects import Filter
from rgnet.errors import CatalogueError
from rgnet.imaging.discovery import Selection

KILLS = 20


@pytest.fixture
def folder(tmp_path):
    """Twelve photos in two folders."""
    for index in range(12):
        make_photo(tmp_path / "photos" / ("a" if index % 2 else "b") / f"{index:02}.png", 20 * index)
    return tmp_path / "photos"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "catalogue.sqlite"


def test_a_first_scan_scores_every_photo_and_a_second_reads_none(folder, file):
    outcomes, missing = scan_folder(folder, file)
    assert count_outcomes(outcomes) == {"scored": 12} and missing == 0
    found = read_scores(file)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert found == {str(path): 20.0 * int(path.stem) for path in folder.rglob("*.png")}
    again, _ = scan_folder(folder, file, decode=sample_library.unopened)
    assert count_outcomes(again) == {"unchanged": 12}


def test_features_are_kept_on_request_and_made_up_for(folder, file):
    scan_folder(folder, file)
    first, _ = scan_folder(folder / "a", file, features=True)
    again, _ = scan_folder(folder, file, features=True)
    assert count_outcomes(first) == {"scored": 6} and count_outcomes(again) == {"unchanged": 6, "scored": 6}
    # A copy needs no second pass, and a scan without features takes none away
    shutil.copy2(folder / "a" / "01.png", folder / "copy.png")
    (folder / "bad.png").write_bytes(b"no photo")
    last, _ = scan_folder(folder, file, features=True)
    assert count_outcomes(last) == {"unchanged": 12, "known": 1, "failed": 1}
    outcomes, _ = scan_folder(folder, file)
    assert count_outcomes(outcomes) == {"unchanged": 13, "failed before": 1}
    with Catalogue.open(file) as catalogue:
        query = "SELECT features, score FROM feature JOIN score USING (photo, model)"
        found = [(np.frombuffer(row["features"], np.float16), row["score"]) for row in catalogue.rows(query)]
    assert len(found) == 12 and all((features == [score, 20]).all() for features, score in found)


def test_changed_photos_are_read_again_and_new_ones_too(folder, file):
    scan_folder(folder, file)
    changed = make_photo(folder / "a" / "01.png", 200, size=(30, 30))
    new = make_photo(folder / "new.png", 77)
    outcomes, _ = scan_folder(folder, file)
    assert count_outcomes(outcomes) == {"unchanged": 11, "scored": 2}
    assert read_scores(file)[str(changed)] == 200 and read_scores(file)[str(new)] == 77


def test_a_file_as_young_as_its_reading_is_hashed_for_it_may_have_changed_unseen(folder, file):
    young = folder / "a" / "01.png"
    os.utime(young)
    scan_folder(folder, file)
    stamp = young.stat()
    make_photo(young, 21)
    os.utime(young, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert young.stat().st_size == stamp.st_size
    outcomes, _ = scan_folder(folder, file)
    assert outcomes[str(young)] == "scored" and read_scores(file)[str(young)] == 21


def test_moved_photos_are_recognised_without_decoding_and_the_old_paths_are_missing(folder, file):
    scan_folder(folder, file)
    before = read_scores(file)
    (folder / "a").rename(folder / "c")
    outcomes, missing = scan_folder(folder, file, decode=sample_library.hash_only)
    assert count_outcomes(outcomes) == {"unchanged": 6, "known": 6} and missing == 6
    assert {path.replace("/c/", "/a/"): score for path, score in read_scores(file).items()} == before
    assert len(read_scores(file, include_missing=True)) == 18


def test_a_copy_is_another_path_of_the_same_photo(folder, file):
    scan_folder(folder, file)
    copy = folder / "copy.png"
    shutil.copy2(folder / "a" / "01.png", copy)
    outcomes, _ = scan_folder(folder, file)
    assert outcomes[str(copy)] == "known"
    with Catalogue.open(file) as catalogue:
        assert set(find_entry(catalogue, copy, MODEL).paths) == {str(copy), str(folder / "a" / "01.png")}


def test_a_new_model_scores_again_in_one_reading(folder, file):
    scan_folder(folder, file)
    outcomes, _ = scan_folder(folder, file, name="other", decode=sample_library.no_hash_only)
    assert count_outcomes(outcomes) == {"scored": 12}
    with Catalogue.open(file) as catalogue:
        other = Filter(model=sample_library.make_card("other").short_hash)
        models = [row.record.model for row in find_scored(catalogue, other)]
    assert models == ["other"] * 12
    assert len(read_scores(file)) == 12


def test_vanished_photos_are_kept_and_come_back(folder, file, tmp_path):
    scan_folder(folder, file)
    away = tmp_path / "away"
    (folder / "a").rename(away)
    assert scan_folder(folder, file)[1] == 6 and len(read_scores(file)) == 6
    assert scan_folder(folder, file)[1] == 6
    away.rename(folder / "a")
    outcomes, missing = scan_folder(folder, file)
    assert count_outcomes(outcomes) == {"unchanged": 12} and missing == 0 and len(read_scores(file)) == 12


def test_another_folders_photos_are_not_missing_when_a_name_only_begins_alike(folder, file):
    beside = make_photo(folder.parent / "photos-old" / "x.png", 5).parent
    scan_folder(beside, file)
    assert scan_folder(folder, file)[1] == 0
    assert len(read_scores(file)) == 13 and len(read_scores(file, folder=folder)) == 12


def test_system_folders_are_passed_over_and_excluded_photos_are_not_missing(folder, file):
    scan_folder(folder, file)
    make_photo(folder / "a" / "@eaDir" / "thumbnail.png", 9)
    skipped = []
    selection = Selection(exclude=["b"], on_skip=lambda path, reason: skipped.append((path, reason)))
    outcomes, missing = scan_folder(folder, file, selection=selection)
    assert count_outcomes(outcomes) == {"unchanged": 6} and missing == 0 and len(read_scores(file)) == 12
    assert skipped == [(str(folder / "a" / "@eaDir"), "system"), (str(folder / "b"), "excluded")]
    outcomes, _ = scan_folder(folder / "a" / "@eaDir", file)
    assert count_outcomes(outcomes) == {"scored": 1}


def test_a_photo_that_crashes_or_hangs_its_process_is_one_row_and_tried_again_by_the_next_scan(folder, file):
    crash, hang = make_photo(folder / "a" / "crash.png", 1), make_photo(folder / "hang.png", 2)
    outcomes, _ = scan_folder(folder, file, decode=sample_library.harmful, seconds=3)
    assert count_outcomes(outcomes) == {"scored": 12, "failed": 2}
    errors = read_errors(file)
    assert (
        errors[str(crash)]
        == "this photo crashed its decoder (signal SIGABRT): save it again, or leave it out"
    )
    assert "took more than 3 s" in errors[str(hang)] and len(errors) == 2
    again, _ = scan_folder(folder, file)
    assert count_outcomes(again) == {"unchanged": 12, "scored": 2}
    assert not read_errors(file)


def test_a_photo_whose_process_dies_keeps_the_score_it_has(folder, file):
    crash = make_photo(folder / "a" / "crash.png", 1)
    scan_folder(folder, file)
    os.utime(crash, (sample_library.PAST - 60, sample_library.PAST - 60))
    outcomes, _ = scan_folder(folder, file, decode=sample_library.harmful)
    assert outcomes[str(crash)] == "failed" and read_scores(file)[str(crash)] == 1
    outcomes, _ = scan_folder(folder, file)
    assert outcomes[str(crash)] == "known" and read_scores(file)[str(crash)] == 1


def test_a_damaged_photo_is_a_row_until_it_is_repaired(folder, file):
    broken = folder / "a" / "01.png"
    broken.write_bytes(broken.read_bytes()[:40])
    os.utime(broken, (sample_library.PAST, sample_library.PAST))
    assert count_outcomes(scan_folder(folder, file)[0]) == {"scored": 11, "failed": 1}
    (error,) = read_errors(file).items()
    assert error[0] == str(broken) and error[1].startswith("this PNG file is damaged")
    copy = folder / "copy.png"
    shutil.copy2(broken, copy)
    assert scan_folder(folder, file)[0][str(copy)] == "failed before"
    again, _ = scan_folder(folder, file, decode=sample_library.unopened)
    assert count_outcomes(again) == {"unchanged": 11, "failed before": 2}
    copy.unlink()
    make_photo(broken, 20)
    assert scan_folder(folder, file)[0][str(broken)] == "scored"
    assert not read_errors(file)


def test_once_asked_to_stop_it_finishes_what_it_has_and_goes_on_next_time(tmp_path, file):
    for index in range(80):
        make_photo(tmp_path / "many" / f"{index:02}.png", index)
    outcomes = {}
    with Catalogue.open(file, create=True) as catalogue:
        run = sample_library.Scan(
            catalogue,
            sample_library.make_card(),
            sample_library.BrightnessScorer,
            lambda path, what, _: outcomes.update({path: what}),
            stopping=lambda: len(outcomes) > 3,
            processes=2,
        )
        assert run.run([tmp_path / "many"]) == 0
    assert 3 < len(outcomes) < 80 and len(read_scores(file)) == len(outcomes)
    assert count_outcomes(scan_folder(tmp_path / "many", file)[0]) == {
        "unchanged": len(outcomes),
        "scored": 80 - len(outcomes),
    }


@pytest.mark.slow
def test_killed_at_any_moment_it_loses_nothing_that_was_written_and_ends_with_every_photo_once(
    tmp_path, file
):
    many, partial = tmp_path / "many", 0
    for index in range(200):
        make_photo(many / f"{index:03}.png", index)
    expected = {str(path): float(path.stem) for path in many.iterdir()}
    draw, before = random.Random(0), {}
    for _ in range(KILLS):
        running = start_scan(many, file)
        # Some time after so many photos have been written, however fast this machine is just now
        enough = draw.randint(len(before), 200)
        while running.poll() is None and len(written_scores(file)) < enough:
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.02))
        running.kill()
        running.wait()
        after = written_scores(file)
        assert before.items() <= after.items() <= expected.items()
        partial += 0 < len(after) < 200
        before = after
        if len(after) == 200:
            before = {}
            for leftover in tmp_path.glob("catalogue.sqlite*"):
                leftover.unlink()
    assert partial > 3

    scan_folder(many, file)
    assert read_scores(file) == expected
    with Catalogue.open(file) as catalogue:
        assert catalogue.first("PRAGMA integrity_check")[0] == "ok"
        assert catalogue.count("SELECT count(*) FROM photo") == 200


def start_scan(folder: Path, file: Path) -> subprocess.Popen:
    """A scan in a process of its own, from the moment at which its imports are done."""
    running = subprocess.Popen(
        [sys.executable, sample_library.__file__, str(folder), str(file)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
    )
    assert running.stdout.readline() == b"scanning\n"
    return running


def written_scores(file) -> dict[str, float]:
    return read_scores(file) if has_model(file) else {}


def has_model(file) -> bool:
    """Whether a scan has come as far as beginning a catalogue."""
    try:
        with Catalogue.open(file) as catalogue:
            return catalogue.count("SELECT count(*) FROM model") > 0
    except CatalogueError:
        return False


def test_two_scans_at_once_do_each_other_no_harm(tmp_path, file):
    many, problems = tmp_path / "many", []
    for index in range(60):
        make_photo(many / f"{index:03}.png", index)

    def one():
        try:
            scan_folder(many, file)
        except Exception as problem:
            problems.append(problem)

    both = [threading.Thread(target=one) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert not problems
    assert read_scores(file) == {str(path): float(path.stem) for path in many.iterdir()}


# --- what cannot be read ---------------------------------------------------------------------------------


def test_a_photo_whose_decoder_is_killed_under_another_model_keeps_its_score_and_is_scored_next_time(
    folder, file
):
    killed = make_photo(folder / "killed.png", 9)
    scan_folder(folder, file)
    outcomes, _ = scan_folder(folder, file, name="other", decode=sample_library.harmful)
    assert outcomes[str(killed)] == "failed" and read_scores(file)[str(killed)] == 9
    outcomes, _ = scan_folder(folder, file, name="other")
    assert outcomes[str(killed)] == "scored" and count_outcomes(outcomes) == {"unchanged": 12, "scored": 1}


@pytest.mark.parametrize("problem", [errno.EACCES, errno.ESTALE, errno.EIO])
def test_photos_of_a_folder_that_cannot_be_entered_are_kept_and_come_back_without_being_read(
    folder, file, monkeypatch, problem
):
    scan_folder(folder, file)
    before = read_scores(file)
    with monkeypatch.context() as patch:
        deny_below(patch, folder / "a", problem)
        outcomes, missing = scan_folder(folder, file)
    assert missing == 0 and read_scores(file) == before
    assert count_outcomes(outcomes) == {"unchanged": 6, "failed": 6}
    with Catalogue.open(file) as catalogue:
        entry = find_entry(catalogue, folder / "a" / "01.png", MODEL)
    assert os.strerror(problem) in entry.read_error and entry.record.score == 20 and not entry.is_missing
    outcomes, missing = scan_folder(folder, file, decode=sample_library.unopened)
    assert count_outcomes(outcomes) == {"unchanged": 12} and missing == 0
    with Catalogue.open(file) as catalogue:
        assert find_entry(catalogue, folder / "a" / "01.png", MODEL).read_error is None


def deny_below(monkeypatch, folder, problem):
    """Let the names in a folder be listed, and nothing there be looked at: as of mode 644 for others than root."""
    real = os.stat

    def stat(path, *arguments, **options):
        if isinstance(path, str | os.PathLike) and os.fspath(path).startswith(f"{folder}{os.sep}"):
            raise OSError(problem, os.strerror(problem), os.fspath(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "stat", stat)


@pytest.mark.skipif(os.name != "posix", reason="needs permissions of POSIX")
@pytest.mark.parametrize("mode", [0o600, 0o000])
def test_a_folder_without_permission_hides_nothing_that_was_scanned(folder, file, mode):
    scan_folder(folder, file)
    before = read_scores(file)
    inner = folder / "a"
    photos = sorted(map(str, inner.iterdir()))
    inner.chmod(mode)
    try:
        with as_nobody(folder.parent):
            outcomes, missing = scan_folder(folder, file)
    finally:
        inner.chmod(0o755)
    failed = sorted(path for path, outcome in outcomes.items() if outcome == "failed")
    assert missing == 0 and read_scores(file) == before and failed in (photos, [str(inner)])
    assert count_outcomes(scan_folder(folder, file)[0]) == {"unchanged": 12}
    assert not read_errors(file)


@contextlib.contextmanager
def as_nobody(top):
    """As a user whom permissions bind; root is not."""
    if os.geteuid() != 0:
        yield
        return
    for path in (top, *top.rglob("*")):
        os.chown(path, 65534, 65534)
    parents = {parent: parent.stat().st_mode for parent in top.parents if parent.stat().st_uid == 0}
    for parent, mode in parents.items():
        parent.chmod(mode | 0o055)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        for parent, mode in parents.items():
            parent.chmod(mode)


def test_a_link_whose_target_is_away_keeps_its_score_and_one_that_never_had_one_is_a_row(folder, file):
    target = make_photo(folder.parent / "elsewhere" / "x.png", 33)
    (folder / "link.png").symlink_to(target)
    (folder / "dangling.png").symlink_to(folder / "nothing.png")
    outcomes, _ = scan_folder(folder, file)
    assert (
        outcomes[str(folder / "link.png")] == "scored" and outcomes[str(folder / "dangling.png")] == "failed"
    )
    target.unlink()
    outcomes, missing = scan_folder(folder, file)
    assert outcomes[str(folder / "link.png")] == "failed" and missing == 0
    assert read_scores(file)[str(folder / "link.png")] == 33
    assert list(read_errors(file)) == [str(folder / "dangling.png")]


# --- names ----------------------------------------------------------------------------------------------


def test_names_that_are_not_text_are_scanned_and_fail_like_others(folder, file):
    odd = os.fsencode(folder) + b"/caf\xe9"
    good = os.fsdecode(odd + b"-good.png")
    make_photo(good, 99)
    broken, dangling = os.fsdecode(odd + b"-broken.png"), os.fsdecode(odd + b"-link.png")
    with open(broken, "wb") as broken_file:  # noqa: PTH123
        broken_file.write(b"\x89PNG\r\n\x1a\n no photo")
    os.symlink(b"nowhere\xff", dangling)  # noqa: PTH211
    outcomes, _ = scan_folder(folder, file)
    assert count_outcomes(outcomes) == {"scored": 13, "failed": 2}
    assert read_scores(file)[good] == 99 and read_errors(file).keys() == {broken, dangling}


@pytest.mark.parametrize("stored, asked", [("NFC", "NFD"), ("NFD", "NFC"), ("NFC", "NFC"), ("NFD", "NFD")])
def test_a_name_is_found_in_either_form_of_unicode(tmp_path, file, stored, asked):
    folder = tmp_path / unicodedata.normalize(stored, "Caf\u00e9 \u212b")
    path = make_photo(folder / unicodedata.normalize(stored, "\u00c9t\u00e9.png"), 50)
    scan_folder(tmp_path, file)
    spelled = tmp_path / unicodedata.normalize(asked, "Caf\u00e9 \u212b")
    with Catalogue.open(file) as catalogue:
        entry = find_entry(catalogue, spelled / unicodedata.normalize(asked, "\u00c9t\u00e9.png"), MODEL)
        assert entry.record.path == str(path)
    assert read_scores(file, folder=spelled) == {str(path): 50}
    assert read_scores(file, text=unicodedata.normalize(asked, "CAF\u00c9")) == {str(path): 50}
    assert read_scores(file, folder=tmp_path / "Cafe") == {}


# --- one path for a file --------------------------------------------------------------------------------


def test_however_a_folder_is_spelled_its_photos_are_counted_once(folder, file, monkeypatch):
    link = folder.parent / "link"
    link.symlink_to(folder)
    scan_folder(folder, file)
    monkeypatch.chdir(folder / "a")
    for spelling in (
        link,
        folder / "a" / "..",
        Path(".."),
        Path("../../link"),
        folder.parent / "." / "photos",
    ):
        outcomes, missing = scan_folder(spelling, file, decode=sample_library.unopened)
        assert count_outcomes(outcomes) == {"unchanged": 12} and missing == 0
    assert len(read_scores(file, include_missing=True)) == 12
    with Catalogue.open(file) as catalogue:
        for spelling in (link / "a" / "01.png", Path("01.png"), folder / "b" / ".." / "a" / "01.png"):
            assert find_entry(catalogue, spelling, MODEL).paths == (str(folder / "a" / "01.png"),)
        for spelling in (link / "a", Path(), Path("../../link/a")):
            wanted = make_filter(catalogue, None, folder=spelling)
            assert len(list(find_scored(catalogue, wanted))) == 6
            assert len(list(find_paths(catalogue, spelling))) == 6


def test_overlapping_folders_are_visited_once(folder, file):
    hidden = make_photo(folder / ".hidden" / "h.png", 5)
    link = folder.parent / "link"
    link.symlink_to(folder)
    visits = []
    with Catalogue.open(file, create=True) as catalogue:
        scan = sample_library.Scan(
            catalogue,
            sample_library.make_card(),
            sample_library.BrightnessScorer,
            lambda path, *_: visits.append(path),
            processes=1,
        )
        assert scan.run([folder / "a", folder, link, hidden.parent, folder / "b" / ".."]) == 0
    assert sorted(visits) == sorted([str(path) for path in folder.rglob("*.png")])
    hidden.unlink()
    (folder / "a" / "01.png").unlink()
    assert scan_folders(folder, hidden.parent, file=file)[1] == 2


def test_a_link_to_a_photo_is_a_file_of_its_own(folder, file):
    album = folder.parent / "album"
    album.mkdir()
    (album / "best.png").symlink_to(folder / "a" / "11.png")
    scan_folders(folder, album, file=file)
    assert read_scores(file, folder=album) == {str(album / "best.png"): 220}


def test_photos_whose_colours_an_earlier_rgnet_did_not_read_are_scored_once_more(folder, file):
    scan_folder(folder, file)
    notes = [
        "colour information ignored: cICP says BT.2020, PQ (HDR)",
        "colour information ignored: nclx says Display P3",
        "colour information ignored: cHRM names primaries that are not sRGB's",
        "HDR video (HLG): its frames are not tone-mapped and look pale",
        "colour information ignored: gAMA is 1e-05",
    ]
    with Catalogue.open(file) as catalogue, catalogue.transaction():
        for photo, note in enumerate(notes, 1):
            catalogue.execute(
                "UPDATE score SET notes = ?, score = 0 WHERE photo = ?", (json.dumps([note]), photo)
            )
    # Until the next scan they keep the scores they have
    assert list(read_scores(file).values()).count(0) >= 5
    first, _ = scan_folder(folder, file)
    again, _ = scan_folder(folder, file, decode=sample_library.unopened)
    assert count_outcomes(first) == {"scored": 4, "unchanged": 8}
    assert count_outcomes(again) == {"unchanged": 12}
