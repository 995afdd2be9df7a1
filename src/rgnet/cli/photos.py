"""The photos that arguments name."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from rgnet.errors import SettingError

if TYPE_CHECKING:
    from rgnet.imaging.discovery import Selection


def find_arguments(words: Iterable[str], selection: Selection | None = None) -> list[str]:
    """Every photo once, in the order given; folders are searched, - is a list on standard input.

    Raises SettingError where there are none.
    """
    from rgnet.imaging.discovery import EVERYTHING, photo_names

    paths = list(_expand(words))
    photos = list(dict.fromkeys(photo_names(paths, selection or EVERYTHING)))
    if not photos:
        raise SettingError(f"no photos found in {', '.join(paths) or 'the list on standard input'}")
    return photos


def _expand(words: Iterable[str]) -> Iterator[str]:
    from rgnet.imaging.path_list import read_path_list

    for word in words:
        if word == "-":
            yield from read_path_list(sys.stdin.buffer, "standard input")
        else:
            yield _check_pattern(word)


def _check_pattern(word: str) -> str:
    """A pattern arrives here where it was quoted, or matches nothing."""
    if any(char in word for char in "*?[") and not os.path.lexists(word):
        raise SettingError(
            f"{word}: expected a photo or a folder, found a pattern that matches nothing: "
            "check the path, and leave out quotes so that the shell expands it; or name the folder"
        )
    return word
