"""Two workers, one of them killed, give the rows of `rgnet score`; a run that was stopped goes on where it was."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pyarrow.parquet
import pytest

ray = pytest.importorskip("ray", reason="rgnet cluster needs ray: pip install '.[cluster]'")
pytest.importorskip("ray.data")

import fleet  # noqa: E402
from fleet import done, photos, plan_of, rows, scored  # noqa: E402

from rgnet.atomic import temporary_name  # noqa: E402
from rgnet.cluster.plan import part_file  # noqa: E402
from rgnet.cluster.run import WorkerPool  # noqa: E402
from rgnet.cluster.store import Store  # noqa: E402
from rgnet.errors import ClusterError  # noqa: E402


@pytest.fixture(scope="module")
def two_nodes():
    """A Ray cluster of two nodes with room for one worker each."""
    from ray.cluster_utils import Cluster

    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    node = {"num_cpus": 1, "object_store_memory": 128 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
    cluster.add_node(**node)
    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    yield cluster
    ray.shutdown()
    cluster.shutdown()
    monkeypatch.undo()


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "rows"))


@pytest.mark.slow
def test_with_a_worker_killed_every_photo_has_the_row_that_rgnet_score_gives(
    two_nodes, store, tmp_path, tiny_model
):
    names = photos(tmp_path / "photos", 64)
    for index, stem in ((20, "kill-worker"), (41, "crash")):
        names[index] = str(Path(names[index]).rename(tmp_path / "photos" / f"{stem}.png"))
    (tmp_path / "list.txt").write_text("".join(f"{name}\n" for name in names))
    plan = plan_of(store, tmp_path / "list.txt", tiny_model, part_size=8)
    outcomes = done(store, plan, WorkerPool(workers=2, decode=fleet.deadly))

    killed = (tmp_path / "photos" / "killed").read_text()
    workers = {path.name.removeprefix("worker-") for path in (tmp_path / "photos").glob("worker-*")}
    assert len(workers) >= 3 and killed in workers
    assert sorted(outcomes) == list(range(8)) and not any(outcome.skipped for outcome in outcomes.values())

    found, expected = rows(store), scored(names, tiny_model, tmp_path / "score.parquet")
    assert found.schema == expected.schema and found["path"].to_pylist() == names
    crash = names.index(str(tmp_path / "photos" / "crash.png"))
    assert "this photo crashed its decoder (signal SIGABRT)" in found["error"][crash].as_py()
    others = [index for index in range(64) if index != crash]
    assert found.take(others).equals(expected.take(others))
    assert sum(outcome.failed for outcome in outcomes.values()) == 7


@pytest.mark.slow
def test_a_later_run_does_the_missing_parts_alone(two_nodes, store, tmp_path, tiny_model):
    photos(tmp_path / "photos", 32)
    plan = plan_of(store, tmp_path / "photos", tiny_model, part_size=8)
    done(store, plan, WorkerPool(workers=2))
    files = [Path(store.root, part_file(part)) for part in range(4)]
    before, stamps = rows(store), [file.stat().st_mtime_ns for file in files]
    files[2].unlink()
    temporary_name(files[2]).write_bytes(b"half")
    assert list(done(store, plan, WorkerPool())) == [2]
    assert rows(store).equals(before)
    assert [file.stat().st_mtime_ns == stamp for file, stamp in zip(files, stamps, strict=True)] == [
        True,
        True,
        False,
        True,
    ]
    assert {name for name in store.names() if name.startswith(".")} == set()


@pytest.mark.slow
def test_a_part_that_kills_every_worker_is_given_up_and_the_others_are_done(
    two_nodes, store, tmp_path, tiny_model
):
    names = photos(tmp_path / "photos", 24)
    Path(names[10]).rename(tmp_path / "photos" / "010-always-kill-worker.png")
    plan = plan_of(store, tmp_path / "photos", tiny_model, part_size=8)
    results = done(store, plan, WorkerPool(workers=2, decode=fleet.deadly))
    assert sorted(results) == [0, 1, 2]
    skipped = {part: result.skipped for part, result in results.items() if result.skipped}
    assert skipped == {1: "part-0000001.parquet: its worker died 3 times: look at its photos"}
    assert not store.fs.exists(f"{store.root}/_rgnet/attempts")


@pytest.mark.slow
def test_what_a_worker_says_is_said_here(two_nodes, store, tmp_path, tiny_model):
    photos(tmp_path / "photos", 8)
    plan = plan_of(store, tmp_path / "photos", tiny_model)
    Path(store.root, "_rgnet", "model.safetensors").unlink()
    with pytest.raises(
        ClusterError, match=r"Ray gave up .*model.safetensors.*run the same command again to resume"
    ):
        done(store, plan, WorkerPool(workers=1))
    with pytest.raises(ClusterError, match="a worker needs 50 CPUs and 0 GPUs, the cluster has 2 and 0"):
        done(store, plan, WorkerPool(cpus=50))


@pytest.mark.slow
def test_the_command_stops_on_ctrl_c_goes_on_and_gives_the_rows_of_rgnet_score(
    two_nodes, tmp_path, tiny_model
):
    photos(tmp_path / "photos", 400)

    def start(*words):
        return subprocess.Popen(
            [sys.executable, "-m", "rgnet", *words, "-m", str(tiny_model)],
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"},
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )

    command = ("cluster", "photos", "rows", "--workers", "2", "--part-size", "8")
    running = start(*command, "--address", two_nodes.address)
    while running.poll() is None and not (tmp_path / "rows" / part_file(0)).exists():
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    errors = running.communicate(timeout=60)[1]
    assert running.returncode == 130, errors
    assert (
        "not reached of 400 photos; run the same command again to resume" in errors
        and "Traceback" not in errors
    )
    assert 0 < len(list((tmp_path / "rows").glob("part-*"))) < 50

    again = start(*command)
    errors = again.communicate(timeout=120)[1]
    assert again.returncode == 3, errors
    assert "360 scored, 40 failed of 400 photos; rows in rows/part-*.parquet" in errors
    score = start("score", "photos", "-o", "score.parquet")
    assert score.wait(60) == 3
    expected = pyarrow.parquet.read_table(tmp_path / "score.parquet")
    assert rows(Store(str(tmp_path / "rows"))).equals(expected)

    third = start(*command)
    assert "360 scored, 40 failed of 400" in third.communicate(timeout=60)[1] and third.returncode == 3
    (tmp_path / "photos" / "new.png").write_bytes(fleet.BROKEN)
    other = start(*command)
    errors = other.communicate(timeout=60)[1]
    assert other.returncode == 2 and "rows was started with photos 400" in errors
