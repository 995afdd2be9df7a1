"""`rgnet scan`: folders into the catalogue."""

from __future__ import annotations

import contextlib
import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgnet.cli import options
from rgnet.cli.score import FAILURES_SHOWN
from rgnet.text import printable

if TYPE_CHECKING:
    from rgnet.catalogue.database import Catalogue

SIGNALS = ("SIGINT", "SIGTERM")
WHAT = ("scored", "unchanged", "known", "failed before", "failed")


def scan(
    folders: Annotated[list[Path], typer.Argument(help="Folders of photos.")],
    catalogue: options.Catalogue = None,
    model: options.Model = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Processor cores to use; left out: all.")] = None,
) -> None:
    """Score the photos of folders and remember them: a second scan reads only what is new or changed.

    Look at the result with `rgnet top`, `show`, `stats` and `export`. Ctrl-C finishes the photos in hand; the same
    command goes on. Exit code 3 says that photos of these folders have no score.

    Example:  rgnet scan ~/Pictures
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.paths import catalogue_file
    from rgnet.weights.registry import find_model

    check_folders(folders)
    with Catalogue.open(catalogue or catalogue_file(), make=True) as opened:
        outcome = scanned(opened, find_model(model), folders, threads)
    for error in outcome.errors:
        typer.echo(f"not scored: {printable(error)}", err=True)
    if (more := outcome.without_score - len(outcome.errors)) > 0:
        typer.echo(f"not scored: {more} more;  rgnet export --errors  names each", err=True)
    typer.echo(f"{outcome}; catalogue {opened.file}", err=True)
    outcome.exit_if_stopped()
    if outcome.without_score:
        raise typer.Exit(3)


@dataclass(slots=True)
class Outcome:
    """What a scan did. errors: the first few; signal: that stopped it before its end, or None."""

    counts: Counter = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    gone: int = 0
    signal: int | None = None

    @property
    def without_score(self) -> int:
        return self.counts["failed before"] + self.counts["failed"]

    def __str__(self) -> str:
        words = [f"{self.counts[what]} {what}" for what in WHAT]
        return f"{', '.join(words)}, {self.gone} gone"

    def exit_if_stopped(self) -> None:
        if self.signal:
            typer.echo("stopped before the end: the same command goes on", err=True)
            raise typer.Exit(128 + self.signal)


def check_folders(folders: Iterable[Path]) -> None:
    from rgnet.errors import SettingError

    for folder in folders:
        if not folder.is_dir():
            raise SettingError(f"{folder} is not a folder: give folders of photos")


def scanned(catalogue: Catalogue, model: Path, folders: list[Path], threads: int | None = None) -> Outcome:
    """Scan with a bar on the terminal, until done or told to stop. model: its file."""
    import rgnet
    from rgnet.catalogue.scan import Scan
    from rgnet.cli.progress import counter
    from rgnet.imaging.discovery import photo_names
    from rgnet.weights.file import read_card

    outcome = Outcome()
    card = read_card(model)
    with stopping() as stopped, counter(lambda: sum(1 for _ in photo_names(folders)), "scanning") as advance:

        def tell(path: str, what: str, error: str) -> None:
            outcome.counts[what] += 1
            if error and len(outcome.errors) < FAILURES_SHOWN:
                outcome.errors.append(error)
            advance()

        asked = {"stopping": lambda: bool(stopped), "processes": threads}
        run = Scan(catalogue, card, lambda: rgnet.load(model, threads=threads), tell, **asked)
        outcome.gone = run.run(folders)
    outcome.signal = stopped[0] if stopped else None
    return outcome


@contextlib.contextmanager
def stopping() -> Iterator[list[int]]:
    """A list that the first Ctrl-C or SIGTERM puts its number into; a second one ends the command at once."""
    stopped: list[int] = []

    def stop(number: int, _frame: object) -> None:
        stopped.append(number)
        typer.echo("finishing the photos in hand; once more to stop at once", err=True)
        signal.signal(number, signal.SIG_DFL)

    before = {name: signal.signal(getattr(signal, name), stop) for name in SIGNALS}
    try:
        yield stopped
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
