"""`rgnet serve` as a process: many clients at once, a decoder killed, told to stop, and what it prints."""

import hashlib
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.request import urlopen

import pytest

import rgnet

CLIENTS = 16


def post(port: int, data: bytes, name: str = "x") -> tuple[int, dict]:
    """A request on a connection of its own. Raises OSError or HTTPException where no answer comes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        headers = {"Content-Type": "application/octet-stream"}
        connection.request("POST", f"/v1/score?name={name}", data, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def in_hand(running) -> int:
    with urlopen(f"{running.address}/metrics") as answer:
        return int(float(re.search(r"^rgnet_photos_waiting (\S+)", answer.read().decode(), re.M)[1]))


def test_of_many_clients_each_gets_its_own_photos_answer(run_service, photo, tiny_model):
    scorer = rgnet.load(tiny_model, threads=1)
    photos = [photo(seed) for seed in range(24)]
    scores = [record.score for record in scorer.score_many(photos)]
    running = run_service()

    def ask(number: int) -> None:
        index = number % len(photos)
        status, answer = post(running.port, photos[index], f"{number}.jpg")
        (one,) = answer["photos"]
        assert status == 200 and one["record"]["path"] == f"{number}.jpg"
        assert one["sha256"] == hashlib.sha256(photos[index]).hexdigest()
        assert one["record"]["score"] == pytest.approx(scores[index], abs=1e-4)

    assert max(scores) - min(scores) > 0.01
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(ask, range(200)))
    assert running.told_to_stop() == 0


def test_a_decoder_killed_under_load_costs_one_answer_at_most(run_service, photo):
    running, large = run_service(), photo(1, size=(3000, 2000))
    before = {decoder.pid for decoder in running.decoders()}
    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = [pool.submit(post, running.port, large) for _ in range(60)]
        while in_hand(running) < CLIENTS // 2:
            time.sleep(0.01)
        running.decoders()[0].kill()
        answers = [one.result() for one in asked]
    statuses = Counter(status for status, _ in answers)
    assert statuses[200] >= 59 and statuses[200] + statuses[422] == 60
    for status, answer in answers:
        if status == 422:
            assert "ends its decoder (signal SIGKILL)" in answer["photos"][0]["record"]["error"]
    after = {decoder.pid for decoder in running.decoders()}
    assert len(after) == len(before) == 2 and len(after & before) == 1
    assert running.told_to_stop() == 0


def test_told_to_stop_it_answers_what_it_took_and_takes_no_more(run_service, photo):
    running, large = run_service(), photo(1, size=(3000, 2000))
    sent, lost, stopped = [], [], threading.Event()

    def client() -> None:
        """Asks on and on. What was sent before the stop must be answered; after it a connection may be refused."""
        while not stopped.is_set():
            begun = time.monotonic()
            try:
                sent.append((begun, post(running.port, large)[0]))
            except (OSError, http.client.HTTPException) as problem:
                lost.append((begun, problem))

    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in range(CLIENTS):
            pool.submit(client)
        while len(sent) < CLIENTS or in_hand(running) < CLIENTS // 2:
            time.sleep(0.01)
        told = time.monotonic()
        assert running.told_to_stop() == 0
        stopped.set()
    assert {status for _, status in sent} == {200}
    # A tenth of a second before, the system may have taken a connection of which the service did not know yet
    assert not [problem for begun, problem in lost if begun < told - 0.1]
    assert len([begun for begun, _ in sent if begun < told]) > CLIENTS
    with pytest.raises(OSError):
        post(running.port, large)
    assert "stopped" in running.log.read_text()


def test_a_body_that_is_still_arriving_when_it_is_told_to_stop_is_answered(run_service, photo):
    running, data = run_service(), photo(1)
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    connection.putrequest("POST", "/v1/score")
    connection.putheader("Content-Type", "application/octet-stream")
    connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data[:100])
    while in_hand(running) < 1:
        time.sleep(0.01)
    with ThreadPoolExecutor(1) as pool:
        code = pool.submit(running.told_to_stop)
        time.sleep(0.3)
        connection.send(data[100:])
        assert connection.getresponse().status == 200
        assert code.result() == 0


def test_it_listens_where_it_is_told_and_warns_where_anybody_may_come(run_service, tmp_path):
    quiet = run_service()
    assert quiet.address.startswith("http://127.0.0.1:") and "anybody" not in quiet.log.read_text()
    wide = run_service("--host", "0.0.0.0")
    assert (
        "anybody who reaches 0.0.0.0:0 may use this service: give it a --token-file" in wide.log.read_text()
    )
    token = tmp_path / "token"
    token.write_text("a-token-of-some-length")
    kept = run_service("--host", "0.0.0.0", "--token-file", token)
    assert "anybody" not in kept.log.read_text()
    command = ["ps", "-o", "args=", "-p", str(kept.process.pid)]
    assert "a-token" not in subprocess.run(command, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("words", "variables", "error"),
    [
        (["-m", "nothing-like-it"], {}, "there is no model 'nothing-like-it'"),
        (
            ["--catalogue", "nowhere.sqlite"],
            {},
            "there is no catalogue nowhere.sqlite: make it with  rgnet scan",
        ),
        (["--token-file", "nowhere"], {}, "token file nowhere cannot be read"),
        (["--host", "192.0.2.1", "--port", "9"], {}, "cannot listen on 192.0.2.1:9"),
        ([], {"RGNET_MAX_BYTES": "many"}, "RGNET_MAX_BYTES is a number"),
        ([], {"RGNET_TOKEN": "short"}, "the token has 5 characters"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_line(tiny_model, tmp_path, words, variables, error):
    command = [sys.executable, "-m", "rgnet", "serve", "--port", "0", "-m", str(tiny_model), *words]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | variables, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and error in done.stderr
    assert "Traceback" not in done.stderr
