"""Photos made of noise, a service in this process, and a service in one of its own."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from starlette.testclient import TestClient

import rgnet
from rgnet.service.app import create_app
from rgnet.service.settings import Settings


def noise(seed: int, *, size: tuple[int, int] = (80, 60), format: str = "JPEG") -> bytes:
    """A file of a photo that no other seed gives."""
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize(size).save(file, format)
    return file.getvalue()


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
