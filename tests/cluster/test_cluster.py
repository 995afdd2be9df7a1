"""Two workers, some of them killed, give the rows of `rgnet score`; a run that was stopped goes on where it was."""

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

pytest.importorskip("ray.data", reason="rgnet cluster needs ray: pip install '.[cluster]'")

import fleet
from fleet import done, photos, plan_of, rows, scored

from rgnet.atomic import temporary_name
from rgnet.cluster.plan import part_file
from rgnet.cluster.run import WorkerPool
from rgnet.cluster.store import Store
from rgnet.errors import ClusterError


@pytest.mark.slow
def test_with_workers_killed_every_photo_has_its_row_but_those_of_a_part_that_kills_every_worker(
    ray_cluster, tmp_path, tiny_model
):
    folder, store = tmp_path / "photos", Store(str(tmp_path / "rows"))
    names = photos(folder, 48)
    for index, stem in ((20, "kill-worker"), (33, "crash"), (44, "always-kill-worker")):
        names[index] = str(Path(names[index]).rename(folder / f"{stem}.png"))
    (tmp_path / "list.txt").write_text("".join(f"{name}\n" for name in names))
    plan = plan_of(store, tmp_path / "list.txt", tiny_model, part_size=8)
    outcomes = done(store, plan, WorkerPool(workers=2, decode=fleet.deadly))

    killed = (folder / "killed").read_text()
    workers = {path.name.removeprefix("worker-") for path in folder.glob("worker-*")}
    assert len(workers) >= 5 and killed in workers
    assert {part: outcome.skipped for part, outcome in outcomes.items()} == dict.fromkeys(range(5), "") | {
        5: "part-0000005.parquet: its worker died 3 times: look at its photos"
    }
    assert not store.fs.exists(f"{store.root}/_rgnet/attempts")

    # Another run, which meets no harm, does what is missing and nothing else
    files = [Path(store.root, part_file(part)) for part in range(5)]
    before, stamps = rows(store), [file.stat().st_mtime_ns for file in files]
    temporary_name(files[2]).write_bytes(b"half")
    assert list(done(store, plan, WorkerPool(workers=1))) == [5]
    assert [file.stat().st_mtime_ns for file in files] == stamps and rows(store).slice(0, 40).equals(before)
    assert {name for name in store.names() if name.startswith(".")} == set()

    found, expected = rows(store), scored(names, tiny_model, tmp_path / "score.parquet")
    assert found.schema == expected.schema and found["path"].to_pylist() == names
    assert "this photo crashed its decoder (signal SIGABRT)" in found["error"][33].as_py()
    others = [index for index in range(48) if index != 33]
    assert found.take(others).equals(expected.take(others))
    assert sum(outcome.failed for outcome in outcomes.values()) == 5


@pytest.mark.slow
def test_what_a_worker_says_is_said_here(ray_cluster, tmp_path, tiny_model):
    photos(tmp_path / "photos", 8)
    store = Store(str(tmp_path / "rows"))
    plan = plan_of(store, tmp_path / "photos", tiny_model)
    Path(store.root, "_rgnet", "model.safetensors").unlink()
    with pytest.raises(
        ClusterError, match=r"Ray gave up .*model.safetensors.*run the same command again to resume"
    ):
        done(store, plan, WorkerPool(workers=1))
    with pytest.raises(ClusterError, match="a worker needs 50 CPUs and 0 GPUs, the cluster has 2 and 0"):
        done(store, plan, WorkerPool(cpus=50))


@pytest.mark.slow
def test_a_bucket_is_scored_whole_though_the_command_is_stopped_and_a_worker_killed(
    ray_cluster, buckets, tmp_path, tiny_model, typed
):
    names = photos(tmp_path / "photos", 160)
    buckets.upload(tmp_path / "photos", "shoot")
    command = ["cluster", "s3://photos/shoot", "s3://scores/all", "-m", str(tiny_model), "--part-size", "8"]
    stopped = stop_after_the_first_part([*command, "--address", ray_cluster.address], buckets)
    assert "run the same command again to resume" in stopped and "Traceback" not in stopped
    finished = {key: data for key, data in buckets.objects("all/part-").items()}
    assert 0 < len(finished) < 20

    with killing_a_worker(lambda: len(buckets.keys("all/part-")) > len(finished) + 2) as pids:
        again = typed(*command, "--workers", "2")
    assert again.returncode == 3 and len(pids) >= 3
    assert "144 scored, 16 failed of 160 photos; rows in s3://scores/all/part-*.parquet" in again.errors
    objects = buckets.objects("all/")
    assert [key for key in objects if "part-" in key] == [f"all/{part_file(part)}" for part in range(20)]
    assert {key: objects[key] for key in finished} == finished and not [
        key for key in objects if "attempts" in key
    ]

    # Every photo once, in order, with its own numbers
    found = rows(Store("s3://scores/all"))
    expected = scored(names, tiny_model, tmp_path / "score.parquet")
    assert found["path"].to_pylist() == [f"s3://photos/shoot/{Path(name).name}" for name in names]
    assert found.drop(["path"]).equals(expected.drop(["path"]))

    # Credentials are in no object, no log and on no terminal
    logs = [
        path.read_bytes()
        for path in Path(ray_cluster.head_node.get_logs_dir_path()).rglob("*")
        if path.is_file()
    ]
    assert len(logs) > 3
    for data in (*objects.values(), *logs, stopped.encode(), again.stdout, again.stderr):
        assert buckets.secret.encode() not in data

    third = typed(*command)
    assert "144 scored, 16 failed of 160" in third.errors and third.returncode == 3
    buckets.s3.put_object(Bucket="photos", Key="shoot/new.png", Body=fleet.BROKEN)
    other = typed(*command)
    assert other.returncode == 2 and "s3://scores/all was started with photos 160" in other.errors


def stop_after_the_first_part(words: list[str], buckets) -> str:
    """Ctrl-C; what the command then said."""
    running = subprocess.Popen(
        [sys.executable, "-m", "rgnet", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"},
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    while running.poll() is None and not buckets.keys("all/part-"):
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    errors = running.communicate(timeout=60)[1]
    assert running.returncode == 130, errors
    return errors


class killing_a_worker:
    """Kills one of Ray's workers, as the kernel would, once it is time; gives the pids of all that were seen."""

    def __init__(self, is_time) -> None:
        self.is_time, self.pids, self.ended = is_time, set(), threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def __enter__(self) -> set[int]:
        self.thread.start()
        return self.pids

    def __exit__(self, *_exception: object) -> None:
        self.ended.set()
        self.thread.join()

    def _watch(self) -> None:
        killed = False
        while not self.ended.wait(0.05):
            workers = [one for one in psutil.Process().children(recursive=True) if is_worker(one)]
            self.pids |= {one.pid for one in workers}
            if not killed and workers and self.is_time():
                workers[0].kill()
                killed = True


def is_worker(process: psutil.Process) -> bool:
    try:
        return "(Worker)" in " ".join(process.cmdline())
    except psutil.Error:
        return False
