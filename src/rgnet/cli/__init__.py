"""The command line: one file a command, each parse -> call -> print -> exit code.

Exit codes: 0 all done, 2 wrong usage or an error that stopped the command, 3 some photos failed, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from rgnet.cli.cluster import cluster
from rgnet.cli.compare import compare
from rgnet.cli.distil import distil
from rgnet.cli.evaluate import evaluate
from rgnet.cli.explain import explain
from rgnet.cli.export import export
from rgnet.cli.info import info
from rgnet.cli.models import models
from rgnet.cli.quantize import quantize
from rgnet.cli.rate import rate
from rgnet.cli.report import report
from rgnet.cli.reproduce import reproduce
from rgnet.cli.scan import scan
from rgnet.cli.score import score
from rgnet.cli.serve import serve
from rgnet.cli.show import show
from rgnet.cli.stats import stats
from rgnet.cli.top import top
from rgnet.cli.train import train
from rgnet.cli.verify import verify
from rgnet.errors import PhotoError, RgnetError

USAGE, SOME_FAILED, INTERRUPTED = 2, 3, 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="How beautiful is a photograph, and why. Start with:  rgnet score FOLDER",
)
library = (scan, top, show, report, stats, export, rate)
learning = (verify, train, distil, quantize, evaluate, compare, reproduce)
for command in (score, explain, *library, cluster, serve, models, info, *learning):
    app.command()(command)


def show_version(wanted: bool) -> None:
    if wanted:
        import rgnet

        typer.echo(f"rgnet {rgnet.__version__}")
        raise typer.Exit()


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command; an error rgnet foresaw is one line, its traceback shown with RGNET_DEBUG=1."""
    try:
        app()
    except RgnetError as problem:
        if os.environ.get("RGNET_DEBUG") == "1":
            raise
        typer.secho(f"rgnet: {problem}", err=True, fg="red")
        sys.exit(SOME_FAILED if isinstance(problem, PhotoError) else USAGE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
