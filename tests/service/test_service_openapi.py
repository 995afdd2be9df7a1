"""Requests that nobody would write, generated from the OpenAPI document, against a service in a process of its own."""

import pytest
import requests

EXAMPLES = 12


@pytest.fixture(scope="module")
def openapi(running_gallery):
    schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis")
    return schemathesis.openapi.from_url(f"{running_gallery.address}/openapi.json")


def test_no_generated_request_is_answered_otherwise_than_documented(openapi):
    from hypothesis import HealthCheck, given, seed, settings
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    # Whether random bytes are a photo is not the document's to say: 200, 415 and 422 are all as documented
    sensible = [status_code_conformance, content_type_conformance, response_schema_conformance]
    sent = []

    def send(operation, mode, checks) -> None:
        @seed(1)
        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def run(case):
            answer = case.call(session=session, timeout=60)
            sent.append((operation.label, answer.status_code))
            case.validate_response(answer, checks=[not_a_server_error, *checks])

        run()

    operations = [found.ok() for found in openapi.get_all_operations()]
    # Opens a program of the system's
    operations = [one for one in operations if one.label != "POST /v1/photos/{id}/open"]
    with requests.Session() as session:
        for operation in operations:
            send(operation, GenerationMode.POSITIVE, sensible)
            if operation.query or operation.path_parameters or operation.body:
                send(operation, GenerationMode.NEGATIVE, [])
    assert len(operations) == 22 and {label for label, _ in sent} == {one.label for one in operations}
    assert max(status for _, status in sent) < 500 and len(sent) > 100


@pytest.mark.parametrize("route", ["/v1/score", "/v1/explain", "/v1/crop?ratio=4:5"])
def test_a_good_photos_response_is_as_documented(openapi, photo, route):
    operation = openapi[route.partition("?")[0]]["POST"]
    address = openapi.get_base_url().rstrip("/") + route
    for data in (photo(1), photo(1)[:500], b"text"):
        operation.validate_response(requests.post(address, files={"files": ("a.jpg", data)}, timeout=60))
