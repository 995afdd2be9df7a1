"""`rgnet serve`: scores over HTTP."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options

_MODULES = (
    "fastapi", "fastapi_swagger", "prometheus_client", "pydantic_settings", "python_multipart", "uvicorn",
)  # fmt: skip


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
    """Serve scores over HTTP, and a catalogue as a gallery; the API is described at /docs.

    Ctrl-C or SIGTERM shuts down gracefully: accepted requests are completed. Limits are set by environment variables
    that begin with RGNET_; docs/deployment.md lists them.

    Examples:
    $ rgnet serve --port 8000
    $ curl -F files=@photo.jpg http://127.0.0.1:8000/v1/score
    """
    from rgnet.errors import need

    for module in _MODULES:
        need(module, extra="service", purpose="rgnet serve")
    from rgnet.service.access import is_loopback
    from rgnet.service.app import create_app
    from rgnet.service.server import listen
    from rgnet.service.server import serve as run_server
    from rgnet.service.settings import read_settings, read_token

    settings = read_settings(
        model=model,
        catalogue=catalogue,
        threads=threads,
        token=read_token(token_file) if token_file else None,
    )
    if not is_loopback(host):
        if "hosts" not in settings.model_fields_set:
            settings = settings.model_copy(update={"hosts": ("*",)})
        if settings.token is None:
            typer.secho(
                f"warning: {host}:{port} is reachable without authentication; use --token-file, or drop --host",
                err=True,
                fg="yellow",
            )
    with listen(host, port) as listener:
        app = create_app(settings)
        card = app.state.inference.scorer.card
        address = f"http://{_host_and_port(listener)}"
        gallery = ", gallery at /" if settings.catalogue else ""
        message = f"serving {card.name} ({card.short_hash}) at {address}{gallery}; Ctrl-C to stop"
        run_server(app, listener, settings, ready=lambda: typer.echo(message, err=True))
    typer.echo("stopped", err=True)


def _host_and_port(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
