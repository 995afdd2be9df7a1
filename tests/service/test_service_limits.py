"""Every limit, met from both sides: what is within is answered, what is beyond is refused and holds no memory."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from sample_photos import decode_slowly

from rgnet.errors import (
    PhotoChanged,
    PhotoDamaged,
    PhotoDecoderCrashed,
    PhotoRefused,
    PhotoTimedOut,
    PhotoTooLarge,
    PhotoUnsupported,
)
from rgnet.imaging.workers import DecodePool
from rgnet.service.inference import status_of
from rgnet.service.limits import Capacity, RequestRefused
from rgnet.service.settings import Settings
from rgnet.service.uploads import FORM_OVERHEAD, read_uploads

BINARY = {"content-type": "application/octet-stream"}


def run_apart(coroutine):
    """In a thread: a browser that this process has open keeps an event loop in the main one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def test_a_photo_beyond_the_bytes_is_refused_by_its_announced_length_and_while_it_arrives(
    open_service, photo
):
    data = photo(1)
    with open_service(max_bytes=len(data)) as client:
        assert client.post("/v1/score", content=data, headers=BINARY).status_code == 200
        for content in (data + b"x", iter([data, b"x"])):
            answer = client.post("/v1/score", content=content, headers=BINARY)
            assert answer.status_code == 413 and "send a smaller photo" in answer.json()["error"]
        form = client.post("/v1/score", files=[("files", ("a", data)), ("files", ("big.jpg", data + b"x"))])
        assert form.status_code == 413 and f"big.jpg: more than {len(data)} bytes" in form.json()["error"]


def test_nothing_beyond_a_limit_is_taken_from_an_endless_body():
    taken = 0

    async def endless():
        nonlocal taken
        while True:
            taken += 1000
            yield bytes(1000)

    capacity = Capacity(max_photos=1, max_bytes=100_000)
    for settings, status in ((Settings(max_bytes=10_000), 413), (Settings(max_bytes=1_000_000), 429)):
        taken = 0
        with pytest.raises(RequestRefused) as refused, capacity.reserve() as reservation:
            run_apart(read_uploads(endless(), BINARY, "", reservation, settings))
        assert refused.value.status == status
        assert taken <= min(settings.max_bytes, 100_000) + 1000
        assert capacity.photos == capacity.bytes == 0


def test_more_files_than_a_request_may_hold(open_service, photo):
    with open_service(max_files=2) as client:
        files = [("files", (f"{seed}.jpg", photo(seed))) for seed in range(3)]
        assert client.post("/v1/score", files=files[:2]).status_code == 200
        answer = client.post("/v1/score", files=files)
        assert answer.status_code == 413 and "more than 2 photos" in answer.json()["error"]


def test_more_pixels_than_a_photo_may_have(open_service, photo):
    with open_service(max_pixels=80 * 60) as client:
        assert client.post("/v1/score", content=photo(1), headers=BINARY).status_code == 200
        answer = client.post("/v1/score", content=photo(1, size=(81, 60)), headers=BINARY)
        assert answer.status_code == 413
        assert (
            "this photo has 81 x 60 pixels, at most 4800 are accepted"
            in answer.json()["photos"][0]["record"]["error"]
        )


def test_a_body_that_takes_too_long_to_arrive(open_service, photo):
    def slowly():
        yield photo(1)[:100]
        time.sleep(1)
        yield photo(1)[100:]

    async def drip():
        yield b"x"
        await asyncio.sleep(5)

    with pytest.raises(RequestRefused, match=r"took more than 0\.1 s to arrive") as refused:
        reservation = Capacity(max_photos=1, max_bytes=9).reserve()
        run_apart(read_uploads(drip(), BINARY, "", reservation, Settings(receive_s=0.1)))
    assert refused.value.status == 408
    with open_service(receive_s=30) as client:
        assert client.post("/v1/score", content=slowly(), headers=BINARY).status_code == 200


def test_a_photo_that_takes_too_long_to_decode_is_its_own_failure(open_service, photo, monkeypatch):
    monkeypatch.setattr("rgnet.service.inference.DecodePool", partial(DecodePool, decode=decode_slowly))
    with open_service(own_pool=True, decode_s=3) as client:
        slow = client.post("/v1/score?name=slow.jpg", content=photo(1), headers=BINARY)
        assert slow.status_code == 422
        assert "took more than 3 s" in slow.json()["photos"][0]["record"]["error"]
        assert client.post("/v1/score", content=photo(1), headers=BINARY).status_code == 200
        # It was tried again in a fresh process
        assert "rgnet_decoders_lost_total 2.0" in client.get("/metrics").text


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PhotoTooLarge, 413),
        (PhotoUnsupported, 415),
        (PhotoRefused, 422),
        (PhotoChanged, 422),
        (PhotoDamaged, 422),
        (PhotoTimedOut, 422),
        (PhotoDecoderCrashed, 422),
    ],
)
def test_the_status_of_a_photo_without_a_score_is_that_of_its_errors_class(error, status):
    assert status_of(error("415.jpg", "too large", "unsupported")) == status


def test_a_client_beyond_the_capacity_is_told_when_to_try_again(open_service, photo, monkeypatch):
    with open_service(max_waiting=2, max_held=10**6) as client:
        inference, gate = client.app.state.inference, threading.Event()
        score = inference.scorer.score_prepared
        monkeypatch.setattr(
            inference.scorer, "score_prepared", lambda *given: gate.wait(30) and score(*given)
        )
        with ThreadPoolExecutor(2) as pool:
            inside = [
                pool.submit(client.post, "/v1/score", content=photo(i), headers=BINARY) for i in range(2)
            ]
            while "rgnet_photos_waiting 2.0" not in client.get("/metrics").text:
                time.sleep(0.01)
            answer = client.post("/v1/score", content=photo(3), headers=BINARY)
            gate.set()
        monkeypatch.undo()
        assert answer.status_code == 429 and "2 photos are in flight already" in answer.json()["error"]
        assert int(answer.headers["retry-after"]) > 0
        assert [one.result().status_code for one in inside] == [200, 200]
        assert client.post("/v1/score", content=photo(3), headers=BINARY).status_code == 200
        files = [("files", (f"{seed}.jpg", photo(seed))) for seed in range(3)]
        assert client.post("/v1/score", files=files).status_code == 429


def test_more_bytes_than_may_be_in_flight(open_service, photo):
    data = photo(1)
    with open_service(max_held=len(data)) as client:
        assert client.post("/v1/score", content=data, headers=BINARY).status_code == 200
        assert client.post("/v1/score", content=data + b"x", headers=BINARY).status_code == 413
        assert client.post("/v1/score", content=iter([data, b"x"]), headers=BINARY).status_code == 429


def test_fields_other_than_files_are_read_past_up_to_a_limit(open_service, photo):
    with open_service() as client:
        files = [("files", ("a.jpg", photo(1)))]
        answer = client.post("/v1/score", files=files, data={"album": "summer", "csrf": "x" * 1000})
        assert answer.status_code == 200 and len(answer.json()["photos"]) == 1
        assert answer.json()["photos"][0]["record"]["path"] == "a.jpg"
        other_file = client.post("/v1/score", files=[("cover", ("b.jpg", photo(2))), *files])
        assert [one["record"]["path"] for one in other_file.json()["photos"]] == ["a.jpg"]
        answer = client.post("/v1/score", files=files, data={"album": "x" * (FORM_OVERHEAD + 1)})
        assert answer.status_code == 413 and "in fields other than 'files'" in answer.json()["error"]
