"""`rgnet serve`: the same scores over HTTP."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 is every one of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    catalogue: Annotated[
        Path | None, typer.Option(help="Show the photos of this catalogue at /; left out: no gallery.")
    ] = None,
    model: options.Model = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor cores to use; left out: all.")] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="A file with the token that requests must bear; or set RGNET_TOKEN.")
    ] = None,
) -> None:
    """Serve scores over HTTP, and a catalogue as a gallery. Ctrl-C or SIGTERM finishes what was taken.

    Limits are set by RGNET_ variables of the environment: docs/deployment.md lists them.

    Example:  rgnet serve --port 8000 &  curl -F files=@photo.jpg http://127.0.0.1:8000/v1/score
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
    if not loopback(host):
        if "RGNET_HOSTS" not in os.environ:
            settings = replace(settings, hosts=("*",))
        if settings.token is None:
            typer.secho(
                f"anybody who reaches {host}:{port} may use this service: give it a --token-file, "
                "or leave --host out",
                err=True,
                fg="yellow",
            )
    with listening(host, port) as listener:
        address = f"http://{host_and_port(listener)}"
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


def loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def host_and_port(listener) -> str:
    host, port, *_ = listener.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
