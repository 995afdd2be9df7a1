"""Buckets of an S3 server that checks signatures and rights: whatever is wrong with one is one sentence."""

import re
import sys

import pytest

pytest.importorskip("s3fs", reason="needs s3fs")

import s3fs
from fleet import photos, plan_of, rows
from fsspec.registry import _registry

from rgnet.cluster import worker
from rgnet.cluster.plan import finished_parts
from rgnet.cluster.sources import read_names
from rgnet.cluster.store import Store
from rgnet.cluster.worker import Worker, WorkerSettings
from rgnet.errors import MissingExtra, SettingError


@pytest.fixture(autouse=True)
def fresh_connections(buckets, monkeypatch):
    """What the environment says now is what counts, and an address that does not answer is given up at once."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    s3fs.S3FileSystem.clear_instance_cache()
    yield
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture(scope="module")
def shoot(buckets, tmp_path_factory) -> str:
    photos(tmp_path_factory.mktemp("shoot"), 24)
    folder = tmp_path_factory.getbasetemp() / "shoot0"
    buckets.upload(folder, "small")
    return "s3://photos/small"


DENIED = r"permission denied \(Access Denied\): check the credentials in the environment"
WRONG_KEY = {"AWS_SECRET_ACCESS_KEY": "wrong"}
NO_KEY = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
NOBODY_THERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("source", "dest", "environment", "sentence"),
    [
        (
            "s3://none/shoot",
            "s3://scores/a",
            {},
            "s3://none/shoot: expected a list, a table or a folder, found none",
        ),
        (
            "s3://photos/none",
            "s3://scores/a",
            {},
            "s3://photos/none: expected a list, a table or a folder, found none",
        ),
        (
            "s3://photos/small",
            "s3://none/a",
            {},
            r"cannot be written \(The specified bucket does not exist\): check",
        ),
        ("s3://closed/shoot", "s3://scores/a", {}, f"s3://closed/shoot: {DENIED}"),
        ("s3://photos/small", "s3://closed/a", {}, "s3://closed/a/_rgnet/plan.json: permission denied"),
        (
            "s3://photos/small",
            "s3://scores/a",
            WRONG_KEY,
            r"permission denied \((The request signature|Forbidden)",
        ),
        (
            "s3://photos/small",
            "s3://scores/a",
            NO_KEY,
            r"cannot be read \(Unable to locate credentials\): check",
        ),
        (
            "s3://photos/small",
            "s3://scores/a",
            NOBODY_THERE,
            r"cannot be read \(Could not connect to the endpoint URL",
        ),
    ],
)
def test_what_is_wrong_with_a_bucket_is_one_sentence(
    source, dest, environment, sentence, shoot, buckets, typed, tiny_model, monkeypatch
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    done = typed("cluster", source, dest, "-m", tiny_model)
    assert done.returncode == 2 and re.match(rf"rgnet: .*{sentence}.*\n\Z", done.errors), done.errors
    assert buckets.secret not in done.errors and buckets.keys("a/") == []


def test_addresses_with_passwords_are_refused_without_showing_them(typed, tiny_model, tmp_path):
    address = "ftp://me:hunter2@example.org/photos"
    for words in ((address, tmp_path / "rows"), (tmp_path, address)):
        done = typed("cluster", *words, "-m", tiny_model)
        assert done.returncode == 2 and "an address of ftp:// holds a password: leave it out" in done.errors
        assert "hunter2" not in done.errors
    with pytest.raises(SettingError, match="holds a password"):
        list(read_names(address))


def test_a_bucket_without_s3fs_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(_registry, "s3", raising=False)
    with pytest.raises(MissingExtra, match=r's3://bucket needs .*pip install "\.\[s3\]"'):
        list(read_names("s3://bucket"))


def test_credentials_that_end_on_the_way_make_no_rows_and_a_closed_photo_is_one(
    shoot, buckets, tmp_path, tiny_model, monkeypatch
):
    names = [f"{shoot}/{index:03}.png" for index in range(8)]
    names += ["s3://closed/a.jpg", "s3://photos/none.jpg"]
    (tmp_path / "list").write_text("\n".join(names))
    store = Store("s3://scores/ended")
    plan = plan_of(store, tmp_path / "list", tiny_model, part_size=16)
    one = Worker(WorkerSettings(store=store.url, seconds=20))
    monkeypatch.setattr(worker, "FETCH_PAUSE_S", 0)
    with monkeypatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", "ended")
        s3fs.S3FileSystem.clear_instance_cache()
        outcome = one.score_part(0)
    assert "it cannot be fetched (PermissionError: The request signature" in outcome.skipped
    assert finished_parts(store, plan) == set()

    s3fs.S3FileSystem.clear_instance_cache()
    assert (one.score_part(0).scored, one.score_part(0).failed) == (7, 3)
    one.close()
    errors = rows(store)["error"].to_pylist()
    assert errors[8].startswith("it cannot be read (Access Denied): check its permissions")
    assert errors[9] == "there is no such photo: check the address"
