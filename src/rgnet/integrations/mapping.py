"""The same folder under the names that two machines have for it."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from pathlib import PurePath, PurePosixPath

from rgnet.errors import SettingError


class PathMapping:
    """Paths of this machine as another one sees them; those under none of the folders stay as they are."""

    def __init__(self, words: Sequence[str] = ()) -> None:
        """words: FROM=TO, of folders; of folders inside each other the innermost counts. Raises SettingError."""
        pairs = [_parse(word) for word in words]
        self.pairs = sorted(pairs, key=lambda pair: len(pair[0].parts), reverse=True)

    def theirs(self, path: str) -> str:
        here = PurePath(path)
        for ours, theirs in self.pairs:
            if here.is_relative_to(ours):
                return str(theirs / here.relative_to(ours).as_posix())
        return here.as_posix()


def _parse(word: str) -> tuple[PurePath, PurePosixPath]:
    ours, equals, theirs = word.partition("=")
    if not (ours and equals and theirs.startswith("/")):
        raise SettingError(
            f"--map: expected FROM=TO, such as ~/Pictures=/mnt/photos, both full paths, found {word!r}"
        )
    # As the catalogue spells folders: absolute, links resolved
    return PurePath(os.path.realpath(os.path.expanduser(ours))), PurePosixPath(theirs)  # noqa: PTH111


def comparable(path: str) -> str:
    """A path for comparison: "é" is one character or two, depending on the system."""
    return unicodedata.normalize("NFC", path)
