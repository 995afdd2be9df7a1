"""Which files and folders are skipped, and how many were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import typer

from rgnet.imaging.discovery import Reason, Selection, skip_reasons


class Skipping:
    """Patterns of --exclude and --include as a Selection that counts what it skips.

    videos: whether videos are found, too
    silent: the same selection without counting, for a second look at the same folders
    """

    def __init__(
        self, exclude: Sequence[str] = (), include: Sequence[str] = (), *, videos: bool = False
    ) -> None:
        self.silent = Selection(exclude=exclude, include=include, videos=videos)
        self.selection = replace(self.silent, on_skip=self._count)
        self._counts: Counter[Reason] = Counter()

    def skips_photo(self, path: str) -> bool:
        """Whether a search of folders would not have found this photo. Hidden folders do not count."""
        reasons = skip_reasons(path, self.silent)
        self._counts.update(sorted(reasons)[:1])
        return bool(reasons)

    @property
    def any(self) -> bool:
        return self._counts.total() > 0

    def print(self, *, photos: bool = False) -> None:
        """What was skipped, on standard error. photos: single ones were asked about, and not folders searched."""
        if system := self._counts["system"]:
            what = "photos in system folders" if photos else "system folders"
            typer.echo(f"skipped: {system} {what}; --include PATTERN keeps them", err=True)
        if excluded := self._counts["excluded"]:
            what = "excluded photos" if photos else "excluded files and folders"
            typer.echo(f"skipped: {excluded} {what}", err=True)

    def _count(self, _path: str, reason: Reason) -> None:
        self._counts[reason] += 1
