"""`rgnet scan`: folders into the catalogue."""

from __future__ import annotations

import contextlib
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from rgnet.cli import options
from rgnet.cli.score import FAILURES_SHOWN, printable

SIGNALS = ("SIGINT", "SIGTERM")


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
    import rgnet
    from rgnet import modelfile
    from rgnet.cli.progress import counter
    from rgnet.errors import SettingError
    from rgnet.intake import photo_names
    from rgnet.library.catalogue import Catalogue, default_file
    from rgnet.library.scan import Scan

    for folder in folders:
        if not folder.is_dir():
            raise SettingError(f"{folder} is not a folder: give folders of photos")
    counts, shown = Counter(), []
    with Catalogue.open(catalogue or default_file(), make=True) as opened:
        file = modelfile.find(model)
        card = modelfile.read_card(file)
        with (
            stopping() as stopped,
            counter(lambda: sum(1 for _ in photo_names(folders)), "scanning") as advance,
        ):

            def tell(path: str, what: str, error: str) -> None:
                counts[what] += 1
                if error and len(shown) < FAILURES_SHOWN:
                    shown.append(error)
                advance()

            asked = {"stopping": lambda: bool(stopped), "processes": threads}
            gone = Scan(opened, card, lambda: rgnet.load(file, threads=threads), tell, **asked).run(folders)
    for error in shown:
        typer.echo(f"not scored: {printable(error)}", err=True)
    if (more := counts["failed before"] + counts["failed"] - len(shown)) > 0:
        typer.echo(f"not scored: {more} more;  rgnet export --errors  names each", err=True)
    words = [f"{counts[what]} {what}" for what in ("scored", "unchanged", "known", "failed before", "failed")]
    typer.echo(f"{', '.join(words)}, {gone} gone; catalogue {opened.file}", err=True)
    if stopped:
        typer.echo("stopped before the end: the same command goes on", err=True)
        raise typer.Exit(128 + stopped[0])
    if counts["failed before"] or counts["failed"]:
        raise typer.Exit(3)


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
