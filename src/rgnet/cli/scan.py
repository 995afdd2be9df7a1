"""`rgnet scan`: folders into the catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rgnet.cli import options
from rgnet.cli.exit_codes import exit_if_failed
from rgnet.cli.failures import FailureLog
from rgnet.cli.signals import StopRequest, stop_on_signal
from rgnet.imaging.policy import SECONDS

if TYPE_CHECKING:
    from rgnet.catalogue.database import Catalogue
    from rgnet.catalogue.scan_videos import ScoredVideo
    from rgnet.cli.skipping import Skipping
    from rgnet.errors import PhotoError
    from rgnet.imaging.workers import DecodePool
    from rgnet.scorer import Scorer

_COUNTS = ("scored", "unchanged", "known", "failed before", "failed")


def scan(
    folders: Annotated[list[Path], typer.Argument(help="Folders of photos.")],
    catalogue: options.Catalogue = None,
    model: options.Model = None,
    threads: options.Threads = None,
    timeout: options.Timeout = SECONDS,
    exclude: options.Exclude = [],  # noqa: B006 - Typer copies it
    include: options.Include = [],  # noqa: B006
    videos: options.Videos = True,
    features: Annotated[
        bool,
        typer.Option(
            "--features",
            help="Also keep what rgnet taste learns from, about 4 KB a photo. Photos without it are read again.",
        ),
    ] = False,
) -> None:
    """Score the photos of folders and remember them: the next scan reads only what is new or changed.

    A video is scored by its best frame, after all photos.

    See the result with rgnet top, show, stats and export. Ctrl-C finishes the photos in progress; run the same
    command again to resume. Exit code 3 means that some photos of these folders have no score.

    Examples:
    $ rgnet scan ~/Pictures
    $ rgnet scan ~/Pictures --exclude rejects --exclude '*.tif'
    """
    from rgnet.catalogue.database import Catalogue
    from rgnet.cli.skipping import Skipping
    from rgnet.paths import catalogue_file
    from rgnet.weights.registry import find_model

    _check_folders(folders)
    with Catalogue.open(catalogue or catalogue_file(), create=True) as opened:
        skipping = Skipping(exclude, include, videos=videos)
        outcome = scan_folders(
            opened,
            find_model(model),
            folders,
            threads=threads,
            timeout=timeout,
            skipping=skipping,
            features=features,
        )
    skipping.print()
    outcome.failures.print("rgnet export --errors names each")
    typer.echo(f"{outcome.summary()}; catalogue {opened.file}", err=True)
    outcome.stop.exit_if_stopped()
    exit_if_failed(outcome.failures.count)


@dataclass(slots=True)
class ScanOutcome:
    """failures: photos without a score, also those of earlier scans; of these last only their number is known
    missing:  photos that the last scan found and this one did not
    """

    stop: StopRequest
    counts: Counter[str] = field(default_factory=Counter)
    failures: FailureLog = field(default_factory=FailureLog)
    missing: int = 0

    def add(self, path: str, result: str, error: str) -> None:
        self.counts[result] += 1
        if error:
            self.failures.add(path, error)
        elif result == "failed before":
            self.failures.count += 1

    def summary(self) -> str:
        words = [f"{self.counts[name]} {name}" for name in _COUNTS]
        return f"{', '.join(words)}, {self.missing} missing of {self.counts.total()} files"


def _check_folders(folders: Iterable[Path]) -> None:
    from rgnet.errors import SettingError

    for folder in folders:
        if not folder.is_dir():
            raise SettingError(
                f"{folder}: expected a folder of photos, found {_kind(folder)}: check the path"
            )


def _kind(path: Path) -> str:
    return "a file" if path.exists() else "nothing"


def scan_folders(
    catalogue: Catalogue,
    model: Path,
    folders: list[Path],
    *,
    skipping: Skipping,
    threads: int | None = None,
    timeout: float = SECONDS,
    features: bool = False,
) -> ScanOutcome:
    """Scan with a bar on the terminal, until done or told to stop. model: its file."""
    import rgnet
    from rgnet.catalogue.scan import Scan
    from rgnet.cli.progress import counter
    from rgnet.imaging.discovery import photo_names
    from rgnet.previews import open_previews
    from rgnet.weights.file import read_card

    card = read_card(model)
    with (
        stop_on_signal() as stop,
        closing(open_previews()) as previews,
        counter(lambda: sum(1 for _ in photo_names(folders, skipping.silent)), "scanning") as advance,
    ):
        outcome = ScanOutcome(stop)

        def tell(path: str, result: str, error: str) -> None:
            outcome.add(path, result, error)
            advance()

        run = Scan(
            catalogue,
            card,
            lambda: rgnet.load(model, threads=threads),
            tell,
            stopping=lambda: bool(stop),
            processes=threads,
            seconds=timeout,
            selection=skipping.selection,
            previews=previews,
            score_videos=_score_videos,
            features=features,
        )
        outcome.missing = run.run(folders)
    return outcome


def _score_videos(
    videos: Iterable[str], scorer: Scorer, pool: DecodePool
) -> Iterator[tuple[str, ScoredVideo | PhotoError]]:
    """Imported with the first video that is new."""
    from rgnet.culling.best_frame import score_videos

    return score_videos(videos, scorer, pool)
