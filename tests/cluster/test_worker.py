"""A worker by itself: photos from buckets, rows in order, and what it does when photos are out of reach."""

from pathlib import Path

import pytest

pytest.importorskip("fsspec", reason="rgnet cluster needs fsspec: pip install '.[cluster]'")
pytest.importorskip("pyarrow")

import fsspec
from fleet import photos, plan_of, rows, scored
from fsspec.implementations.memory import MemoryFileSystem

from rgnet.cluster import worker
from rgnet.cluster.plan import Plan, finished_parts
from rgnet.cluster.run import count_failed
from rgnet.cluster.store import Store
from rgnet.cluster.worker import Worker, WorkerSettings, fetch, prefetch
from rgnet.errors import ClusterError, OutputError, PhotoTooLarge


@pytest.fixture
def bucket(tmp_path):
    """`shoot/` holds the photos of a folder."""
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]
    photos(tmp_path / "p", 24)
    fs.put(str(tmp_path / "p"), "/shoot", recursive=True)
    return fs


@pytest.fixture
def hired(tmp_path, tiny_model):
    """A worker for the photos of a source; what it started is ended with the test."""
    made = []

    def hire(source: str | Path, *, dest: str = "memory://rows", **asked) -> Worker:
        plan_of(Store(dest), source, tiny_model, **({"part_size": 16} | asked))
        made.append(Worker(WorkerSettings(store=Store(dest).url, seconds=20)))
        return made[-1]

    yield hire
    for one in made:
        one.close()


def test_photos_of_a_bucket_have_the_numbers_of_the_same_files(bucket, hired, tmp_path, tiny_model):
    one = hired("memory://shoot")
    outcomes = [one.score_part(part) for part in range(2)]
    assert [(outcome.scored, outcome.failed) for outcome in outcomes] == [(15, 1), (7, 1)]
    names = [str(path) for path in sorted((tmp_path / "p").iterdir())]
    found, expected = rows(one.store), scored(names, tiny_model, tmp_path / "s.parquet")
    assert found["path"].to_pylist() == [f"memory:///shoot/{Path(name).name}" for name in names]
    assert found.drop(["path", "error"]).equals(expected.drop(["path", "error"]))
    assert found["error"][7].as_py().startswith("this JPEG file is damaged")


def test_a_missing_photo_an_empty_one_and_one_too_large_are_rows(bucket, hired, tmp_path, monkeypatch):
    bucket.pipe_file("/shoot/empty.jpg", b"")
    (tmp_path / "list").write_text(
        "memory://shoot/none.jpg\nmemory://shoot/empty.jpg\nmemory://shoot/000.png\n"
    )
    one = hired(tmp_path / "list")
    monkeypatch.setattr(worker, "FETCH_PAUSE_S", 0)
    assert one.score_part(0).failed == 2
    none, empty, sound = rows(one.store)["error"].to_pylist()
    assert none == "there is no such photo: check the address"
    assert empty == "this file is empty: copy it again from its source"
    assert sound is None
    with pytest.raises(
        PhotoTooLarge, match=r"000\.png: it has more than the 3 bytes that are allowed: shrink it"
    ):
        fetch("memory://shoot/000.png", 3)


def test_a_single_unreachable_photo_is_a_row_and_an_outage_skips_the_part(bucket, hired, monkeypatch):
    one, tried = hired("memory://shoot"), []

    def broken(stems):
        def cat_file(self, path, start=None, end=None, **_options):
            if Path(path).stem in stems:
                tried.append(path)
                raise OSError("connection reset")
            return sound(self, path, start=start, end=end)

        return cat_file

    sound = MemoryFileSystem.cat_file
    monkeypatch.setattr(worker, "FETCH_PAUSE_S", 0)
    monkeypatch.setattr(MemoryFileSystem, "cat_file", broken({"003"}))
    assert one.score_part(0).failed == 2 and len(tried) == worker.FETCH_ATTEMPTS
    assert "it cannot be fetched (OSError: connection reset)" in rows(one.store)["error"][3].as_py()
    monkeypatch.setattr(MemoryFileSystem, "cat_file", broken({"017", "018", "019"}))
    outcome = one.score_part(1)
    assert "cannot be fetched" in outcome.skipped and outcome.scored == outcome.failed == 0
    assert finished_parts(one.store, one.plan) == {0}
    monkeypatch.setattr(MemoryFileSystem, "cat_file", sound)
    assert one.score_part(1).skipped == "" and finished_parts(one.store, one.plan) == {0, 1}


def test_a_worker_that_sees_other_files_than_the_run_does_no_work(hired, tmp_path):
    photos(tmp_path / "p", 8)
    store = hired(tmp_path / "p", dest=str(tmp_path / "rows")).store
    with pytest.raises(ClusterError, match=r"does not see /elsewhere/a.jpg, .*mount the photos"):
        Worker(WorkerSettings(store=store.url, probe="/elsewhere/a.jpg"))
    with pytest.raises(ClusterError, match="does not see file:///elsewhere: mount it there"):
        Worker(WorkerSettings(store="file:///elsewhere"))


def test_results_come_in_order_and_no_more_are_begun_than_asked_for():
    from concurrent.futures import ThreadPoolExecutor

    begun = []

    def items():
        for item in range(20):
            begun.append(item)
            yield item

    with ThreadPoolExecutor(4) as threads:
        answers = prefetch((threads.submit(lambda item: item * item, item) for item in items()), 5)
        assert next(answers) == 0 and len(begun) == 5
        assert list(answers) == [item * item for item in range(1, 20)]


def test_a_part_that_ends_its_worker_is_started_three_times_and_then_skipped(
    bucket, hired, tmp_path, monkeypatch
):
    photos(tmp_path / "p", 16)
    one = hired(tmp_path / "p", part_size=8)

    def die(self, names):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Worker, "_score", die)
        for _ in range(worker.MAX_ATTEMPTS):
            with pytest.raises(SystemExit):
                one.score_part(1)
    skipped = "part-0000001.parquet: its worker died 3 times: look at its photos"
    assert one.score_part(1).skipped == skipped and one.score_part(0).skipped == ""
    assert finished_parts(one.store, one.plan) == {0}
    another_run = Worker(WorkerSettings(store=one.store.url, run="later"))
    assert another_run.score_part(1).skipped == ""
    another_run.close()


def test_names_that_are_not_utf8_fail_as_rows_and_pass_through_arrow(bucket, hired, tmp_path):
    import pyarrow

    (tmp_path / "list").write_bytes(b"/photos/a\xff.jpg\n")
    table = hired(tmp_path / "list")(pyarrow.table({"part": [0]}))
    assert table["errors"].to_pylist()[0][0].startswith("/photos/a\\udcff.jpg: ")


def test_a_finished_part_that_was_cut_is_named(hired, tmp_path):
    photos(tmp_path / "p", 16)
    one = hired(tmp_path / "p", part_size=8, dest=str(tmp_path / "rows"))
    for part in (0, 1):
        one.score_part(part)
    assert count_failed(one.store, {0, 1}) == 1
    file = tmp_path / "rows" / "part-0000001.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(
        ClusterError, match=r"part-0000001\.parquet is damaged \(.*\): delete it, and the same command"
    ):
        count_failed(one.store, {0, 1})


def test_a_part_on_a_full_disk_is_an_error_of_one_line(bucket, hired, tmp_path, full_disk, monkeypatch):
    names = photos(tmp_path / "p", 8)
    one = hired(tmp_path / "p")
    one.store = Store(str(full_disk))
    monkeypatch.setattr(Plan, "names", lambda *_: names)
    (full_disk / "rest").write_bytes(bytes(256 * 1024 - 8192))
    with pytest.raises(
        OutputError, match=r"cannot be written \(No space left on device\): make room or choose"
    ):
        one.score_part(0)
    assert not list(full_disk.glob("part-*")) and not list(full_disk.glob(".*"))
