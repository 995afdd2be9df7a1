"""A worker by itself: photos from buckets, rows in order, and what it does when photos are out of reach."""

from pathlib import Path

import pytest

pytest.importorskip("fsspec", reason="rgnet cluster needs fsspec: pip install '.[cluster]'")
pytest.importorskip("pyarrow")

import fsspec
from fleet import photos, plan_of, rows, scored
from fsspec.implementations.memory import MemoryFileSystem

from rgnet.cluster import worker
from rgnet.cluster.plan import finished
from rgnet.cluster.store import Store
from rgnet.cluster.worker import Post, Worker, ahead
from rgnet.errors import ClusterError, PhotoRefused


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
        made.append(Worker(Post(store=Store(dest).url, seconds=20)))
        return made[-1]

    yield hire
    for one in made:
        one.decoders.close()
        one.fetchers.shutdown(cancel_futures=True)


def test_photos_of_a_bucket_have_the_numbers_of_the_same_files(bucket, hired, tmp_path, tiny_model):
    one = hired("memory://shoot")
    outcomes = [one.part(part) for part in range(2)]
    assert [(outcome.scored, outcome.failed) for outcome in outcomes] == [(15, 1), (7, 1)]
    names = [str(path) for path in sorted((tmp_path / "p").iterdir())]
    found, expected = rows(one.store), scored(names, tiny_model, tmp_path / "s.parquet")
    assert found["path"].to_pylist() == [f"memory:///shoot/{Path(name).name}" for name in names]
    assert found.drop(["path", "error"]).equals(expected.drop(["path", "error"]))
    assert found["error"][7].as_py().startswith("memory:///shoot/007.png: expected")


def test_a_missing_photo_an_empty_one_and_one_too_large_are_rows(bucket, hired, tmp_path, monkeypatch):
    bucket.pipe_file("/shoot/empty.jpg", b"")
    (tmp_path / "list").write_text(
        "memory://shoot/none.jpg\nmemory://shoot/empty.jpg\nmemory://shoot/000.png\n"
    )
    one = hired(tmp_path / "list")
    monkeypatch.setattr(worker, "PAUSE_S", 0)
    assert one.part(0).failed == 2
    none, empty, sound = rows(one.store)["error"].to_pylist()
    assert "none.jpg: expected a photo file, found none" in none
    assert "empty.jpg: expected one of" in empty and "found an empty file" in empty
    assert sound is None
    with pytest.raises(PhotoRefused, match=r"000.png: expected at most 3 bytes, found more"):
        worker.fetched("memory://shoot/000.png", 3)


def test_an_odd_photo_out_of_reach_is_a_row_and_an_outage_leaves_the_part(bucket, hired, monkeypatch):
    one, tried = hired("memory://shoot"), []

    def broken(stems):
        def cat_file(self, path, start=None, end=None, **_options):
            if Path(path).stem in stems:
                tried.append(path)
                raise OSError("connection reset")
            return sound(self, path, start=start, end=end)

        return cat_file

    sound = MemoryFileSystem.cat_file
    monkeypatch.setattr(worker, "PAUSE_S", 0)
    monkeypatch.setattr(MemoryFileSystem, "cat_file", broken({"003"}))
    assert one.part(0).failed == 2 and len(tried) == worker.TRIES
    assert "003.png: cannot be fetched (OSError: connection reset)" in rows(one.store)["error"][3].as_py()
    monkeypatch.setattr(MemoryFileSystem, "cat_file", broken({"017", "018", "019"}))
    outcome = one.part(1)
    assert "cannot be fetched" in outcome.left and outcome.scored == outcome.failed == 0
    assert finished(one.store, one.plan) == {0}
    monkeypatch.setattr(MemoryFileSystem, "cat_file", sound)
    assert one.part(1).left == "" and finished(one.store, one.plan) == {0, 1}


def test_a_worker_that_sees_other_files_than_the_run_does_no_work(hired, tmp_path):
    photos(tmp_path / "p", 8)
    store = hired(tmp_path / "p", dest=str(tmp_path / "rows")).store
    with pytest.raises(ClusterError, match=r"does not see /elsewhere/a.jpg, .*mount the photos"):
        Worker(Post(store=store.url, witness="/elsewhere/a.jpg"))
    with pytest.raises(ClusterError, match="does not see file:///elsewhere: mount it there"):
        Worker(Post(store="file:///elsewhere"))


def test_answers_come_in_order_and_no_more_is_begun_than_said():
    from concurrent.futures import ThreadPoolExecutor

    begun = []

    def items():
        for item in range(20):
            begun.append(item)
            yield item

    with ThreadPoolExecutor(4) as threads:
        answers = ahead((threads.submit(lambda item: item * item, item) for item in items()), 5)
        assert next(answers) == 0 and len(begun) == 5
        assert list(answers) == [item * item for item in range(1, 20)]
