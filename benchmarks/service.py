"""The overhead of HTTP: `python benchmarks/service.py [--photos FOLDER] [--clients N] [--seconds S] [--json FILE]`.

Prints, all measured in this one run, with service and clients on the same two cores:
  scorer            `Scorer.score_many` alone on the same photos' bytes: photos a second, processor ms a photo
  service           `rgnet serve` under N clients (64) for S seconds (60): the same, its decoding processes included,
                    and its share of the scorer's rate, by the clock and by processor time (which leaves clients out)
  p50_s, p99_s      seconds from a request's first byte to its answer's last; p99_x: p99 over N / the scorer's rate,
                    which is what N clients would wait if the service cost nothing
  lost, mixed_up    answers that did not come, that were another photo's by hash, name or score: 0 and 0
  memory_mb         of the service and of its decoders after each of 3 rounds of shared/photos/hard
  endurance         20,000 small requests next to 1,000 silent connections: statuses, p50 and p99 in seconds, memory of
                    the service after each quarter, connections dropped, lines in its log
  killed            SIGKILL under load: decoders that outlive it, seconds until a new one on the same port answers
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import psutil
from measure import CORES, describe_machine, use_two_cores, write_figures
from photos import twelve_megapixels
from PIL import Image

import rgnet
from rgnet.imaging.discovery import find_photos

PHOTOS = 60
ALONE_S = 20
HARD = Path(__file__).resolve().parents[2] / "shared" / "photos" / "hard"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--photos", type=Path, help="folder of photos to send (default: 12 megapixels each)")
    options.add_argument("--clients", type=int, default=64)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--skip", nargs="*", default=[], choices=["load", "memory", "endurance", "killed"])
    options.add_argument("--json", type=Path, help="also write the figures to this file")
    chosen = options.parse_args()
    use_two_cores()
    figures: dict = {"machine": describe_machine()}
    with tempfile.TemporaryDirectory() as scratch:
        if "load" not in chosen.skip:
            folder = chosen.photos or twelve_megapixels(Path(scratch), PHOTOS)[0].parent
            figures |= load(list(find_photos([folder]))[:PHOTOS], chosen.clients, chosen.seconds)
        if "memory" not in chosen.skip and HARD.is_dir():
            figures |= memory(chosen.rounds)
        if "endurance" not in chosen.skip:
            figures["endurance"] = endurance(Path(scratch))
        if "killed" not in chosen.skip:
            figures["killed"] = asyncio.run(kill_under_load())
    print(json.dumps(figures, indent=2))
    write_figures(chosen.json, figures)


# --- the scorer alone ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Photo:
    """One photo to send, and what its answer has to say."""

    data: bytes
    sha256: str
    score: float


def alone(files: list[Path], seconds: float) -> tuple[list[Photo], dict]:
    """The photos with their scores, and how fast they were scored without HTTP."""
    scorer = rgnet.load(threads=CORES)
    datas = [file.read_bytes() for file in files]
    records = list(scorer.score_many(datas))
    photos = [
        Photo(data, hashlib.sha256(data).hexdigest(), record.score)
        for data, record in zip(datas, records, strict=True)
        if record.ok
    ]
    start, spent, count = time.perf_counter(), time.process_time(), 0
    ends = start + seconds
    endless = itertools.takewhile(lambda _: time.perf_counter() < ends, itertools.cycle(photos))
    for _ in scorer.score_many(photo.data for photo in endless):
        count += 1
    took, spent = time.perf_counter() - start, time.process_time() - spent
    return photos, rates(count, took, spent)


def rates(count: int, took: float, spent: float) -> dict:
    return {
        "photos": count,
        "photos_per_s": round(count / took, 2),
        "cpu_ms_per_photo": round(1e3 * spent / count, 2),
    }


# --- the service under load ------------------------------------------------------------------------------


@dataclass
class Tally:
    """What the clients saw."""

    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    lost: int = 0
    mixed_up: int = 0


def load(files: list[Path], clients: int, seconds: float) -> dict:
    photos, scorer = alone(files, min(seconds, ALONE_S))
    with serving() as (process, port):
        asyncio.run(rush(port, photos, clients, min(3, seconds)))
        mine, theirs, start = time.process_time(), spent_by(process), time.perf_counter()
        tally = asyncio.run(rush(port, photos, clients, seconds))
        took = time.perf_counter() - start
        mine, theirs = time.process_time() - mine, spent_by(process) - theirs
    count = len(tally.seconds)
    service = rates(count, took, theirs)
    p99 = quantiles(tally.seconds, n=100)[-1]
    return {
        "clients": clients,
        "mean_photo_kb": round(sum(len(photo.data) for photo in photos) / len(photos) / 1e3),
        "scorer": scorer,
        "service": service | {"client_cpu_ms_per_photo": round(1e3 * mine / count, 2)},
        "of_scorer": round(service["photos_per_s"] / scorer["photos_per_s"], 3),
        "of_scorer_by_cpu": round(scorer["cpu_ms_per_photo"] / service["cpu_ms_per_photo"], 3),
        "p50_s": round(median(tally.seconds), 3),
        "p99_s": round(p99, 3),
        "p99_x": round(p99 / (clients / scorer["photos_per_s"]), 2),
        "refused": tally.refused,
        "lost": tally.lost,
        "mixed_up": tally.mixed_up,
    }


@contextmanager
def serving() -> Iterator[tuple[psutil.Process, int]]:
    running, port = start()
    with running:
        try:
            yield psutil.Process(running.pid), port
        finally:
            running.terminate()
            assert running.wait() == 0, "the service did not stop as it should"


def start(port: int = 0, log: Path | None = None) -> tuple[subprocess.Popen, int]:
    """The service and its port, once it listens."""
    command = [sys.executable, "-m", "rgnet", "serve", "--port", str(port), "--threads", str(CORES)]
    if log is None:
        running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        lines = running.stderr.readline
    else:
        running = subprocess.Popen(command, stderr=log.open("w"))
        lines = log.read_text
    while "http://127.0.0.1:" not in (line := lines()):
        assert running.poll() is None, "the service did not start"
        time.sleep(0.05)
    return running, int(line.partition("http://127.0.0.1:")[2].partition(";")[0])


def spent_by(process: psutil.Process) -> float:
    """Processor seconds of a process and of those it has started."""
    return sum(one.cpu_times().user + one.cpu_times().system for one in tree(process))


def tree(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


async def rush(port: int, photos: list[Photo], clients: int, seconds: float) -> Tally:
    """Every client sends the next photo as soon as its last one is answered."""
    tally, numbers, ends = Tally(), itertools.count(), time.perf_counter() + seconds
    await asyncio.gather(*(client(port, photos, numbers, ends, tally) for _ in range(clients)))
    return tally


async def client(port: int, photos: list[Photo], numbers: Iterator[int], ends: float, tally: Tally) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (start := time.perf_counter()) < ends:
        number = next(numbers)
        photo = photos[number % len(photos)]
        try:
            status, body = await post(reader, writer, photo.data, f"{number}.jpg")
        except (OSError, asyncio.IncompleteReadError):
            tally.lost += 1
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            continue
        if status == 429:
            tally.refused += 1
            await asyncio.sleep(2)
            continue
        tally.seconds.append(time.perf_counter() - start)
        tally.mixed_up += not answers(status, body, photo, f"{number}.jpg")
    writer.close()


async def post(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes, name: str
) -> tuple[int, bytes]:
    """A request in the plainest HTTP, for the clients use the same cores."""
    head = f"POST /v1/score?name={name} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
    writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode())
    writer.write(data)
    await writer.drain()
    answer = await reader.readuntil(b"\r\n\r\n")
    length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return int(answer.split(b" ", 2)[1]), await reader.readexactly(length)


def answers(status: int, body: bytes, photo: Photo, name: str) -> bool:
    """Whether this is the answer to that photo: by its hash, by its name and by its score."""
    if status != 200:
        return False
    (found,) = json.loads(body)["photos"]
    record = found["record"]
    near = abs(record["score"] - photo.score) < 1e-3
    return found["sha256"] == photo.sha256 and record["path"] == name and near


# --- memory ----------------------------------------------------------------------------------------------


def memory(rounds: int) -> dict:
    files = [path for path in sorted(HARD.rglob("*")) if path.is_file() and path.suffix != ".csv"]
    after = []
    with serving() as (process, port):
        for _ in range(rounds):
            statuses = asyncio.run(send_all(port, files))
            service, *decoders = (round(one.memory_info().rss / 2**20) for one in tree(process))
            after.append({"service": service, "decoders": decoders})
    return {"hard_files": len(files), "hard_statuses": statuses, "memory_mb": after}


async def send_all(port: int, files: list[Path]) -> dict[int, int]:
    """How many answers of each status the files had."""
    counts: dict[int, int] = {}
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for path in files:
        status, _ = await post(reader, writer, path.read_bytes(), "hard")
        counts[status] = counts.get(status, 0) + 1
    writer.close()
    return counts


# --- endurance -------------------------------------------------------------------------------------------

SMALL_REQUESTS, IDLE_CONNECTIONS, SMALL_CLIENTS = 20_000, 1_000, 8


def endurance(folder: Path) -> dict:
    """Small requests of several kinds, one in twenty of them a photo, while silent connections stay open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4096, hard)), hard))
    log = folder / "serve.log"
    running, port = start(log=log)
    try:
        figures = asyncio.run(besiege(port, psutil.Process(running.pid)))
    finally:
        running.terminate()
        code = running.wait()
    lines = log.read_text().splitlines()
    return figures | {"exit_code": code, "log_lines": len(lines), "log_bytes": log.stat().st_size}


async def besiege(port: int, process: psutil.Process) -> dict:
    keeper = asyncio.create_task(keep_silent_connections(port))
    await asyncio.sleep(1)
    statuses: dict[int, int] = {}
    seconds: list[float] = []
    after = [round(process.memory_info().rss / 2**20)]
    for quarter in range(4):
        numbers = iter(range(quarter * SMALL_REQUESTS // 4, (quarter + 1) * SMALL_REQUESTS // 4))
        await asyncio.gather(
            *(small_requests(port, numbers, statuses, seconds) for _ in range(SMALL_CLIENTS))
        )
        after.append(round(process.memory_info().rss / 2**20))
        print(f"{len(seconds)} small requests", file=sys.stderr)
    keeper.cancel()
    hundredths = quantiles(seconds, n=100)
    return {
        "requests": len(seconds),
        "statuses": statuses,
        "p50_s": round(median(seconds), 4),
        "p99_s": round(hundredths[-1], 4),
        "memory_mb": after,
    }


async def keep_silent_connections(port: int) -> None:
    """As many as there may be; each that the service closes is opened again."""

    async def stay_silent() -> None:
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                await reader.read(1)
                writer.close()
            except OSError:
                pass
            await asyncio.sleep(5)

    await asyncio.gather(*(stay_silent() for _ in range(IDLE_CONNECTIONS)))


async def small_requests(
    port: int, numbers: Iterator[int], statuses: dict[int, int], seconds: list[float]
) -> None:
    """Each on a connection of its own. Status 0: no answer came."""
    photo = small_photo()
    for number in numbers:
        begun = time.perf_counter()
        kind = number % 20
        if kind == 0:
            head = f"POST /v1/score HTTP/1.1\r\nContent-Type: image/jpeg\r\nContent-Length: {len(photo)}"
        else:
            method = "HEAD" if kind % 2 else "GET"
            head = f"{method} {('/healthz', '/v1/models', '/nowhere', '/docs')[kind % 4]} HTTP/1.1"
        body = photo if kind == 0 else b""
        status = await one_request(
            port, f"{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode() + body
        )
        statuses[status] = statuses.get(status, 0) + 1
        seconds.append(time.perf_counter() - begun)


async def one_request(port: int, request: bytes) -> int:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ", 2)[1])
    except (OSError, IndexError):
        return 0


def small_photo() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, "JPEG")
    return file.getvalue()


async def kill_under_load() -> dict:
    """The service killed while it scores, and started again at once on the same port."""
    running, port = start()
    decoders = psutil.Process(running.pid).children(recursive=True)
    statuses: dict[int, int] = {}
    photos = iter(range(0, 20_000_000, 20))  # of the numbers of small_requests, those that send a photo
    load = [asyncio.create_task(small_requests(port, photos, statuses, [])) for _ in range(SMALL_CLIENTS)]
    await asyncio.sleep(3)
    for client in load:
        client.cancel()
    running.kill()
    running.wait()
    _, alive = psutil.wait_procs(decoders, timeout=10)
    begun = time.perf_counter()
    running, _ = start(port)
    request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    status, seconds = await one_request(port, request), time.perf_counter() - begun
    running.terminate()
    return {
        "answered_before": statuses.get(200, 0),
        "decoders_left": len(alive),
        "restart_s": round(seconds, 2),
        "status": status,
        "exit_code": running.wait(),
    }


if __name__ == "__main__":
    main()
