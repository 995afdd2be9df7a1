"""Answers as JSON, and what OpenAPI says of them.

A record is written as `rgnet score --output rows.jsonl` writes it: one meaning, one text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from rgnet.results import COLUMNS
from rgnet.service.desk import Answer

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

SCHEMAS: dict[str, dict[str, Any]] = {
    "Record": {
        "type": "object",
        "description": "As rgnet score writes it; `path` is the name that was sent, and only text.",
        "properties": {name: KINDS.get(name, TEXT) for name in COLUMNS},
        "required": list(COLUMNS),
        "additionalProperties": False,
    },
    "Answer": {
        "type": "object",
        "properties": {"sha256": SHA256, "record": {"$ref": "#/components/schemas/Record"}},
        "required": ["sha256", "record"],
    },
    "Answers": {
        "type": "object",
        "description": "One answer a photo, in the order in which they were sent.",
        "properties": {
            "photos": {"type": "array", "items": {"$ref": "#/components/schemas/Answer"}, "minItems": 1}
        },
        "required": ["photos"],
        "additionalProperties": False,
    },
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


def told(answers: Sequence[Answer]) -> Response:
    """200 where a photo was scored, else what the first one's failure is."""
    photos = [{"sha256": answer.sha256, "record": answer.record.to_dict()} for answer in answers]
    status = 200 if any(answer.status == 200 for answer in answers) else answers[0].status
    return as_json({"photos": photos}, status)


def as_json(values: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """In the very characters of a JSON line."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False)
    return Response(text.encode("utf-8", "backslashreplace"), status, headers, "application/json")


def refusals(*statuses: int, also: str | None = None) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of these statuses; `also`: the schema that a 415 or 422 may have instead."""
    refusal = reference("Refusal")
    either = {"anyOf": [refusal, reference(also)]} if also else refusal
    return {
        status: described(REASONS[status], either if status in (415, 422) else refusal) for status in statuses
    }


def described(reason: str, schema: dict[str, Any], example: Any = None) -> dict[str, Any]:
    content = {"schema": schema} | ({"example": example} if example is not None else {})
    return {"description": reason, "content": {"application/json": content}}


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
