"""What the service responds, as pydantic models; OpenAPI is made from them.

A record is written as `rgnet score --output rows.jsonl` writes it: one meaning, one text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from rgnet.catalogue.marks import Colour, Pick
from rgnet.catalogue.outline import Outline
from rgnet.culling.crops import Crop, CropSearch
from rgnet.culling.groups import Kind
from rgnet.explanation import Explanation
from rgnet.results import ScoredPhoto
from rgnet.service.inference import ScoredUpload
from rgnet.text import escape_surrogates


class JSONLineResponse(JSONResponse):
    """JSON in the very characters of a line of `rgnet score`."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")


class ResponseModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Error(ResponseModel):
    error: str


class Status(ResponseModel):
    status: str


# --- scoring ---------------------------------------------------------------------------------------------


class PhotoRecord(ResponseModel):
    """As `rgnet score` writes it; `path` is the name that was sent, and only text."""

    schema_: int = Field(alias="schema")
    path: str
    score: float | None
    percentile: float | None
    label: str | None
    probability: float | None
    width: int | None
    height: int | None
    model: str
    model_hash: str
    engine: str
    notes: list[str]
    error: str | None


Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="Of the bytes that were sent.")]


class PhotoScore(ResponseModel):
    sha256: Sha256
    record: PhotoRecord


class PhotoScores(ResponseModel):
    """One entry per photo, in the order in which they were sent."""

    photos: list[PhotoScore] = Field(min_length=1)

    @classmethod
    def of(cls, scored: Sequence[ScoredUpload]) -> PhotoScores:
        return cls(photos=[PhotoScore.model_validate(_photo_values(one)) for one in scored])


class Regions(ResponseModel):
    """Row by row from the top of the upright photo, which the grid spans."""

    grid: list[int] = Field(min_length=2, max_length=2, description="Rows, columns.")
    votes: list[list[float]] = Field(description="Each region's score, on the model's scale.")
    weights: list[list[float]] = Field(description="Its weight in the photo's score; they sum to 1.")


class Neighbours(ResponseModel):
    """For every region, row by row, its strongest neighbours."""

    neighbours: list[list[int]]
    weights: list[list[float]]


class CellEffects(ResponseModel):
    """What covering each cell of a grid does to the score."""

    grid: list[int] = Field(min_length=2, max_length=2, description="Rows, columns.")
    effect: list[list[float]]


class PhotoExplanation(ResponseModel):
    regions: Regions
    graph: Neighbours | None
    what_if: CellEffects | None

    @classmethod
    def of(cls, explanation: Explanation) -> PhotoExplanation:
        values = explanation.to_dict()
        return cls.model_validate({name: values[name] for name in cls.model_fields})


class ExplainedPhoto(PhotoScore):
    explanation: PhotoExplanation | None


class ExplainedPhotos(ResponseModel):
    """One entry per photo, in the order in which they were sent."""

    photos: list[ExplainedPhoto] = Field(min_length=1)

    @classmethod
    def of(cls, scored: Sequence[ScoredUpload]) -> ExplainedPhotos:
        return cls(photos=[ExplainedPhoto.model_validate(_explained_values(one)) for one in scored])


class ScoredCrop(ResponseModel):
    """A part of a photo in pixels of the upright photo, and its score as a photo of its own."""

    left: int
    top: int
    right: int
    bottom: int
    score: float

    @classmethod
    def of(cls, crop: Crop, photo: ScoredPhoto) -> ScoredCrop:
        box = zip(("left", "top", "right", "bottom"), crop.box.pixels(photo.width, photo.height), strict=True)
        return cls.model_validate({**dict(box), "score": crop.score})


class PhotoCrop(ResponseModel):
    """All crops are of one size: only such can be compared, and not with the photo itself."""

    best: ScoredCrop
    centre: ScoredCrop
    others: list[ScoredCrop] = Field(description="That were scored, too; best first.")
    is_clear: bool = Field(description="Whether `best` is clearly better than `centre`; else it is the same.")
    centre_cuts: bool = Field(description="Whether `centre` cuts or loses a face that other crops keep.")

    @classmethod
    def of(cls, found: CropSearch) -> PhotoCrop:
        return cls(
            best=ScoredCrop.of(found.best, found.photo),
            centre=ScoredCrop.of(found.centre, found.photo),
            others=[ScoredCrop.of(crop, found.photo) for crop in found.others],
            is_clear=found.is_clear,
            centre_cuts=found.centre_cuts,
        )


class CroppedPhoto(PhotoScore):
    crop: PhotoCrop | None


class CroppedPhotos(ResponseModel):
    """One entry per photo, in the order in which they were sent."""

    photos: list[CroppedPhoto] = Field(min_length=1)

    @classmethod
    def of(cls, scored: Sequence[ScoredUpload]) -> CroppedPhotos:
        return cls(photos=[CroppedPhoto.model_validate(_cropped_values(one)) for one in scored])


def _photo_values(scored: ScoredUpload) -> dict[str, Any]:
    return {"sha256": scored.sha256, "record": scored.record.to_dict()}


def _explained_values(scored: ScoredUpload) -> dict[str, Any]:
    explanation = None if scored.explanation is None else PhotoExplanation.of(scored.explanation)
    return _photo_values(scored) | {"explanation": explanation}


def _cropped_values(scored: ScoredUpload) -> dict[str, Any]:
    crop = None if scored.crop is None else PhotoCrop.of(scored.crop)
    return _photo_values(scored) | {"crop": crop}


class RatingScale(ResponseModel):
    low: float
    high: float
    people: str = Field(description="Who rated.")


class ServedModel(ResponseModel):
    name: str
    hash: str
    engine: str
    scale: RatingScale
    licence: str
    notice: str
    metrics: dict[str, Any] = Field(description="Evaluation results.")


class ServedModels(ResponseModel):
    models: list[ServedModel] = Field(min_length=1)


# --- the gallery -----------------------------------------------------------------------------------------


class PhotoMark(ResponseModel):
    """A person's, never a model's."""

    pick: Pick | None
    stars: int | None = Field(ge=1, le=5)
    colour: Colour | None


class GalleryVideo(ResponseModel):
    """Which frame of a video is shown and was scored."""

    seconds: float = Field(description="From the first frame.")
    time: str = Field(description="The same as players show it.")
    duration: str
    shots: int | None = Field(description="None where only parts of the video were looked at.")


class PhotoGroup(ResponseModel):
    """What a photo is in its group of look-alikes."""

    number: int
    kind: Kind
    size: int = Field(description="Photos in the group.")
    place: int = Field(description="Of this one among them, from 0.")
    rank: int = Field(description="0 is the best.")
    reason: str
    photos: list[str] | None = Field(description="All ids, of a sequence that is kept whole.")


class GalleryPhoto(ResponseModel):
    id: str
    name: str
    path: str
    folder: str
    score: float | None
    percentile: float | None
    label: str | None
    probability: float | None
    width: int | None
    height: int | None
    taken: str | None = Field(description="By the camera's clock.")
    camera: str | None
    engine: str
    notes: list[str]
    error: str | None
    mark: PhotoMark | None = Field(description="None where nothing was marked.")
    video: GalleryVideo | None = Field(description="Of a video.")
    raw: str | None = Field(description="raw, or raw + JPEG of a pair; None of other photos.")
    pair: str | None = Field(description="The other file of a raw + JPEG pair.")
    group: PhotoGroup | None = Field(description="In listings of groups; None where nothing looks like it.")
    thumbnail: str | None = Field(description="Relative to the gallery's page.")


class GalleryAbout(ResponseModel):
    """The model and its scale; folders to choose from, unless there are too many."""

    title: str
    model: str
    model_hash: str
    low: float
    high: float
    people: str
    rgnet: str
    folders: list[str] | None = None
    graph: str | None = Field(default=None, description="Why there is no graph.")
    maps: str | None = Field(default=None, description="Why there are no maps.")
    caution: str | None = Field(default=None, description="What to say beside maps and graph.")
    usual: list[list[float]] | None = Field(default=None, description="The mean vote at each place.")
    uncompared: int | None = Field(default=None, description="Photos whose look-alikes are not known.")
    may_mark: bool = Field(description="Whether whoever asks may mark photos and write sidecars.")
    may_open: bool = Field(description="Whether whoever asks may open photos in the viewer of this machine.")


class PhotoPage(ResponseModel):
    photos: list[GalleryPhoto]
    total: int | None = Field(description="Photos that match, on all pages; null where nobody counted.")
    failed: int | None = Field(description="How many of them have no score.")
    matching: int | None = Field(description="Of all pages, with those that a better look-alike stands for.")
    about: GalleryAbout


class Run(ResponseModel):
    """Photos that follow each other."""

    key: str | None = Field(description="Their month (YYYY-MM, null without a date), or their folder.")
    count: int


class ListingOutline(ResponseModel):
    total: int
    failed: int = Field(
        description="Photos without a score, which come last and are in neither of the next two."
    )
    matching: int = Field(description="With those that a better look-alike stands for.")
    shapes: str = Field(description="Base64 of little-endian uint16: 1000 * width / height of each photo.")
    runs: list[Run] = Field(description="In order by day or folder, else none.")

    @classmethod
    def of(cls, outline: Outline, *, matching: int) -> ListingOutline:
        runs = [Run(key=key and escape_surrogates(key), count=count) for key, count in outline.runs]
        counts = {"total": outline.total, "failed": outline.failed, "matching": matching}
        return cls(**counts, shapes=outline.packed_shapes(), runs=runs)


class GroupPhotos(ResponseModel):
    photos: list[GalleryPhoto] = Field(description="Best first, or of a sequence in the order of capture.")


class PackedEdges(ResponseModel):
    """Every region's strongest neighbours: base64 of uint16 indices, then of uint8 weights in parts of `most`."""

    count: int
    most: float
    data: str


class PhotoMap(ResponseModel):
    rows: int
    columns: int
    votes: list[list[float]]
    weights: list[list[float]] | None = Field(description="1 is that of a region among equals.")
    edges: PackedEdges | None
    low: float
    high: float
    picture: str | None


class PhotoDetail(ResponseModel):
    photo: GalleryPhoto
    detail: PhotoMap | None = Field(description="Votes, weights and edges of the photo's regions.")


# --- OpenAPI ---------------------------------------------------------------------------------------------

_REASONS = {
    400: "A malformed form, or one without a photo.",
    401: "The service wants its token.",
    403: "A page of another site may not send photos; only the service's own machine, or its token, may change marks.",
    404: "There is no such photo.",
    408: "The body took too long to arrive.",
    413: "A photo or the request is too large, or holds too many photos.",
    415: "Not a photo of a type that rgnet reads.",
    421: "The service does not answer to this name.",
    422: "The photo cannot be scored, or a parameter makes no sense; `error` says why.",
    429: "Too much is in flight; Retry-After says when to try again.",
    501: "This machine lacks what that needs; `error` says what.",
    503: "The catalogue cannot be read or written now.",
}

# Of a photo that could not be scored, told with its record
_PHOTO_STATUSES = (413, 415, 422)


def error_responses(
    *statuses: int, photos: type[ResponseModel] | None = None
) -> dict[int | str, dict[str, Any]]:
    """For `responses` of a route; photos: what the statuses of a photo may hold instead of an Error."""
    either = Error if photos is None else Error | photos
    return {
        status: {
            "model": either if status in _PHOTO_STATUSES else Error,
            "description": _REASONS[status],
        }
        for status in statuses
    }


SCORES_EXAMPLE = {
    "photos": [
        {
            "sha256": "b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c",
            "record": {
                "schema": 1,
                "path": "beach.jpg",
                "score": 3.412,
                "percentile": 71.3,
                "label": None,
                "probability": None,
                "width": 4000,
                "height": 3000,
                "model": "rgnet-compact",
                "model_hash": "0123456789ab",
                "engine": "openvino-f32",
                "notes": [],
                "error": None,
            },
        }
    ]
}
