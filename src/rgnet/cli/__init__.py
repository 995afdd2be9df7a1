"""The command line: one file a command, each parse -> call -> print -> exit code.

Exit codes: 0 done, 2 wrong usage or an error that stopped the command, 3 some photos failed, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from rgnet.cli.cluster import cluster
from rgnet.cli.compare import compare
from rgnet.cli.convert import convert
from rgnet.cli.crop import crop
from rgnet.cli.distil import distil
from rgnet.cli.evaluate import evaluate
from rgnet.cli.exit_codes import INTERRUPTED, SOME_FAILED, USAGE
from rgnet.cli.explain import explain
from rgnet.cli.export import export
from rgnet.cli.frames import frames
from rgnet.cli.group import group
from rgnet.cli.help import help_text
from rgnet.cli.info import info
from rgnet.cli.models import export_hub, install, models
from rgnet.cli.push import push
from rgnet.cli.quantize import quantize
from rgnet.cli.rate import rate
from rgnet.cli.report import report
from rgnet.cli.reproduce import reproduce
from rgnet.cli.scan import scan
from rgnet.cli.score import score
from rgnet.cli.serve import serve
from rgnet.cli.show import show
from rgnet.cli.stats import stats
from rgnet.cli.taste import taste
from rgnet.cli.top import top
from rgnet.cli.train import train
from rgnet.cli.verify import verify
from rgnet.errors import PhotoError, RgnetError
from rgnet.text import printable

# Panels of `rgnet --help`, in the order in which one comes to need them
COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Score": (score, explain, frames, crop),
    "Library": (scan, top, group, show, stats, report, export, rate, taste, push),
    "Models": (models, evaluate, compare, convert, quantize),
    "Training": (verify, train, distil, reproduce),
    "Operations": (serve, cluster, info),
}

# Commands below a command, which does its own work where none of them is named
SUBCOMMANDS: dict[Callable[..., None], tuple[Callable[..., None], ...]] = {models: (install, export_hub)}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="How beautiful is a photograph, and why. Start with:  rgnet score FOLDER",
)
for _panel, _commands in COMMANDS.items():
    for _command in _commands:
        if _command not in SUBCOMMANDS:
            app.command(help=help_text(_command.__doc__), rich_help_panel=_panel)(_command)
            continue
        _group = typer.Typer(invoke_without_command=True, pretty_exceptions_enable=False)
        _group.callback(help=help_text(_command.__doc__))(_command)
        for _subcommand in SUBCOMMANDS[_command]:
            _group.command(help=help_text(_subcommand.__doc__))(_subcommand)
        app.add_typer(_group, name=_command.__name__, rich_help_panel=_panel)


def _show_version(wanted: bool) -> None:
    if wanted:
        import rgnet

        typer.echo(f"rgnet {rgnet.__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command; an expected error is one line. RGNET_DEBUG=1 shows its traceback."""
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # here and not at the end of the process, where an error has no message
    except (RgnetError, OSError) as problem:
        if os.environ.get("RGNET_DEBUG") == "1":
            raise
        _drop_output()
        typer.secho(f"rgnet: {_message(problem)}", err=True, fg="red")
        sys.exit(SOME_FAILED if isinstance(problem, PhotoError) else USAGE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _message(problem: RgnetError | OSError) -> str:
    if isinstance(problem, RgnetError):
        return printable(str(problem))
    where = printable(os.fsdecode(problem.filename)) if problem.filename else "standard output"
    return f"{where}: {problem.strerror or problem}"


def _drop_output() -> None:
    """What cannot be written now is not tried again at the end of the process."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
