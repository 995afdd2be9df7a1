"""Answers as JSON, and what OpenAPI says of them.

A record is written as `rgnet score --output rows.jsonl` writes it: one meaning, one text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from rgnet.explanation import Explanation
from rgnet.results import COLUMNS
from rgnet.service.inference import Answer

TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": ["number", "null"]}, {"type": ["integer", "null"]}
MAYBE_TEXT = {"type": ["string", "null"]}
SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "Of the bytes that were sent."}
KINDS = {
    "schema": {"type": "integer"},
    "score": NUMBER,
    "percentile": NUMBER,
    "probability": NUMBER,
    "width": WHOLE,
    "height": WHOLE,
    "label": MAYBE_TEXT,
    "error": MAYBE_TEXT,
    "notes": {"type": "array", "items": TEXT},
}
ROWS = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}


def named(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


def photos_of(answer: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": "One answer a photo, in the order in which they were sent.",
        "properties": {"photos": {"type": "array", "items": named(answer), "minItems": 1}},
        "required": ["photos"],
        "additionalProperties": False,
    }


ANSWER = {"sha256": SHA256, "record": named("Record")}
SCHEMAS: dict[str, dict[str, Any]] = {
    "Record": {
        "type": "object",
        "description": "As rgnet score writes it; `path` is the name that was sent, and only text.",
        "properties": {name: KINDS.get(name, TEXT) for name in COLUMNS},
        "required": list(COLUMNS),
        "additionalProperties": False,
    },
    "Answer": {"type": "object", "properties": ANSWER, "required": list(ANSWER)},
    "Answers": photos_of("Answer"),
    "Explanation": {
        "type": "object",
        "description": "Maps row by row from the top of the upright photo, which the grid spans whole.",
        "properties": {
            "regions": {
                "type": "object",
                "properties": {
                    "grid": {"type": "array", "items": {"type": "integer"}, "description": "Rows, columns."},
                    "votes": {**ROWS, "description": "Every region's score, on the model's scale."},
                    "weights": {**ROWS, "description": "Its weight in the photo's score; they sum to 1."},
                },
                "required": ["grid", "votes", "weights"],
            },
            "graph": {
                "type": ["object", "null"],
                "description": "For every region, row by row, its strongest neighbours in the graph.",
            },
            "what_if": {"type": ["object", "null"], "description": "What covering parts does to the score."},
        },
        "required": ["regions", "graph", "what_if"],
    },
    "ExplainedAnswer": {
        "type": "object",
        "properties": ANSWER | {"explanation": {"anyOf": [named("Explanation"), {"type": "null"}]}},
        "required": [*ANSWER, "explanation"],
    },
    "Explanations": photos_of("ExplainedAnswer"),
    "Models": {
        "type": "object",
        "properties": {"models": {"type": "array", "items": {"type": "object"}, "minItems": 1}},
        "required": ["models"],
    },
    "Photo": {
        "type": "object",
        "properties": {
            "id": TEXT,
            "path": TEXT,
            "score": NUMBER,
            "thumbnail": MAYBE_TEXT,
            "error": MAYBE_TEXT,
        },
        "required": ["id", "path", "score", "thumbnail", "error"],
    },
    "Photos": {
        "type": "object",
        "properties": {
            "photos": {"type": "array", "items": named("Photo")},
            "total": {"type": "integer", "description": "Photos that are asked for, on all pages."},
            "failed": {"type": "integer", "description": "How many of them have no score."},
            "about": {"type": "object", "description": "The model and its scale."},
        },
        "required": ["photos", "total", "failed", "about"],
    },
    "PhotoDetail": {
        "type": "object",
        "properties": {
            "photo": named("Photo"),
            "detail": {
                "type": ["object", "null"],
                "description": "Votes, weights in even shares, and packed edges of the photo's regions.",
            },
        },
        "required": ["photo", "detail"],
    },
    "Status": {"type": "object", "properties": {"status": TEXT}, "required": ["status"]},
    "Refusal": {
        "type": "object",
        "properties": {"error": TEXT},
        "required": ["error"],
        "additionalProperties": False,
    },
}

REASONS = {
    400: "A malformed form, or one without a photo.",
    401: "The service wants its token.",
    404: "There is no such photo.",
    408: "The body took too long to arrive.",
    413: "A photo or the request is too large, or holds too many photos.",
    415: "Not a photo of a type that rgnet reads.",
    421: "The service does not answer to this name.",
    422: "The photo cannot be scored, or a parameter makes no sense; `error` says why.",
    429: "Too much is waiting; Retry-After says when to come again.",
    503: "The catalogue cannot be read now.",
}

EXAMPLE = {
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


def told(answers: Sequence[Answer], *, explained: bool = False) -> Response:
    """200 where a photo was scored, else what the first one's failure is."""
    photos = [{"sha256": answer.sha256, "record": answer.record.to_dict()} for answer in answers]
    for photo, answer in zip(photos, answers, strict=True):
        if explained:
            photo["explanation"] = answer.explanation and why(answer.explanation)
    status = 200 if any(answer.status == 200 for answer in answers) else answers[0].status
    return as_json({"photos": photos}, status)


def why(explanation: Explanation) -> dict[str, Any]:
    """The explanation without the record, which stands beside it."""
    return {name: value for name, value in explanation.to_dict().items() if name not in COLUMNS}


def as_json(values: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """In the very characters of a JSON line."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False)
    return Response(text.encode("utf-8", "backslashreplace"), status, headers, "application/json")


def refusals(*statuses: int, also: str | None = None) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of these statuses; `also`: the schema that a 415 or 422 may have instead."""
    refusal = named("Refusal")
    either = {"anyOf": [refusal, named(also)]} if also else refusal
    return {
        status: described(REASONS[status], either if status in (415, 422) else refusal) for status in statuses
    }


def described(reason: str, schema: dict[str, Any], example: Any = None) -> dict[str, Any]:
    content = {"schema": schema} | ({"example": example} if example is not None else {})
    return {"description": reason, "content": {"application/json": content}}
