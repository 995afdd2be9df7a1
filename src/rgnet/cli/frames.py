"""`rgnet frames`: the best frame of each shot of a video."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rgnet.cli import options
from rgnet.cli.exit_codes import exit_if_failed
from rgnet.cli.failures import FailureLog
from rgnet.cli.signals import explain_interrupt
from rgnet.cli.tables import Column, print_json, print_rows
from rgnet.text import printable

if TYPE_CHECKING:
    from rgnet.culling.frames import BestFrame, VideoFrames
    from rgnet.imaging.workers import DecodePool
    from rgnet.scorer import Scorer

_COLUMNS = (
    Column("shot", justify="right"),
    Column("time", justify="right"),
    Column("score", ".3f", justify="right"),
    Column("reasons", wrap=True),
    Column("file", wrap=True),
)


@explain_interrupt(
    "the frames written so far are kept; run the same command again with --force for all of them"
)
def frames(
    videos: Annotated[list[Path], typer.Argument(help="Videos.", metavar="VIDEO...")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder that gets a folder for each video: its frames, named by their time, frames.csv, and "
            "contact.jpg with all of them.",
            show_default="print only",
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Only this many frames of a video: the best ones that look different.",
            show_default="one of every shot",
        ),
    ] = None,
    per_second: Annotated[float, typer.Option(min=0.1, max=30, help="Frames to look at in a second.")] = 2.0,
    file_format: Annotated[
        Literal["jpeg", "png"], typer.Option("--format", help="Of the frames that are written, at full size.")
    ] = "jpeg",
    model: options.Model = None,
    force: options.Force = False,
    as_json: options.AsJson = False,
) -> None:
    """Find the best frame of each shot of a video.

    Black, white and blurred frames, and those in a dissolve, are left out. The video is only read.

    Examples:
    $ rgnet frames holiday.mp4 -o stills
    $ rgnet frames *.mov --count 5 -o covers --format png
    """
    import rgnet
    from rgnet.culling.frames import open_video_pool
    from rgnet.errors import PhotoError, need

    need("av", extra="video", purpose="reading videos")
    folders = _plan_folders(videos, output, force=force)
    scorer, failures = rgnet.load(model), FailureLog("read")
    with open_video_pool() as pool:
        for video in videos:
            try:
                found = _find(str(video), scorer, pool, count, per_second, file_format if output else None)
            except PhotoError as problem:
                failures.add(str(video), problem.message)
                continue
            _show(video, found, folders.get(video), file_format, as_json=as_json)
    failures.print("look at them one by one")
    exit_if_failed(failures.count)


def _plan_folders(videos: list[Path], output: Path | None, *, force: bool) -> dict[Path, Path]:
    """The folder of each video's frames, none of which may be there already, or be another video's too."""
    from rgnet.atomic import make_writable_folder
    from rgnet.errors import OutputError, SettingError

    if output is None:
        return {}
    make_writable_folder(output)
    folders: dict[Path, Path] = {}
    for video in videos:
        folder = output / video.name
        if folder in folders.values():
            raise SettingError(
                f"two videos have the name {printable(video.name)}: run them with an --output each"
            )
        if folder.exists() and not force:
            raise OutputError(f"{printable(str(folder))} is there already: replace it with --force")
        folders[video] = folder
    return folders


def _find(
    video: str,
    scorer: Scorer,
    pool: DecodePool,
    count: int | None,
    per_second: float,
    file_format: str | None,
) -> VideoFrames:
    from rgnet.cli.progress import track
    from rgnet.culling.frames import best_frames

    return best_frames(
        video,
        scorer,
        per_second=per_second,
        count=count,
        file_format={"jpeg": "JPEG", "png": "PNG", None: None}[file_format],
        pool=pool,
        track=track,
    )


def _show(video: Path, found: VideoFrames, folder: Path | None, suffix: str, *, as_json: bool) -> None:
    from rgnet.culling.frame_files import frame_name, write_frames

    rows = [_to_row(video, best, folder and folder / frame_name(best, suffix)) for best in found.frames]
    if folder is not None:
        write_frames(folder, found, suffix)
    if as_json:
        for row in rows:
            print_json(row)
    else:
        print_rows(_COLUMNS, rows, title=printable(str(video)))
    lines = [
        f"{found.shots} shots in {found.duration_s:.1f} s, {len(found.frames)} frames chosen",
        *found.notes,
    ]
    for line in lines:
        typer.echo(f"{printable(video.name)}: {line}", err=True)


def _to_row(video: Path, best: BestFrame, file: Path | None) -> dict[str, Any]:
    from rgnet.culling.frames import time_code

    return {
        "video": str(video),
        "shot": best.shot,
        "start": round(best.start_s, 3),
        "end": round(best.end_s, 3),
        "seconds": round(best.time_s, 3),
        "time": time_code(best.time_s),
        "score": best.score.score,
        "reasons": "; ".join(best.reasons),
        "file": str(file) if file else None,
    }
