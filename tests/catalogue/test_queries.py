"""A catalogue answers as a plain list would, and counts the same photos everywhere."""

import itertools
import random
import shutil

import pytest
import sample_library
from sample_library import MODEL, make_photo, scan_folder

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.outline import find_page, make_outline
from rgnet.catalogue.paging import Listing, find_first_page
from rgnet.catalogue.queries import (
    count_failed,
    count_scored,
    find_failed,
    find_paths,
    find_photo,
    find_scored,
)
from rgnet.catalogue.selects import Filter
from rgnet.catalogue.statistics import compute_statistics
from rgnet.page.report import Report

OTHER = sample_library.make_card("other").short_hash


@pytest.fixture(scope="module")
def invented(tmp_path_factory):
    """A catalogue of 400 paths with scores and days drawn at random, and the same as a list."""
    file, draw, rows = tmp_path_factory.mktemp("invented") / "catalogue.sqlite", random.Random(0), []
    with Catalogue.open(file, create=True) as catalogue, catalogue.transaction():
        catalogue.put_model(sample_library.make_card(), 0)
        for index in range(400):
            path = f"/p/{draw.choice('abc')}/{index:03}.jpg"
            day = draw.choice([None, f"2026-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}T10:00:00"])
            score = float(draw.randint(0, 255))
            values = (index, index.to_bytes(32, "big"), index, day)
            catalogue.execute(
                "INSERT INTO photo (id, sha256, bytes, taken, width, height) VALUES (?, ?, ?, ?, 1, 1)",
                values,
            )
            catalogue.put_file(path.encode(), index, bytes=index, mtime=0)
            catalogue.execute(
                "INSERT INTO score (photo, model, score, percentile, engine, notes) VALUES (?, ?, ?, 0, '', '[]')",
                (index, MODEL, score),
            )
            rows.append((score, path, day))
    return file, sorted(rows, key=lambda row: (-row[0], row[1]))


@pytest.mark.parametrize("few", [0, 10**6], ids=["by score", "by the filter"])
@pytest.mark.parametrize(
    "bounds",
    [
        {},
        {"lowest": 100.0},
        {"highest": 50.0, "folder": "/p/a"},
        {"since": "2026-03-05"},
        {"until": "2026-03-05"},
        {"since": "2026-06-01", "until": "2026-06-01"},
        {"since": "2026-02-01", "until": "2026-09-30", "folder": "/p/b", "lowest": 20.0},
        {"text": "B/1"},
    ],
    ids=str,
)
def test_filters_answer_as_a_plain_list_would(invented, bounds, few, monkeypatch):
    monkeypatch.setattr("rgnet.catalogue.selects._FEW", few)
    file, rows = invented
    expected = [
        path
        for score, path, day in rows
        if bounds.get("lowest", 0) <= score <= bounds.get("highest", 255)
        and path.startswith(bounds.get("folder", ""))
        and bounds.get("text", "").lower() in path
        and ("since" not in bounds or (day and day[:10] >= bounds["since"]))
        and ("until" not in bounds or (day and day[:10] <= bounds["until"]))
    ]
    wanted = Filter(model=MODEL, **bounds)
    with Catalogue.open(file) as catalogue:
        for once in (False, True):
            assert [row.record.path for row in find_scored(catalogue, wanted, once=once)] == expected
            assert count_scored(catalogue, wanted, once=once) == len(expected)
        assert [row.record.path for row in find_scored(catalogue, wanted, limit=5)] == expected[:5]
        assert [row.record.path for row in find_scored(catalogue, wanted, offset=5)] == expected[5:]


@pytest.mark.parametrize(
    "order, descending", list(itertools.product(["score", "taken", "name", "folder"], [True, False]))
)
def test_orders_put_what_lacks_the_value_last(invented, order, descending):
    file, rows = invented
    keys = {
        "score": lambda row: row[0],
        "taken": lambda row: row[2],
        "name": lambda row: row[1].rpartition("/")[2],
        "folder": lambda row: row[1],
    }
    key, by_path = keys[order], sorted(rows, key=lambda row: row[1])
    valued = sorted((row for row in by_path if key(row) is not None), key=key, reverse=descending)
    if descending:  # the sort is stable in reverse, too: ties stay by path
        valued = [
            row for _, ties in itertools.groupby(valued, key) for row in sorted(ties, key=lambda row: row[1])
        ]
    expected = [row[1] for row in [*valued, *(row for row in by_path if key(row) is None)]]
    with Catalogue.open(file) as catalogue:
        found = find_scored(catalogue, Filter(model=MODEL), order=order, descending=descending)
        assert [row.record.path for row in found] == expected


@pytest.fixture
def mixed(tmp_path):
    """Every state that a file can be in: copied, broken, unreadable, missing, and scored by another model only."""
    folder = tmp_path / "photos"
    for index in range(5):
        make_photo(folder / f"{index}.png", 40 * index)
    shutil.copy2(folder / "0.png", folder / "copy of 0.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n no photo")
    shutil.copy2(folder / "broken.png", folder / "copy of broken.png")
    (folder / "unreadable.png").symlink_to(folder / "nothing")
    file = tmp_path / "c.sqlite"
    scan_folder(folder, file, name="other")
    (folder / "4.png").unlink()
    scan_folder(folder, file)
    make_photo(folder / "later.png", 250)
    scan_folder(folder, file, name="other")
    return file


def test_stats_gallery_and_report_count_the_same_photos(mixed, tmp_path):
    with Catalogue.open(mixed) as catalogue:
        wanted = Filter(model=MODEL)
        found = compute_statistics(catalogue, MODEL)
        assert (found.files, found.missing_files) == (9, 1)
        assert (found.photos, found.scored_photos, found.failed_photos, found.other_photos) == (7, 4, 2, 1)
        assert sum(found.bars) == 4 and found.bars[0] == 1 and found.mean == 60
        listing = Listing(wanted=wanted)
        outline = make_outline(catalogue, listing)
        assert (outline.scored, outline.failed) == (4, 2)
        rows = find_page(catalogue, listing, outline, offset=0, limit=100)
        assert find_first_page(catalogue, listing, 5) == rows[:5]
        assert [row.record.ok for row in rows] == [True] * 4 + [False] * 2
        pages = [find_page(catalogue, listing, outline, offset=start, limit=2) for start in range(0, 8, 2)]
        assert [row for page in pages for row in page] == rows
        assert [find_photo(catalogue, MODEL, row.id) for row in rows[:4]] == rows[:4]
        assert find_photo(catalogue, MODEL, rows[-1].id) == rows[-1] and rows[-1].id.startswith("u")
        report = Report(catalogue=catalogue, wanted=wanted, scorer=None, processes=1)
        assert report.count_scored() == 4
        report.write(tmp_path / "r.html")
        assert (report.photos, report.scored_photos, report.not_shown) == (6, 4, 2)
        assert (
            len(list(find_scored(catalogue, wanted))) == 5 and len(list(find_failed(catalogue, wanted))) == 3
        )
        assert count_failed(catalogue, wanted) == 3
        assert len(list(find_paths(catalogue))) == 10
        assert [path.rpartition("/")[2] for path in find_paths(catalogue, tmp_path / "photos")][:2] == [
            "0.png",
            "1.png",
        ]
        other = compute_statistics(catalogue, OTHER)
        assert (other.photos, other.scored_photos, other.failed_photos, other.other_photos) == (7, 5, 2, 0)


def test_failures_are_last_hidden_or_alone(mixed):
    with Catalogue.open(mixed) as catalogue:
        for failures, low, expected in (
            ("1", None, (4, 2)),
            ("0", None, (4, 0)),
            ("only", None, (0, 2)),
            ("1", 50.0, (2, 0)),
        ):
            listing = Listing(wanted=Filter(model=MODEL, lowest=low), failures=failures)
            outline = make_outline(catalogue, listing)
            assert (outline.scored, outline.failed) == expected
            found = find_page(catalogue, listing, outline, offset=0, limit=100)
            assert len(found) == sum(expected)
