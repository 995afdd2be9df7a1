"""Arguments and options that several commands share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from rgnet.errors import SettingError

if TYPE_CHECKING:
    from rgnet.catalogue.database import Catalogue as OpenCatalogue
    from rgnet.catalogue.selects import Filter as Selection

FILTERS, FOLDERS = "Filters", "Folders"
PickState = Literal["picked", "rejected", "unmarked"]
_DEFAULT_CATALOGUE = "the one in your user data folder"
_WORDS = {"today": 0, "yesterday": 1}


def _parse_day(text: str) -> date:
    try:
        if text.lower() in _WORDS:
            return date.today() - timedelta(days=_WORDS[text.lower()])
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"expected a day as YYYY-MM-DD, today or yesterday, found {text!r}"
        ) from None


# --- what is scored, and by what -------------------------------------------------------------------------

Photos = Annotated[
    list[str],
    typer.Argument(help="Photos, folders, or - to read a list of paths from standard input."),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="Model name or file; see rgnet models.",
        show_default="the model that comes with rgnet",
    ),
]
ModelArgument = Annotated[str, typer.Argument(help="Model name or file; see rgnet models.")]
Engine = Annotated[
    str,
    typer.Option(help="auto, openvino, torch (torch:cuda:1 selects a device) or compiled (torch.compile)."),
]
Precision = Annotated[
    str,
    typer.Option(
        help="auto uses the model's preferred precision; bf16 or int8 may be faster; "
        "f32 gives identical results on every machine."
    ),
]
Exclude = Annotated[
    list[str],
    typer.Option(
        metavar="PATTERN",
        rich_help_panel=FOLDERS,
        help="Skip files and folders that match, such as rejects or '*.tif'; may be repeated.",
    ),
]
Include = Annotated[
    list[str],
    typer.Option(
        metavar="PATTERN",
        rich_help_panel=FOLDERS,
        help="Do not skip hidden folders and system folders (thumbnails, recycle bins) that match; may be repeated.",
    ),
]
Videos = Annotated[
    bool,
    typer.Option(
        "--videos/--no-videos",
        rich_help_panel=FOLDERS,
        help="Also videos, each by its best frame. Without, videos of earlier scans stay as they are.",
    ),
]
Threads = Annotated[int | None, typer.Option(min=1, help="Number of CPU cores to use.", show_default="all")]
Timeout = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        min=0.1,
        help="Seconds that a photo may take to decode. One that takes longer, or crashes its decoder, is tried once "
        "more and then reported as not scored.",
    ),
]

# --- the catalogue ---------------------------------------------------------------------------------------

Catalogue = Annotated[Path | None, typer.Option(help="Catalogue file.", show_default=_DEFAULT_CATALOGUE)]
ScoredBy = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="Name or hash of the model whose scores count.",
        show_default="the model used most recently",
    ),
]
MinScore = Annotated[
    float | None, typer.Option(rich_help_panel=FILTERS, help="Photos with at least this score.")
]
MaxScore = Annotated[
    float | None, typer.Option(rich_help_panel=FILTERS, help="Photos with at most this score.")
]
Since = Annotated[
    date | None,
    typer.Option(
        parser=_parse_day, metavar="YYYY-MM-DD", rich_help_panel=FILTERS, help="Taken on this day or later."
    ),
]
Until = Annotated[
    date | None,
    typer.Option(
        parser=_parse_day, metavar="YYYY-MM-DD", rich_help_panel=FILTERS, help="Taken on this day or earlier."
    ),
]
Folder = Annotated[
    Path | None, typer.Option(rich_help_panel=FILTERS, help="Photos in this folder and its subfolders.")
]
Marks = Annotated[
    PickState | None,
    typer.Option(rich_help_panel=FILTERS, help="Photos that you picked, rejected, or did neither with."),
]

# --- a taste ---------------------------------------------------------------------------------------------

By = Annotated[
    Literal["score", "taste"],
    typer.Option(help="The model's score, or what it says with your own taste; see rgnet taste --learn."),
]
TasteName = Annotated[
    str | None,
    typer.Option(
        "--taste",
        metavar="NAME",
        help="Show what this taste says beside the score.",
        show_default="mine, with --by taste",
    ),
]


def with_taste(catalogue: OpenCatalogue, wanted: Selection, by: str, name: str | None) -> Selection:
    """The filter with the taste that is asked for, which then says something of every photo with features."""
    if by == "score" and name is None:
        return wanted
    from rgnet.catalogue.preferences import DEFAULT_TASTE
    from rgnet.taste.library import open_taste

    taste = open_taste(catalogue, name or DEFAULT_TASTE, wanted.model)
    return replace(wanted, taste=taste.card.name)


# --- other programs --------------------------------------------------------------------------------------

PathMap = Annotated[
    list[str],
    typer.Option(
        "--map",
        metavar="FROM=TO",
        help="A folder of this machine, and the same folder as the other program sees it; may be repeated.",
    ),
]

# --- stars -----------------------------------------------------------------------------------------------

DEFAULT_CUTS = "10,35,65,90"
Cuts = Annotated[str, typer.Option(help="Percentiles from which photos get 2, 3, 4 and 5 stars.")]


def parse_cuts(text: str) -> tuple[float, ...]:
    """The cuts between stars. Raises SettingError."""
    from rgnet.xmp.sidecar import stars_for

    try:
        cuts = tuple(float(word) for word in text.split(","))
    except ValueError:
        raise SettingError(f"--cuts: expected four percentiles such as 10,35,65,90, found {text!r}") from None
    stars_for(50.0, cuts)
    return cuts


# --- data sets and training ------------------------------------------------------------------------------

Labels = Annotated[
    Path,
    typer.Argument(help="Data set: the folder of AVA, AADB or PARA's labels, or your own .csv or .parquet."),
]
PhotoFolder = Annotated[
    Path | None,
    typer.Option("--photos", help="Folder of the photos.", show_default="the folder of the labels"),
]
Split = Annotated[
    str,
    typer.Option(help="test: the data set's own test photos; held_out: the model's validation photos."),
]
Overrides = Annotated[
    list[str], typer.Option("--set", help="Override a setting of the recipe: NAME=VALUE; may be repeated.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Resume after the last finished epoch.")]

# --- output ----------------------------------------------------------------------------------------------

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the output if it exists.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """The options that select photos of a catalogue."""

    min_score: MinScore = None
    max_score: MaxScore = None
    since: Since = None
    until: Until = None
    folder: Folder = None
    marks: Marks = None

    @property
    def need_score(self) -> bool:
        """Whether a photo without a score cannot be among those selected."""
        return any(value is not None for value in (self.min_score, self.max_score, self.since, self.until))

    def select(
        self, catalogue: OpenCatalogue, model: str | None, *, exclude: Sequence[str] = ()
    ) -> Selection:
        from rgnet.catalogue.queries import make_filter

        return make_filter(
            catalogue,
            model,
            lowest=self.min_score,
            highest=self.max_score,
            since=self.since.isoformat() if self.since else None,
            until=self.until.isoformat() if self.until else None,
            folder=self.folder,
            marks=self.marks,
            exclude=exclude,
        )


def with_filters(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of Filters where its parameter `filters` stands, but for those it has itself."""
    signature, kind = inspect.signature(command, eval_str=True), inspect.Parameter.POSITIONAL_OR_KEYWORD
    hints = get_type_hints(Filters, include_extras=True)
    names = [name for name in hints if name not in signature.parameters]
    expanded = [inspect.Parameter(name, kind, default=None, annotation=hints[name]) for name in names]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        filters = Filters(**{name: given.pop(name) for name in names})
        command(**given, filters=filters)

    parameters = [
        each
        for own in signature.parameters.values()
        for each in (expanded if own.name == "filters" else [own])
    ]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run
