"""nginx and Caddy with the examples of deploy/, on ports of this machine and in front of a service of a test."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NAME = "photos.example.org"


@dataclass
class Proxy:
    """A program in front of a service.

    path: of the service in the proxy's site
    """

    port: int
    certificate: Path
    path: str

    @contextlib.contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """Speaks TLS and knows the proxy by its name, as a browser elsewhere would."""
        trusted = ssl.create_default_context(cafile=self.certificate)
        transport = _Named(verify=trusted)
        headers = {"Host": f"{NAME}:{self.port}"}
        address = f"https://127.0.0.1:{self.port}{self.path}"
        with httpx.Client(transport=transport, base_url=address, headers=headers, timeout=60) as client:
            yield client


class _Named(httpx.HTTPTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["sni_hostname"] = NAME
        return super().handle_request(request)


def make_certificate(folder: Path) -> Path:
    """One that trusts itself; its key is beside it."""
    certificate = folder / "fullchain.pem"
    words = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
        "-subj",
        f"/CN={NAME}",
    ]
    files = ["-keyout", folder / "privkey.pem", "-out", certificate]
    subprocess.run(
        ["openssl", "req", "-x509", *words, "-addext", f"subjectAltName=DNS:{NAME}", *files],
        check=True,
        capture_output=True,
    )
    return certificate


@contextlib.contextmanager
def in_front(
    program: str, service_port: int, folder: Path, *, changes: dict[str, str] | None = None, path: str = ""
) -> Iterator[Proxy]:
    """The program with its example; changes: what else in the example is other in this test.

    Skips, visibly, where the program is missing.
    """
    for needed in (program, "openssl"):
        if not shutil.which(needed):
            pytest.skip(f"needs {needed}")
    folder.mkdir()
    certificate, port = make_certificate(folder), _free_port()
    example = (DEPLOY / {"nginx": "nginx.conf", "caddy": "Caddyfile"}[program]).read_text()
    for before, after in {"127.0.0.1:8000": f"127.0.0.1:{service_port}", **(changes or {})}.items():
        assert before in example, before
        example = example.replace(before, after)
    command = {"nginx": _nginx, "caddy": _caddy}[program](folder, example, port)
    log = folder / "log"
    with log.open("w") as file:
        homes = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        process = subprocess.Popen(command, stdout=file, stderr=file, env=os.environ | homes)
    try:
        _wait_for(port, process, log)
        yield Proxy(port, certificate, path)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _nginx(folder: Path, example: str, port: int) -> list[str]:
    example = example.replace("listen [::]:443 ssl http2;", "").replace(
        "listen 443", f"listen 127.0.0.1:{port}"
    )
    (folder / "rgnet.conf").write_text(example.replace(f"/etc/letsencrypt/live/{NAME}", str(folder)))
    scratch = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in _NGINX_SCRATCH)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "main.conf").write_text(
        f"{user} daemon off; worker_processes 1; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {scratch} include {folder}/rgnet.conf; }}\n"
    )
    return ["nginx", "-p", str(folder), "-c", str(folder / "main.conf")]


_NGINX_SCRATCH = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def _caddy(folder: Path, example: str, port: int) -> list[str]:
    site = f"{NAME}:{port} {{\n\tbind 127.0.0.1\n\ttls {folder}/fullchain.pem {folder}/privkey.pem"
    options = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"
    (folder / "Caddyfile").write_text(options + example.replace(f"{NAME} {{", site))
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_for(port: int, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None and time.monotonic() < deadline, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
