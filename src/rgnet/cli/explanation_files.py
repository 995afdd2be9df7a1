"""Which files `rgnet explain` writes, and what goes into each."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from rgnet.errors import SettingError

if TYPE_CHECKING:
    from rgnet.explanation import Explanation
    from rgnet.weights.card import Scale

_SUFFIXES = (".png", ".npz", ".json")


def plan_files(photos: list[str], output: Path | None, *, force: bool) -> dict[str, list[Path]]:
    """The files that each photo is to have. Raises SettingError where they cannot be written, or would be mixed up."""
    plan = {photo: _files_of(photo, output, alone=len(photos) == 1) for photo in photos}
    taken: dict[Path, str] = {}
    for photo, files in plan.items():
        if (other := taken.setdefault(files[0], photo)) != photo:
            raise SettingError(
                f"{other} and {photo} would both be {files[0].name}: explain one of them separately"
            )
        for file in files:
            _check_free(file, photos, force=force)
    return plan


def write_file(
    found: Explanation, picture: bytes, file: Path, *, what: str, region: tuple[int, int], scale: Scale
) -> None:
    """A picture or numbers, by the suffix of `file`; its folder is made. Raises OutputError.

    picture: of the photo, as large as it is to be drawn
    """
    from rgnet.atomic import make_writable_folder
    from rgnet.outputs.maps import WRITERS

    make_writable_folder(file.parent)
    if writer := WRITERS.get(file.suffix.lower()):
        writer(found, file, region=region)
    else:
        _draw(found, picture, file, what, region, scale)


def _files_of(photo: str, output: Path | None, *, alone: bool) -> list[Path]:
    name = f"{Path(photo).stem}.rgnet"
    if output is None:
        return [Path(f"{name}.png")]
    if output.is_dir() or not output.suffix:
        return [output / f"{name}{suffix}" for suffix in _SUFFIXES]
    if output.suffix.lower() not in _SUFFIXES:
        raise SettingError(
            f"{output}: expected .png, .npz, .json or a folder, found {output.suffix!r}: give another --output"
        )
    if not alone:
        raise SettingError(f"{output} is one file, but there are several photos: give --output a folder")
    return [output]


def _check_free(file: Path, photos: list[str], *, force: bool) -> None:
    if not file.exists():
        return
    precious = file.is_dir() or any(Path(photo).exists() and file.samefile(photo) for photo in photos)
    if precious or not force:
        remedy = "give another --output" + ("" if precious else ", or --force")
        raise SettingError(f"{file} already exists: {remedy}")


def _draw(
    found: Explanation, picture: bytes, file: Path, what: str, region: tuple[int, int], scale: Scale
) -> None:
    from PIL import Image

    from rgnet.outputs import figures

    image = Image.open(io.BytesIO(picture))
    figures.draw(found, image, file, what=what, region=region, scale=scale)
