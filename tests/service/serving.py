"""`rgnet serve` in processes of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil


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

    def stop(self) -> int:
        """The exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)


def start(model: Path, log: Path, words: tuple, variables: dict[str, str]) -> Running:
    """`rgnet serve` with these words and variables, once it listens."""
    command = [sys.executable, "-m", "rgnet", "serve", "--port", "0", "-m", str(model), *map(str, words)]
    with log.open("w") as file:
        process = subprocess.Popen(command, stderr=file, env=os.environ | {"RGNET_THREADS": "2"} | variables)
    try:
        return Running(process, address_in(log, process), log)
    except BaseException:
        kill(process)
        raise


def address_in(log: Path, process: subprocess.Popen) -> str:
    deadline = time.monotonic() + 180
    while " at http://" not in log.read_text():
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    return "http://" + log.read_text().partition(" at http://")[2].split()[0].rstrip(";,")


def kill(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


@contextlib.contextmanager
def shared_process(tiny_model, folder: Path, *words: object, **variables: str) -> Iterator[Running]:
    """Stopped at the end, when nothing may have gone wrong in it."""
    running = start(tiny_model, folder / "serve.log", words, variables)
    try:
        yield running
        assert running.stop() == 0 and "Traceback" not in running.log.read_text()
    finally:
        kill(running.process)
