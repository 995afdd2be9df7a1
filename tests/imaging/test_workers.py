"""A photo that crashes, hangs or bloats its process costs itself alone, and the next one is decoded."""

import contextlib
import hashlib
import io
import os
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from rgnet.errors import (
    PhotoChanged,
    PhotoDamaged,
    PhotoDecoderCrashed,
    PhotoNotFound,
    PhotoTimedOut,
    SettingError,
)
from rgnet.imaging import workers
from rgnet.imaging.decode import decode
from rgnet.imaging.jobs import DecodedPhoto, DecodeJob, run_job
from rgnet.imaging.policy import DecodePolicy
from rgnet.imaging.prepare import prepare
from rgnet.imaging.preprocess import Preprocess
from rgnet.imaging.workers import DecodePool


def jpeg(size=(64, 48), **options) -> bytes:
    row, column = np.mgrid[0 : size[1], 0 : size[0]]
    pixels = np.stack([255 * column / size[0], 255 * row / size[1], 0 * row], axis=-1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", **options)
    return file.getvalue()


def job(name: str, source: str | bytes = b"") -> DecodeJob:
    return DecodeJob(source=source or jpeg(), name=name)


# Decoders, found by the decoding process through import


def by_name(job: DecodeJob) -> DecodedPhoto:
    """Does what the job's name says; the count of a name's attempts is kept in the file that it names."""
    what, _, detail = job.name.partition(" ")
    if what == "abort":
        os.abort()
    if what == "exit":
        os._exit(7)
    if what == "hang":
        time.sleep(30)
    if what == "raise":
        raise ValueError("odd")
    if what == "bloat":
        bytes(2**30)
    if what == "print":
        os.write(1, b"noise")
        print("more noise")
    if what == "once":
        first = not Path(detail).exists()
        with Path(detail).open("a") as file:
            file.write("x")
        if first:
            os.kill(os.getpid(), signal.SIGKILL)
    return run_job(job)


@pytest.fixture
def pool():
    with DecodePool(1, seconds=5.0, decode=by_name) as made:
        yield made


def test_a_pool_survives_the_death_of_its_process(pool, decoders):
    assert pool.submit(job("good")).result().sha256 == hashlib.sha256(jpeg()).digest()
    (first,) = decoders()
    assert pool.submit(job("good")).result().error is None and decoders() == {first}
    crashed = pool.submit(job("abort")).result()
    assert isinstance(crashed.error, PhotoDecoderCrashed) and crashed.attempts == 2
    assert str(crashed.error) == (
        "abort: this photo crashed its decoder (signal SIGABRT): save it again, or leave it out"
    )
    assert crashed.sha256 == hashlib.sha256(jpeg()).digest()
    assert "(exit code 7)" in str(pool.submit(job("exit")).result().error)
    odd = pool.submit(job("raise")).result().error
    assert (
        isinstance(odd, PhotoDamaged)
        and str(odd) == "raise: decoding failed with ValueError (odd): save it again, or leave it out"
    )
    assert pool.submit(job("good")).result().error is None


def test_a_photo_that_takes_too_long_is_given_up():
    with DecodePool(1, seconds=1.0, decode=by_name) as pool:
        late = pool.submit(job("hang")).result()
        assert isinstance(late.error, PhotoTimedOut) and late.attempts == 2
        assert str(late.error).startswith("hang: decoding this photo took more than 1 s")


def test_a_photo_whose_process_was_killed_is_tried_once_more_in_a_new_one(pool, tmp_path):
    found = pool.submit(job(f"once {tmp_path / 'count'}")).result()
    assert found.error is None and found.attempts == 2
    assert (tmp_path / "count").read_text() == "xx"


def test_an_idle_process_that_is_killed_costs_no_photo_an_attempt(pool, decoders):
    for _ in range(3):
        assert pool.submit(job("good")).result().attempts == 1
        (process,) = decoders()
        process.kill()
        psutil.wait_procs([process], timeout=5)
    assert pool.submit(job("good")).result().attempts == 1


def test_processes_that_were_started_ahead_are_those_that_work(decoders):
    with DecodePool(2, decode=by_name) as pool:
        pool.start(1)
        ahead = decoders()
        assert len(ahead) == 1 and pool.submit(job("good")).result().error is None
        assert decoders() == ahead


def test_a_process_that_cannot_be_started_is_a_failure_of_its_photo(pool, monkeypatch):
    def refuse(*_arguments):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(workers, "_start", refuse)
    pool.start(1)
    found = pool.submit(job("good")).result()
    assert isinstance(found.error, PhotoDecoderCrashed)
    assert found.error.message == (
        "its decoder cannot be started (Resource temporarily unavailable): end other programs"
    )


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_an_impossible_time_limit_is_refused(seconds):
    with pytest.raises(SettingError, match="a photo's time limit: expected more than 0 and at most 86400 s"):
        DecodePool(1, seconds=seconds)


def test_what_is_printed_does_not_get_among_the_answers(pool):
    assert pool.submit(job("print")).result().error is None
    assert pool.submit(job("good")).result().error is None


def test_memory_is_bounded():
    with DecodePool(1, memory=2**29, decode=by_name) as pool:
        assert pool.submit(job("bloat")).result().error is not None
        assert pool.submit(job("good")).result().error is None


def test_jobs_are_taken_a_few_ahead_and_each_is_answered_for_itself():
    taken = []

    def jobs():
        for number in range(40):
            taken.append(number)
            yield number, job("raise" if number == 7 else "good")

    with DecodePool(2, decode=by_name) as pool:
        for answers in (pool.as_completed(jobs()), pool.in_order(jobs())):
            taken.clear()
            first = next(answers)
            assert len(taken) <= 6
            found = [first, *answers]
            assert sorted(number for number, _ in found) == list(range(40))
            assert [number for number, photo in found if photo.error] == [7]
    assert [number for number, _ in found] == list(range(40))


def test_a_closed_pool_leaves_no_process_and_nobody_waiting(decoders):
    pool = DecodePool(2, decode=by_name)
    futures = [pool.submit(job("hang")) for _ in range(6)]
    time.sleep(1)
    assert decoders()
    pool.close()
    for future in futures:
        with contextlib.suppress(Exception):
            assert future.exception(timeout=10) or future.result().error
    assert not decoders()


@pytest.mark.parametrize(
    "file, text, quota",
    [
        ("cpu.max", "50000 100000\n", 0.5),
        ("cpu.max", "max 100000\n", None),
        ("cpu/cpu.cfs_quota_us", "150000\n", 1.5),
        ("cpu/cpu.cfs_quota_us", "-1\n", None),
        ("other", "", None),
    ],
)
def test_the_cpu_quota_of_a_container_is_seen(tmp_path, monkeypatch, file, text, quota):
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / file).write_text(text)
    assert workers._cpu_quota(tmp_path) == quota
    monkeypatch.setattr(workers, "_cpu_quota", lambda: quota)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    assert workers.cores() == {0.5: 1, 1.5: 2, None: 3}[quota]


# --- what a job gives ------------------------------------------------------------------------------------


def test_one_job_gives_the_input_of_the_network_and_pictures(tmp_path):
    path = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112], exif[271], exif[272] = 6, "Nikon", "Z 6"
    exif.get_ifd(0x8769)[36867] = "2026:11:24 10:00:00"
    path.write_bytes(jpeg((1200, 900), exif=exif))
    found = run_job(DecodeJob(source=str(path), preprocess=Preprocess(size=100), pictures=(300, 80, 5000)))
    assert (found.width, found.height, found.orientation) == (900, 1200, 6)
    assert (found.taken, found.camera) == ("2026-11-24T10:00:00", "Nikon Z 6")
    assert found.mtime_ns == path.stat().st_mtime_ns and found.byte_count == path.stat().st_size
    expected = prepare(path, Preprocess(size=100), DecodePolicy())
    assert np.array_equal(found.prepared.pixels_HW3, expected.pixels_HW3)
    sizes = [Image.open(io.BytesIO(picture)).size for picture in found.pictures]
    assert sizes == [(225, 300), (60, 80), (900, 1200)]


@pytest.mark.parametrize(
    "size, wanted, decoded",
    [((4000, 3000), 512, (1000, 750)), ((4096, 3072), 512, (512, 384)), ((4000, 3000), 1600, (2000, 1500))],
)
def test_a_picture_alone_is_drawn_from_the_smallest_fraction_that_is_large_enough(size, wanted, decoded):
    from rgnet.imaging.pictures import smallest_decoded

    photo = decode(jpeg(size), at_least=smallest_decoded(wanted), oversampling=1)
    assert photo.image.size == decoded and (photo.width, photo.height) == size
    for orientation in (1, 6):
        exif = Image.Exif()
        exif[0x0112] = orientation
        (picture,) = run_job(DecodeJob(source=jpeg(size, exif=exif), pictures=(wanted,))).pictures
        assert max(Image.open(io.BytesIO(picture)).size) == wanted


def test_pictures_hold_no_header_and_have_the_format_asked_for():
    exif = Image.Exif()
    exif[270] = "private"
    for format in ("JPEG", "WEBP"):
        data = jpeg((90, 60), exif=exif, comment=b"private")
        wanted = DecodeJob(source=data, pictures=(80,), picture_format=format)
        (picture,) = run_job(wanted).pictures
        assert b"private" not in picture and Image.open(io.BytesIO(picture)).format == format


def test_other_content_than_expected_is_refused_and_a_job_without_wishes_only_hashes(tmp_path):
    path = tmp_path / "not a photo.txt"
    path.write_bytes(b"text")
    found = run_job(DecodeJob(source=str(path)))
    assert found.sha256 == hashlib.sha256(b"text").digest() and found.error is None and found.width is None
    assert run_job(DecodeJob(source=str(path), hashed=False)).sha256 is None
    changed = run_job(DecodeJob(source=str(path), expected_sha256=bytes(32), pictures=(80,)))
    assert isinstance(changed.error, PhotoChanged) and changed.sha256 == found.sha256
    assert str(changed.error).startswith(f"{path}: this file has changed since it was scanned")
    gone = run_job(DecodeJob(source=str(tmp_path / "gone.jpg")))
    assert isinstance(gone.error, PhotoNotFound) and gone.sha256 is None
    named = run_job(DecodeJob(source=b"text", name="upload 1", pictures=(80,)))
    assert (
        str(named.error).startswith(
            "upload 1: this is no photo of a format that rgnet reads (it begins with b'text')"
        )
        and named.error.source == "upload 1"
    )
