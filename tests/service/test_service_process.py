"""`rgnet serve` as a process: many clients, silent ones, killed decoders, graceful shutdown, and what it prints."""

import contextlib
import hashlib
import http.client
import json
import re
import socket
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.request import urlopen

import psutil
import pytest

import rgnet.cli

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


def in_flight(running) -> int:
    with urlopen(f"{running.address}/metrics") as answer:
        return int(float(re.search(r"^rgnet_photos_waiting (\S+)", answer.read().decode(), re.M)[1]))


def test_each_of_many_clients_gets_the_response_to_its_own_photo(running_service, photo, tiny_model):
    scorer = rgnet.load(tiny_model, threads=1)
    photos = [photo(seed) for seed in range(24)]
    scores = [record.score for record in scorer.score_many(photos)]

    def ask(number: int) -> None:
        index = number % len(photos)
        status, answer = post(running_service.port, photos[index], f"{number}.jpg")
        (one,) = answer["photos"]
        assert status == 200 and one["record"]["path"] == f"{number}.jpg"
        assert one["sha256"] == hashlib.sha256(photos[index]).hexdigest()
        assert one["record"]["score"] == pytest.approx(scores[index], abs=1e-4)

    assert max(scores) - min(scores) > 0.01
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(ask, range(100)))


def test_killed_decoders_cost_no_response(run_service, photo):
    """Under load the photo is tried again in a new process, and an idle one is replaced before the next photo."""
    running, large = run_service(), photo(1, size=(3000, 2000))
    before = {decoder.pid for decoder in running.decoders()}
    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = [pool.submit(post, running.port, large) for _ in range(30)]
        while in_flight(running) < CLIENTS // 2:
            time.sleep(0.01)
        running.decoders()[0].kill()
        assert Counter(one.result()[0] for one in asked) == {200: 30}
    after = {decoder.pid for decoder in running.decoders()}
    assert len(after) == len(before) == 2 and len(after & before) == 1

    for decoder in running.decoders():
        decoder.kill()
        while decoder.status() != psutil.STATUS_ZOMBIE:  # until the service looks for it
            time.sleep(0.01)
    assert [post(running.port, photo(2))[0] for _ in range(4)] == [200] * 4
    assert running.stop() == 0


def connect(running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", running.port), timeout=30)


def closed_within(connection: socket.socket, seconds: float) -> bool:
    connection.settimeout(seconds)
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def test_silent_connections_keep_nobody_out_and_are_closed(run_service, photo):
    running = run_service(RGNET_MAX_CONNECTIONS="20", RGNET_HEAD_S="1")
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connect(running)) for _ in range(60)]
        assert post(running.port, photo(1))[0] == 200
        assert closed_within(silent[0], 1)  # those idle longest made room
        assert closed_within(silent[-1], 10)  # the rest took too long to ask
        dripping = stack.enter_context(connect(running))
        begun = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - begun < 20:
                dripping.sendall(b"G" if time.monotonic() == begun else b"E")
                time.sleep(0.1)
        assert 0.8 < time.monotonic() - begun < 10
        # A connection that is kept alive, and a body that arrives slowly, are not silent
        alive = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        for pause in (1.5, 0):
            alive.request("GET", "/healthz")
            assert alive.getresponse().read() and not time.sleep(pause)
        alive.close()
        data = photo(1)
        alive.putrequest("POST", "/v1/score")
        alive.putheader("Content-Type", "application/octet-stream")
        alive.putheader("Content-Length", str(len(data)))
        alive.endheaders(data[:100])
        time.sleep(1.5)
        alive.send(data[100:])
        assert alive.getresponse().status == 200
        alive.close()
    with urlopen(f"{running.address}/metrics") as answer:
        text = answer.read().decode()
    dropped = {
        reason: float(count)
        for reason, count in re.findall(r'^rgnet_connections_dropped_total{reason="(\w+)"} (\S+)', text, re.M)
    }
    assert dropped["many"] >= 40 and dropped["slow"] >= 15
    assert running.stop() == 0
    lines = running.log.read_text().splitlines()
    assert len([line for line in lines if "RGNET_MAX_CONNECTIONS" in line]) == 1
    assert len([line for line in lines if "RGNET_HEAD_S" in line]) == 1 and len(lines) == 4, lines


def test_a_graceful_shutdown_completes_accepted_requests_and_accepts_no_more(run_service, photo):
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
        while len(sent) < CLIENTS or in_flight(running) < CLIENTS // 2:
            time.sleep(0.01)
        signalled = time.monotonic()
        assert running.stop() == 0
        stopped.set()
    assert {status for _, status in sent} == {200}
    # A tenth of a second before, the system may have taken a connection of which the service did not know yet
    assert not [problem for begun, problem in lost if begun < signalled - 0.1]
    assert len([begun for begun, _ in sent if begun < signalled]) > CLIENTS
    with pytest.raises(OSError):
        post(running.port, large)
    assert "stopped" in running.log.read_text()


def test_a_body_that_is_still_arriving_at_shutdown_is_answered(run_service, photo):
    running, data = run_service(), photo(1)
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
    connection.putrequest("POST", "/v1/score")
    connection.putheader("Content-Type", "application/octet-stream")
    connection.putheader("Content-Length", str(len(data)))
    connection.endheaders(data[:100])
    while in_flight(running) < 1:
        time.sleep(0.01)
    with ThreadPoolExecutor(1) as pool:
        code = pool.submit(running.stop)
        time.sleep(0.3)
        connection.send(data[100:])
        assert connection.getresponse().status == 200
        assert code.result() == 0


def test_it_listens_on_the_given_host_and_keeps_its_token_out_of_the_process_list(run_service, tmp_path):
    token = tmp_path / "token"
    token.write_text("a-token-of-some-length")
    running = run_service("--host", "0.0.0.0", "--token-file", token)
    assert running.address.startswith("http://0.0.0.0:") and "warning" not in running.log.read_text()
    assert post(running.port, b"")[0] == 401
    command = ["ps", "-o", "args=", "-p", str(running.process.pid)]
    assert "a-token" not in subprocess.run(command, capture_output=True, text=True).stdout


def test_it_warns_where_anybody_may_call(running_service, tiny_model, monkeypatch, capsys):
    assert running_service.address.startswith("http://127.0.0.1:")
    assert "warning" not in running_service.log.read_text()
    hosts = []
    monkeypatch.setattr(
        "rgnet.service.app.create_app", lambda settings: hosts.append(settings.hosts) or 1 / 0
    )
    for words, warning in (
        (
            ["--host", "0.0.0.0"],
            "warning: 0.0.0.0:0 is reachable without authentication; use --token-file, or drop --host\n",
        ),
        ([], ""),
    ):
        with pytest.raises(ZeroDivisionError):
            run_command(monkeypatch, "serve", "--port", "0", "-m", tiny_model, *words)
        assert capsys.readouterr().err == warning
    assert hosts == [("*",), ("127.0.0.1", "localhost", "::1")]


def run_command(monkeypatch, *words: object) -> None:
    """In this process, which has loaded all that it needs."""
    monkeypatch.setattr("sys.argv", ["rgnet", *map(str, words)])
    rgnet.cli.main()


@pytest.mark.parametrize(
    ("words", "variables", "error"),
    [
        (["-m", "nothing-like-it"], {}, "there is no model 'nothing-like-it'"),
        (
            ["--catalogue", "nowhere.sqlite"],
            {},
            "there is no catalogue nowhere.sqlite: create it with  rgnet scan",
        ),
        (["--token-file", "nowhere"], {}, "token file nowhere cannot be read"),
        (["--host", "192.0.2.1", "--port", "9"], {}, "cannot listen on 192.0.2.1:9"),
        ([], {"RGNET_MAX_BYTES": "many"}, "RGNET_MAX_BYTES: expected a whole number, found 'many'"),
        ([], {"RGNET_TOKEN": "short"}, "RGNET_TOKEN: expected at least 16 characters, found 5"),
    ],
)
def test_what_cannot_be_served_is_reported_in_a_line(
    tiny_model, tmp_path, monkeypatch, capsys, words, variables, error
):
    monkeypatch.chdir(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        run_command(monkeypatch, "serve", "--port", "0", "-m", tiny_model, *words)
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("warning: ")]
    assert ended.value.code == 2 and len(lines) == 1 and error in lines[0], lines
