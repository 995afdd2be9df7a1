"""Difficult files, all of them, and requests that nobody would write: no answer is the service's own failure."""

import pytest


def test_every_difficult_file_is_scored_or_refused_with_a_reason(service, shared):
    hard = shared / "photos" / "hard"
    if not hard.is_dir():
        pytest.skip(f"there is no {hard}")
    files = [
        path
        for folder in ("good", "odd", "bad")
        for path in sorted((hard / folder).rglob("*"))
        if path.is_file()
    ]
    assert len(files) > 200
    for path in files:
        answer = service.post("/v1/score", files=[("files", (path.name, path.read_bytes()))])
        (one,) = answer.json()["photos"]
        assert answer.status_code in (200, 415, 422), path
        assert (answer.status_code == 200) == (one["record"]["error"] is None), path
        assert answer.status_code == 200 or not path.is_relative_to(hard / "good"), path
        assert answer.status_code != 200 or not path.is_relative_to(hard / "bad"), path
    assert "rgnet_decoders_lost_total 0.0" in service.get("/metrics").text


def test_the_described_interface_holds_for_requests_made_up_from_it(open_service, tmp_path, scanned):
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, settings

    with open_service(catalogue=scanned) as client:
        schema = schemathesis.openapi.from_asgi("/openapi.json", client.app, base_url="http://localhost")
        asked = []

        @schema.parametrize()
        @settings(
            max_examples=15,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def run(case):
            answer = case.call(session=client)
            asked.append(answer.status_code)
            case.validate_response(answer)

        run()
    assert len(asked) > 50 and max(asked) < 500
