"""What the gallery is sent and responds about a person's marks, as pydantic models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rgnet.catalogue.marks import Colour, MarkChange, Pick
from rgnet.service.schemas import GalleryPhoto, PhotoMark, ResponseModel

MOST_PHOTOS = 1000

PhotoId = Annotated[str, Field(pattern="^[0-9]{1,18}$")]
PhotoIds = Annotated[
    list[PhotoId],
    Field(min_length=1, max_length=MOST_PHOTOS, description="As /v1/photos gives them."),
]


class MarkRequest(BaseModel):
    """What is not sent stays as it is; null takes it away."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    photos: PhotoIds
    pick: Pick | None = None
    stars: Annotated[int, Field(ge=1, le=5)] | None = None
    colour: Colour | None = None

    @model_validator(mode="after")
    def _check_change(self) -> MarkRequest:
        if self.model_fields_set == {"photos"}:
            raise ValueError("expected one of pick, stars and colour, found none")
        return self

    @property
    def change(self) -> MarkChange:
        values = {"pick": self.pick, "stars": self.stars, "colour": self.colour}
        return {name: value for name, value in values.items() if name in self.model_fields_set}  # type: ignore[return-value]


class ChangedMarks(ResponseModel):
    marks: dict[str, PhotoMark] = Field(description="By the photo's id, as they are now.")


class SidecarRequest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    photos: PhotoIds
    write: bool = Field(default=False, description="false: only say what would change.")
    overwrite: bool = Field(
        default=False, description="Also replace what another program or the photo itself says."
    )
    naming: Literal["full", "stem"] = Field(
        default="full",
        description="Of new sidecars: full is a.cr2.xmp (darktable, digiKam), stem a.xmp (Adobe).",
    )


class SidecarChange(ResponseModel):
    """What becomes of one file's sidecar."""

    id: str
    path: str
    sidecar: str | None
    action: Literal["create", "set", "unchanged", "keep", "failed"]
    before: dict[str, str] = Field(description="rating, label and pick, as far as they are there.")
    after: dict[str, str]
    kept: list[str] = Field(description="Which of them stay as another program gave them.")
    error: str | None


class SidecarChanges(ResponseModel):
    changes: list[SidecarChange]
    written: bool


class PairAnswer(BaseModel):
    """Which of two photos somebody likes better."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    better: PhotoId
    other: PhotoId
    equal: bool = Field(default=False, description="true: neither is better.")


class PhotoPair(ResponseModel):
    photos: list[GalleryPhoto] = Field(description="Two photos to be compared; none once all were.")
    answered: int = Field(description="How many pairs were answered so far.")


class PhotoPath(ResponseModel):
    id: str
    path: str


class PhotoPaths(ResponseModel):
    photos: list[PhotoPath]
    is_complete: bool = Field(description="Whether these are all photos that match.")
