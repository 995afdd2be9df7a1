"""Stars among a photographer's own photos: by folder, by event, by library; ties, copies and lone photos are fair."""

import pytest

from rgnet.catalogue.records import PhotoRow
from rgnet.culling.relative import RelativePercentiles
from rgnet.results import ScoredPhoto


def row(path, score, taken=None, id=None):
    photo = ScoredPhoto(path, score, 50.0, None, None, 8, 8, "m", "h", "e")
    return PhotoRow(id=id or path, record=photo, sha256=None, bytes=1, mtime_ns=1, taken=taken, camera=None)


def percentiles(rows, scope):
    found = RelativePercentiles(rows, scope)
    return {one.record.path: found.percentile(one.record) for one in rows}


def test_a_folder_is_ranked_by_itself_and_equal_scores_share_a_rank():
    rows = [row("/a/1", 1.0), row("/a/2", 2.0), row("/a/3", 2.0), row("/a/4", 4.0), row("/b/1", 9.0)]
    assert percentiles(rows, "folder") == {"/a/1": 12.5, "/a/2": 50, "/a/3": 50, "/a/4": 87.5, "/b/1": 50}
    assert percentiles(rows, "library")["/b/1"] == 90


def test_an_event_ends_with_a_pause_and_crosses_midnight_and_folders():
    rows = [
        row("/a/1", 1.0, "2026-05-01T22:00:00"),
        row("/b/2", 3.0, "2026-05-02T01:59:59"),
        row("/b/3", 2.0, "2026-05-02T05:59:59"),
        row("/b/undated", 5.0),
    ]
    found = percentiles(list(reversed(rows)), "event")
    assert found == {"/a/1": 25, "/b/2": 75, "/b/3": 50, "/b/undated": 50}


def test_copies_of_a_photo_count_once_in_each_place():
    rows = [row("/a/1", 2.0, id="1"), row("/a/copy", 2.0, id="1"), row("/a/2", 1.0), row("/b/1", 2.0, id="1")]
    assert percentiles(rows, "folder") == {"/a/1": 75, "/a/copy": 75, "/a/2": 25, "/b/1": 50}


@pytest.mark.parametrize("scope", ["folder", "event", "library"])
def test_no_photos_are_no_problem(scope):
    assert percentiles([], scope) == {}
