"""Photos made of noise, a service in this process, and a service in one of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from noise import EVIL, located, noise
from starlette.testclient import TestClient
from typer.testing import CliRunner

import rgnet
from rgnet import cli
from rgnet.service.app import create_app
from rgnet.service.settings import Settings


@pytest.fixture(scope="session")
def photo() -> Callable[..., bytes]:
    return noise


@pytest.fixture(scope="session")
def open_service(tiny_model) -> Callable[..., contextlib.AbstractContextManager[TestClient]]:
    """Opens a service of the tiny model, with these settings, for a client in this process.

    All share one scorer, which keeps nothing of a photo.
    """
    scorer = rgnet.load(tiny_model, threads=1)

    @contextlib.contextmanager
    def opened(**settings) -> Iterator[TestClient]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rgnet, "load", lambda _model, threads: scorer)
            app = create_app(Settings(**settings))
        with TestClient(app, base_url="http://localhost") as client:
            yield client

    return opened


@pytest.fixture(scope="module")
def service(open_service) -> Iterator[TestClient]:
    """One that many tests share: each leaves it as it was."""
    with open_service() as client:
        yield client


@dataclass
class Running:
    """`rgnet serve` in a process of its own."""

    process: subprocess.Popen
    address: str
    log: Path

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def decoders(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def told_to_stop(self) -> int:
        """The exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


@pytest.fixture
def run_service(tiny_model, tmp_path) -> Iterator[Callable[..., Running]]:
    """Starts `rgnet serve` with these words and variables; what still runs at the end of the test is killed."""
    started: list[subprocess.Popen] = []

    def run(*words: str, **variables: str) -> Running:
        log = tmp_path / f"serve-{len(started)}.log"
        command = [
            sys.executable,
            "-m",
            "rgnet",
            "serve",
            "--port",
            "0",
            "-m",
            str(tiny_model),
            *map(str, words),
        ]
        with log.open("w") as file:
            process = subprocess.Popen(
                command, stderr=file, env=os.environ | {"RGNET_THREADS": "2"} | variables
            )
        started.append(process)
        return Running(process, address_in(log, process), log)

    yield run
    for process in started:
        process.kill()
        process.wait()


def address_in(log: Path, process: subprocess.Popen) -> str:
    deadline = time.monotonic() + 60
    while " at http://" not in log.read_text():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    return "http://" + log.read_text().partition(" at http://")[2].split()[0].rstrip(";,")


# --- a catalogue to show ---------------------------------------------------------------------------------


@dataclass
class Scanned:
    """A folder as it was scanned: eight photos, a copy of one, a hostile name, and a file that is no photo."""

    folder: Path
    catalogue: Path


@pytest.fixture
def scanned(tiny_model, tmp_path) -> Scanned:
    folder = tmp_path / "library"
    (folder / "sub").mkdir(parents=True)
    for seed in range(6):
        (folder / f"{seed}.jpg").write_bytes(noise(seed))
    (folder / EVIL).write_bytes(noise(6))
    (folder / "sub" / "large.jpg").write_bytes(located(noise(7, size=(900, 600))))
    (folder / "sub" / "copy.jpg").write_bytes(noise(0))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    file = tmp_path / "library.sqlite"
    words = ["scan", str(folder), "-m", str(tiny_model), "--catalogue", str(file)]
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 3, done.output
    return Scanned(folder, file)
