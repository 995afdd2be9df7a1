"""An application served: a socket, and a stop that finishes what was taken."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable

import prometheus_client
import uvicorn
from fastapi import FastAPI

from rgnet.errors import SettingError

KEEP_ALIVE_S = 30


class Server(uvicorn.Server):
    """Tells when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready()


def serve(app: FastAPI, listener: socket.socket, *, stop_s: float, ready: Callable[[], None]) -> None:
    """Until SIGINT or SIGTERM; then no new connection is taken, and what was taken is answered within stop_s."""
    # Moments of birth would triple what Prometheus has to keep
    prometheus_client.disable_created_metrics()
    # What clients send malformed is told to them, and is no news to the log
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=round(stop_s),
    )
    # uvicorn raises the signal again when all is done: to be told to stop is no failure
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    Server(config, ready).run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """A socket at the first address of the host; port 0 takes a free one. Raises SettingError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address, family=family)
    except OSError as problem:
        reason = problem.strerror or problem
        raise SettingError(
            f"cannot listen on {host}:{port} ({reason}): name another --port, or an address of this machine"
        ) from problem
