"""What every route takes and responds."""

import hashlib
import json
import re

import pytest
from typer.testing import CliRunner

import rgnet
from rgnet import cli
from rgnet.culling.crops import find_crop
from rgnet.results import COLUMNS
from rgnet.service import schemas


def score_lines(tiny_model, folder, monkeypatch, *words: str) -> list[str]:
    """What `rgnet score` writes of these photos in the folder."""
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(cli.app, ["score", *words, "-m", str(tiny_model), "-o", "rows.jsonl"])
    assert done.exit_code in (0, 3), done.output
    return (folder / "rows.jsonl").read_text().splitlines()


def test_a_photos_response_is_its_line_of_rgnet_score_and_its_hash(
    service, photo, tiny_model, tmp_path, monkeypatch
):
    data = {f"{seed}.png": photo(seed, format="PNG") for seed in range(3)}
    data["broken.jpg"] = b"\xff\xd8\xff\xe0 not a photo"
    for name, content in data.items():
        (tmp_path / name).write_bytes(content)
    lines = score_lines(tiny_model, tmp_path, monkeypatch, *data)

    answer = service.post("/v1/score", files=[("files", pair) for pair in data.items()])
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    photos = answer.json()["photos"]
    assert len(photos) == len(lines) == 4
    for one, line, content in zip(photos, lines, data.values(), strict=True):
        assert one["sha256"] == hashlib.sha256(content).hexdigest()
        record, row = one["record"], json.loads(line)
        assert list(record) == list(row)
        assert record.pop("score") == pytest.approx(row.pop("score"), abs=1e-5)
        assert record.pop("percentile") == pytest.approx(row.pop("percentile"), abs=1e-3)
        assert record == row
    # Alone it goes through the network as there: then even the characters are the same
    alone = service.post("/v1/score", content=data["0.png"], headers=PNG, params={"name": "0.png"})
    (line,) = score_lines(tiny_model, tmp_path, monkeypatch, "0.png", "--threads", "1")
    assert f'"record": {line}}}' in alone.text


PNG = {"content-type": "image/png"}
BINARY = {"content-type": "application/octet-stream"}


def test_one_photo_as_the_body(service, photo):
    for headers in (PNG, BINARY):
        answer = service.post("/v1/score", content=photo(1, format="PNG"), headers=headers)
        (one,) = answer.json()["photos"]
        assert answer.status_code == 200 and one["record"]["path"] == "<bytes>"
        assert (one["record"]["width"], one["record"]["height"]) == (80, 60)
    chunked = service.post("/v1/score", content=iter([photo(1)[:100], photo(1)[100:]]), headers=BINARY)
    assert chunked.json()["photos"][0]["sha256"] == hashlib.sha256(photo(1)).hexdigest()


def test_a_photo_without_a_score_says_why_by_its_status_too(service, photo):
    def status(*contents: bytes) -> int:
        answer = service.post(
            "/v1/score", files=[("files", (f"{i}.x", data)) for i, data in enumerate(contents)]
        )
        assert [one["record"]["path"] for one in answer.json()["photos"]] == [
            f"{i}.x" for i in range(len(contents))
        ]
        return answer.status_code

    text, damaged, empty = b"just a text", photo(1)[:500], b""
    assert status(text) == 415
    assert status(damaged) == status(empty) == 422
    assert status(text, damaged) == 415 and status(damaged, text) == 422
    assert status(text, damaged, photo(1)) == 200
    answer = service.post("/v1/score", content=damaged, headers=BINARY, params={"name": "beach.jpg"})
    assert answer.json()["photos"][0]["record"]["error"] == (
        "this JPEG file is damaged and ends in the middle of the picture: copy it again from its source"
    )


@pytest.mark.parametrize(
    ("headers", "content", "status", "reason"),
    [
        ({"content-type": "text/html"}, b"x", 415, "found text/html"),
        ({}, b"x", 415, "found none"),
        ({"content-type": "multipart/form-data"}, b"x", 400, "no boundary"),
        ({"content-type": "multipart/form-data; boundary=b"}, b"nonsense", 400, "malformed"),
        ({"content-type": "multipart/form-data; boundary=b"}, b"--b--\r\n", 400, "no photo"),
        ({"content-type": "multipart/form-data; boundary=" + 300 * "b"}, b"x", 400, "malformed"),
        (
            {"content-type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\nhalf a pho',
            400,
            "ends early",
        ),
        (
            {"content-type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="photo"\r\n\r\nx\r\n--b--\r\n',
            400,
            "no photo in its field 'files'",
        ),
        (
            {"content-type": "multipart/form-data; boundary=b"},
            b"--b\r\nX: " + 9000 * b"x" + b"\r\n\r\nx\r\n--b--\r\n",
            400,
            "malformed",
        ),
    ],
)
def test_bodies_that_hold_no_photo(service, headers, content, status, reason):
    answer = service.post("/v1/score", content=content, headers=headers)
    assert answer.status_code == status and reason in answer.json()["error"]


def test_an_explanation_stands_beside_the_record_of_the_score(service, photo):
    files = [("files", ("a.jpg", photo(1))), ("files", ("b.jpg", b"text"))]
    answer = service.post("/v1/explain", files=files, params={"what_if": 2})
    good, bad = answer.json()["photos"]
    assert answer.status_code == 200 and bad["explanation"] is None and bad["record"]["error"]
    (scored, _) = service.post("/v1/score", files=files).json()["photos"]
    assert good["sha256"] == scored["sha256"]
    # The network with its stages among the outputs is compiled apart: in bf16 it rounds elsewhere
    assert good["record"]["score"] == pytest.approx(scored["record"]["score"], abs=2e-2)
    regions = good["explanation"]["regions"]
    rows, columns = regions["grid"]
    assert len(regions["votes"]) == rows and all(len(row) == columns for row in regions["votes"])
    assert sum(map(sum, regions["weights"])) == pytest.approx(1, abs=1e-4)
    assert len(good["explanation"]["graph"]["neighbours"]) == rows * columns
    assert good["explanation"]["what_if"] is not None
    assert service.post("/v1/explain", files=files, params={"what_if": 99}).status_code == 422


def test_a_crop_is_that_of_the_command_beside_the_record_of_the_score(service, photo, tiny_model, tmp_path):
    (tmp_path / "a.png").write_bytes(photo(1, format="PNG"))
    found = find_crop(str(tmp_path / "a.png"), rgnet.load(tiny_model, threads=1), 16 / 9, size=0.8)
    files = [("files", ("a.png", (tmp_path / "a.png").read_bytes())), ("files", ("b", b"text"))]
    good, bad = service.post("/v1/crop?ratio=16:9&size=0.8", files=files).json()["photos"]
    crop = good["crop"]
    assert tuple(crop["best"][side] for side in ("left", "top", "right", "bottom")) == found.pixels
    assert crop["best"]["score"] == pytest.approx(found.best.score, abs=1e-4)
    assert len(crop["others"]) == len(found.others) and crop["is_clear"] is found.is_clear
    assert good["record"]["score"] == pytest.approx(found.photo.score, abs=1e-4)
    assert good["sha256"] == hashlib.sha256(files[0][1][1]).hexdigest()
    assert bad["crop"] is None and "no photo of a format" in bad["record"]["error"]


@pytest.mark.parametrize("query", ["", "?ratio=wide", "?ratio=1:99", "?ratio=1:1&size=0.1"])
def test_a_crop_that_makes_no_sense_is_refused(service, photo, query):
    answer = service.post(f"/v1/crop{query}", content=photo(1), headers=BINARY)
    assert answer.status_code == 422 and answer.json()["error"]


@pytest.mark.parametrize("size", [(1, 1), (900, 2), (3, 40)])
def test_a_photo_with_hardly_a_pixel_has_a_crop_or_a_reason(service, photo, size):
    answer = service.post("/v1/crop?ratio=10:1", content=photo(1, size=size), headers=BINARY)
    (found,) = answer.json()["photos"]
    assert answer.status_code == (200 if found["crop"] else 422)


def test_the_model_is_described_without_its_place_on_disk(service, tiny_model, tiny_file):
    answer = service.get("/v1/models")
    (model,) = answer.json()["models"]
    assert model["name"] == "tiny-score" and model["hash"] == tiny_file.card.short_hash
    assert model["scale"]["low"] == 1 and "licence" in model
    assert str(tiny_model.parent) not in answer.text


def test_health_and_metrics(service, photo):
    assert service.get("/healthz").json() == {"status": "ok"}
    assert service.get("/readyz").json() == {"status": "ready"}
    before = read_metrics(service)
    service.post("/v1/score", files=[("files", ("a", photo(1))), ("files", ("b", b"text"))])
    service.get("/no/such/route")
    service.request("BREW", "/healthz")
    after = read_metrics(service)
    score = 'rgnet_requests_total{method="POST",route="/v1/score",status="200"}'
    assert after[score] == before.get(score, 0) + 1
    assert (
        after['rgnet_photos_total{outcome="failed"}']
        == before.get('rgnet_photos_total{outcome="failed"}', 0) + 1
    )
    assert after['rgnet_requests_total{method="GET",route="none",status="404"}'] >= 1
    assert after['rgnet_requests_total{method="other",route="/healthz",status="405"}'] == 1
    assert after["rgnet_photos_waiting"] == after["rgnet_bytes_held"] == 0


def read_metrics(service) -> dict[str, float]:
    lines = service.get("/metrics").text.splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
    }


GET_ROUTES = (
    "/docs",
    "/docs/start.js",
    "/docs/swagger-ui.css",
    "/docs/swagger-ui-bundle.js",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/v1/models",
)


def test_every_response_forbids_to_load_from_elsewhere(service):
    for address in ("/redoc", "/", "/nowhere", *GET_ROUTES):
        answer = service.get(address)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in answer.headers
        assert address.endswith(".js") or "cdn" not in answer.text
    assert service.get("/redoc").status_code == 404
    assert service.get("/").status_code == 404 and "--catalogue FILE" in service.get("/").json()["error"]


def test_the_api_page_comes_from_this_service_alone(service):
    html = service.get("/docs")
    assert html.status_code == 200 and html.headers["content-type"] == "text/html; charset=utf-8"
    linked = re.findall(r'(?:src|href)="([^"]*)"', html.text)
    assert linked == ["data:,", "docs/swagger-ui.css", "docs/swagger-ui-bundle.js", "docs/start.js"]
    for address, kind in zip(linked[1:], ("text/css", "text/javascript", "text/javascript"), strict=True):
        answer = service.get("/" + address)
        assert answer.status_code == 200 and answer.headers["content-type"].startswith(kind)
        again = service.get("/" + address, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304 and not again.content


@pytest.mark.parametrize("address", GET_ROUTES)
def test_head_is_get_without_a_body(service, address):
    get, head = service.get(address), service.head(address)
    assert head.status_code == get.status_code == 200 and not head.content
    same = set(get.headers) if address != "/metrics" else set(get.headers) - {"content-length"}
    assert {name: head.headers[name] for name in same} == {name: get.headers[name] for name in same}
    # The framework's own route of the document has no name
    route = "none" if address == "/openapi.json" else address
    counted = f'rgnet_requests_total{{method="HEAD",route="{route}",status="200"}}'
    assert read_metrics(service)[counted] >= 1
    assert service.head("/v1/score").status_code == 405 and service.head("/nowhere").status_code == 404


def test_openapi_describes_every_route_with_an_example(service):
    schema = service.get("/openapi.json").json()
    assert {"/v1/score", "/v1/explain", "/v1/crop", "/v1/models", "/healthz", "/readyz", "/metrics"} == set(
        schema["paths"]
    )
    score = schema["paths"]["/v1/score"]["post"]
    assert set(score["requestBody"]["content"]) == {
        "multipart/form-data",
        "application/octet-stream",
        "image/*",
    }
    assert score["responses"]["200"]["content"]["application/json"]["example"]["photos"]
    assert {"400", "401", "403", "408", "413", "415", "422", "429"} <= set(score["responses"])
    good = score["responses"]["200"]["content"]["application/json"]["schema"]
    assert good == {"$ref": "#/components/schemas/PhotoScores"}


def test_a_record_of_the_service_has_the_columns_of_every_other():
    fields = schemas.PhotoRecord.model_fields
    assert tuple(field.alias or name for name, field in fields.items()) == COLUMNS


def test_openapi_says_how_to_send_the_token(open_service, service):
    assert "securitySchemes" not in service.get("/openapi.json").json()["components"]
    token = "a-token-of-some-length"
    with open_service(token=token) as client:
        schema = client.get("/openapi.json", headers={"authorization": f"Bearer {token}"}).json()
    assert schema["components"]["securitySchemes"] == {"HTTPBearer": {"type": "http", "scheme": "bearer"}}
    assert schema["paths"]["/v1/score"]["post"]["security"] == [{"HTTPBearer": []}]
    assert "security" not in schema["paths"]["/healthz"]["get"]


def test_a_failure_of_ours_is_reported_without_detail_and_costs_one_batch(open_service, photo, monkeypatch):
    with open_service() as client:
        scorer = client.app.state.inference.scorer
        monkeypatch.setattr(scorer.engine, "run", lambda _pixels: 1 / 0)
        answer = client.post("/v1/score", content=photo(1), headers=BINARY)
        assert answer.status_code == 500 and answer.json() == {
            "error": "internal error: see the log of the service"
        }
        assert "content-security-policy" in answer.headers
        monkeypatch.undo()
        assert client.post("/v1/score", content=photo(1), headers=BINARY).status_code == 200
