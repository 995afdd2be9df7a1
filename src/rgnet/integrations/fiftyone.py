"""Scores inside FiftyOne: a label on every sample, and on demand the map of its regions' votes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from rgnet.errors import SettingError, need

if TYPE_CHECKING:
    from rgnet.results import Record
    from rgnet.scorer import Scorer

# Samples whose scores are written together: what an interruption costs at most
_TOGETHER = 64


class FiftyOneSummary(NamedTuple):
    """How many samples got a score, could not be scored, or kept the label that they had."""

    scored: int
    failed: int
    kept: int


def to_fiftyone(
    samples: Any,
    field: str = "rgnet",
    *,
    scorer: Scorer | None = None,
    regions: bool = False,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> FiftyOneSummary:
    """Score the photos of a FiftyOne dataset and write the scores into a field of its samples.

    samples:   a fiftyone.Dataset or a view of one
    field:     gets a fiftyone.Regression: its value is the score, its percentile, model and model_hash say more
    scorer:    of the default model unless given
    regions:   also write FIELD_regions, a fiftyone.Heatmap of the regions' votes on the scale of the score
    overwrite: score samples again that have a label; by default they keep it, and a second call resumes the first
    progress:  called with (samples done, samples to do)

    A photo that cannot be scored gets no label; FIELD_error says why.
    Raises SettingError where `field` holds anything but Regressions, and MissingExtra.
    """
    fiftyone = need("fiftyone", extra="fiftyone", purpose="writing scores into FiftyOne")
    _check_field(samples, field, fiftyone.Regression)
    waiting = samples if overwrite else unscored(samples, field)
    ids, paths = waiting.values(["id", "filepath"])
    scorer = scorer or _default_scorer()
    records = zip(ids, scorer.score_many(paths, regions=regions), strict=True)
    failed = 0
    for start in range(0, len(ids), _TOGETHER):
        found = dict(islice(records, _TOGETHER))
        failed += sum(not record.ok for record in found.values())
        for name, values in _columns(found, field, scorer, fiftyone).items():
            if any(values.values()) or samples.has_sample_field(
                name
            ):  # else there is nothing to say or to clear
                samples.set_values(name, values, key_field="id", dynamic=True)
        if progress:
            progress(min(start + _TOGETHER, len(ids)), len(ids))
    return FiftyOneSummary(len(ids) - failed, failed, len(samples) - len(ids))


def unscored(samples: Any, field: str) -> Any:
    """The samples without a label in this field."""
    return samples.exists(field, False) if samples.has_sample_field(field) else samples


def _check_field(samples: Any, field: str, wanted: type) -> None:
    found = samples.get_field(field) if samples.has_sample_field(field) else None
    if found is not None and getattr(found, "document_type", None) is not wanted:
        raise SettingError(f"the field {field!r} holds something else, {found}: give another field")


def _columns(
    records: dict[str, Record], field: str, scorer: Scorer, fiftyone: Any
) -> dict[str, dict[str, Any]]:
    """Field -> id of a sample -> its value or None."""
    scale = [scorer.card.scale.low, scorer.card.scale.high]
    labels: dict[str, Any] = dict.fromkeys(records)
    maps = dict(labels)
    errors = {sample: record.error for sample, record in records.items()}
    for sample, record in records.items():
        if record.ok:
            about = {"percentile": record.percentile, "model": record.model, "model_hash": record.model_hash}
            labels[sample] = fiftyone.Regression(value=record.score, **about)
            if record.regions is not None:
                maps[sample] = fiftyone.Heatmap(map=record.regions.votes, range=scale)
    return {field: labels, f"{field}_error": errors, f"{field}_regions": maps}


def _default_scorer() -> Scorer:
    from rgnet.scorer import load

    return load()
