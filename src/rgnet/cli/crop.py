"""`rgnet crop`: the best crop of photos to a ratio."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rgnet.cli import options
from rgnet.cli.exit_codes import exit_if_failed
from rgnet.cli.failures import FailureLog
from rgnet.cli.signals import explain_interrupt
from rgnet.cli.tables import Column, print_json, print_rows

if TYPE_CHECKING:
    from rgnet.culling.crops import CropSearch
    from rgnet.imaging.workers import DecodePool

_COLUMNS = (
    Column("left,top,right,bottom", justify="right"),
    Column("score", ".3f", justify="right"),
    Column("centre", ".3f", justify="right"),
    Column("advice"),
    Column("path", wrap=True),
)


@explain_interrupt(
    "the crops written so far are kept; run the same command again with --force for all of them"
)
def crop(
    photos: options.Photos,
    ratio: Annotated[str, typer.Option(help="Width to height: 16:9, 4:5, 1:1, 1.91, ...")],
    size: Annotated[
        float,
        typer.Option(min=0.3, max=1, help="Sides of the crop as a share of the largest one of this ratio."),
    ] = 1.0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder that gets the cropped photos at full size, and a picture of each crop in its photo.",
            show_default="print only",
        ),
    ] = None,
    lossless: Annotated[
        bool,
        typer.Option(
            "--lossless",
            help="Do not compress JPEG files again: the crop is moved to a border of its blocks.",
        ),
    ] = False,
    model: options.Model = None,
    force: options.Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Find the best crop of photos to a ratio.

    Crops of one size are compared, without those that cut a face where others do not; where none is clearly better than
    the one in the middle, that is the advice. The photos themselves are only read.

    Examples:
    $ rgnet crop beach.jpg --ratio 16:9
    $ rgnet crop *.jpg --ratio 4:5 --size 0.9 -o crops
    """
    import rgnet
    from rgnet.cli.photos import find_arguments
    from rgnet.cli.progress import track
    from rgnet.culling.crops import find_crop, open_crop_pool, parse_ratio
    from rgnet.errors import PhotoError
    from rgnet.faces.detection import FaceDetector

    wanted = parse_ratio(ratio)
    if lossless:
        _check_lossless(output)
    found = find_arguments(photos)
    stems = _plan_stems(found, output, ratio, force=force)
    scorer, detector = rgnet.load(model), FaceDetector()
    failures, rows = FailureLog("cropped"), []
    with open_crop_pool() as pool:
        for photo in track(found, total=len(found), description="cropping"):
            try:
                search = find_crop(photo, scorer, wanted, size=size, pool=pool, detector=detector)
                row = _to_row(photo, search)
                if stems:
                    row |= _write(photo, search, stems[photo], pool, lossless)
            except PhotoError as problem:
                failures.add(photo, problem.message)
                continue
            rows.append(row)
    if as_json:
        for row in rows:
            print_json(row)
    else:
        print_rows(_COLUMNS, rows)
    failures.print("crop them one by one")
    exit_if_failed(failures.count)


def _plan_stems(photos: list[str], output: Path | None, ratio: str, *, force: bool) -> dict[str, Path]:
    """What the files of each photo's crop begin with, none of which may be there already, or be another photo's too."""
    from rgnet.errors import SettingError
    from rgnet.imaging.crop import SUFFIXES

    if output is None:
        return {}
    stems: dict[str, Path] = {}
    owners: dict[Path, str] = {}
    for photo in photos:
        stem = output / f"{Path(photo).stem}.{ratio.replace(':', 'x')}"
        if (other := owners.setdefault(stem, photo)) != photo:
            raise SettingError(f"{other} and {photo} would both be {stem.name}: crop one of them separately")
        for suffix in SUFFIXES.values():
            file = stem.with_name(stem.name + suffix)
            if file.exists() and not force:
                raise SettingError(f"{file} already exists: give another --output, or --force")
        stems[photo] = stem
    return stems


def _check_lossless(output: Path | None) -> None:
    """Before anything is read: what is missing fails every photo alike."""
    from rgnet.errors import SettingError
    from rgnet.imaging.lossless import need_jpeglib

    if output is None:
        raise SettingError("--lossless needs --output: it only affects the files that are written")
    need_jpeglib()


def _write(photo: str, search: CropSearch, stem: Path, pool: DecodePool, lossless: bool) -> dict[str, Any]:
    """Write a photo's files; the columns that say what was written."""
    from io import BytesIO

    from rgnet.atomic import make_writable_folder, write_bytes
    from rgnet.culling.crops import cut_out
    from rgnet.imaging.crop import SUFFIXES
    from rgnet.outputs.crops import draw_crop

    data, file_format, pixels = cut_out(photo, search.best.box, pool, lossless=lossless)
    make_writable_folder(stem.parent)
    target = stem.with_name(stem.name + SUFFIXES[file_format])
    write_bytes(target, data)
    sheet = BytesIO()
    draw_crop(search.picture, search.best.box).save(sheet, "JPEG", quality=88)
    write_bytes(stem.with_name(f"{stem.name}.compare.jpg"), sheet.getvalue())
    return _place(pixels) | {"file": str(target)}


def _place(pixels: tuple[int, int, int, int]) -> dict[str, Any]:
    sides = dict(zip(("left", "top", "right", "bottom"), pixels, strict=True))
    return sides | {"left,top,right,bottom": ",".join(map(str, pixels))}


def _to_row(photo: str, search: CropSearch) -> dict[str, Any]:
    advice = "crop" if search.is_clear else "centre: no crop is clearly better"
    if search.centre_cuts:
        advice = "crop: the centre cuts or loses a face"
    return {
        "path": photo,
        **_place(search.pixels),
        "score": search.best.score,
        "centre": search.centre.score,
        "advice": advice,
        "faces": len(search.faces),
        "photo_score": search.photo.score,
        "model": search.photo.model,
        "model_hash": search.photo.model_hash,
        "file": None,
    }
