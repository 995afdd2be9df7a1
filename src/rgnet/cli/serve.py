"""`rgnet serve`: scores over HTTP."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 is every address of this machine.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")
    ] = 8000,
    catalogue: Annotated[
        Path | None,
        typer.Option(help="Show the photos of this catalogue as a gallery at /.", show_default="no gallery"),
    ] = None,
    model: options.Model = None,
    threads: options.Threads = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with the bearer token that requests must carry; or set RGNET_TOKEN."),
    ] = None,
) -> None:
    """Serve scores over HTTP, and a catalogue as a gallery.

    Ctrl-C or SIGTERM shuts down gracefully: accepted requests are completed. Limits are set by environment variables
    that begin with RGNET_; docs/deployment.md lists them.

    Examples:
    $ rgnet serve --port 8000
    $ curl -F files=@photo.jpg http://127.0.0.1:8000/v1/score
    """
    import os

    from rgnet.errors import need

    for module in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
        need(module, extra="service", purpose="rgnet serve")
    from rgnet.service.app import create_app
    from rgnet.service.server import listening
    from rgnet.service.server import serve as serve_app
    from rgnet.service.settings import Settings, token_in

    settings = Settings.of(
        os.environ,
        model=model,
        catalogue=catalogue,
        threads=threads,
        token=token_in(token_file) if token_file else None,
    )
    if not _is_loopback(host):
        if "RGNET_HOSTS" not in os.environ:
            settings = replace(settings, hosts=("*",))
        if settings.token is None:
            typer.secho(
                f"warning: {host}:{port} is reachable without authentication; use --token-file, or drop --host",
                err=True,
                fg="yellow",
            )
    with listening(host, port) as listener:
        address = f"http://{_host_and_port(listener)}"
        app = create_app(settings)
        card = app.state.desk.scorer.card
        about = f"{card.name} ({card.short_hash}) at {address}" + (
            ", gallery at /" if settings.catalogue else ""
        )
        serve_app(
            app,
            listener,
            stop_s=settings.stop_s,
            ready=lambda: typer.echo(f"serving {about}; Ctrl-C to stop", err=True),
        )
    typer.echo("stopped", err=True)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host_and_port(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
