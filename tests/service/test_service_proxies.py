"""The service behind nginx and Caddy as deploy/ sets them up: what passes, what is refused, and by whom."""

import re

import pytest
from proxies import DEPLOY, in_front
from serving import shared_process

from rgnet.service.settings import Settings

LIMIT = {"nginx": {"512m;": "1m;"}, "caddy": {"512MiB": "1MiB"}}
LOWER = {"nginx": {"512m;": "100k;"}, "caddy": {"512MiB": "100KiB"}}
PATH = {
    "nginx": {"location / {": "location /rgnet/ {", "proxy_pass http://rgnet;": "proxy_pass http://rgnet/;"},
    "caddy": {"\thandle {": "\thandle_path /rgnet/* {"},
}


@pytest.fixture(scope="module")
def behind(tiny_model, library, tmp_path_factory):
    """A service that takes photos of 200 kB and three at a time, and has a gallery."""
    variables = {"RGNET_HOSTS": "photos.example.org", "RGNET_MAX_BYTES": "200000", "RGNET_MAX_WAITING": "3"}
    folder, words = tmp_path_factory.mktemp("behind"), ("--catalogue", library.catalogue)
    with shared_process(tiny_model, folder, *words, **variables) as running:
        yield running


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def client(request, behind, tmp_path_factory):
    """Of a proxy whose limit is 1 MiB."""
    program, folder = request.param, tmp_path_factory.mktemp(request.param) / "proxy"
    with in_front(program, behind.port, folder, changes=LIMIT[program]) as proxy, proxy.client() as client:
        yield client


def test_photos_pass_in_forms_and_in_pieces_and_answers_keep_their_headers(client, photo):
    form = client.post("/v1/score", files=[("files", ("a.jpg", photo(1))), ("files", ("b.jpg", photo(2)))])
    assert form.status_code == 200
    assert [one["record"]["path"] for one in form.json()["photos"]] == ["a.jpg", "b.jpg"]
    assert form.headers["strict-transport-security"] and form.headers["x-content-type-options"] == "nosniff"
    assert "default-src" in form.headers["content-security-policy"]
    pieces = (photo(1)[start : start + 100] for start in range(0, len(photo(1)), 100))
    body = client.post("/v1/score?name=c.jpg", content=pieces, headers={"Content-Type": "image/jpeg"})
    assert body.status_code == 200 and body.request.headers["transfer-encoding"] == "chunked"
    assert body.json()["photos"][0]["sha256"] == form.json()["photos"][0]["sha256"]


def test_a_refusal_of_the_service_passes_as_it_is(client, photo):
    large = client.post("/v1/score", content=bytes(300_000), headers={"Content-Type": "image/jpeg"})
    assert large.status_code == 413 and "the limit is 200000" in large.json()["error"]
    many = client.post("/v1/score", files=[("files", (f"{seed}.jpg", photo(seed))) for seed in range(4)])
    assert many.status_code == 429 and many.headers["retry-after"] == "2"
    assert "in flight already" in many.json()["error"]


@pytest.mark.parametrize("program", ["nginx", "caddy"])
def test_what_exceeds_the_limit_of_the_proxy_is_refused_as_json(program, behind, tmp_path):
    # Below the service's own limit: where that closes the connection first, the proxy's answer may be lost with it
    lower = {"changes": LOWER[program]}
    with in_front(program, behind.port, tmp_path / "proxy", **lower) as proxy, proxy.client() as client:
        body = client.post("/v1/score", content=bytes(150_000), headers={"Content-Type": "image/jpeg"})
    # Caddy 2.6 says 502 where it finds out while it passes the photo on
    assert body.status_code in (413, 502) and body.headers["content-type"] == "application/json"
    assert body.json()["error"]


def test_the_gallery_passes_and_nobody_marks_through_a_proxy_without_a_token(client, behind):
    import httpx

    page = client.get("/v1/photos").json()
    large = next(photo["id"] for photo in page["photos"] if photo["path"].endswith("large.jpg"))
    full = client.get(f"/v1/photos/{large}/full")
    direct = httpx.get(f"{behind.address}/v1/photos/{large}/full", headers={"Host": "photos.example.org"})
    assert full.status_code == 200 and full.content == direct.content
    assert not page["about"]["may_mark"]
    assert client.post("/v1/marks", json={"photos": [large], "stars": 1}).status_code == 403


def test_metrics_stay_inside_and_no_answer_leads_out_of_tls(client):
    assert client.get("/metrics").status_code == 404
    assert client.get("/readyz").status_code == 200
    assert client.get("/v1/models/").status_code == 404


@pytest.mark.parametrize("program", ["nginx", "caddy"])
def test_the_service_may_stand_under_a_path(program, behind, photo, tmp_path):
    below = {"changes": PATH[program], "path": "/rgnet"}
    with in_front(program, behind.port, tmp_path / "proxy", **below) as proxy, proxy.client() as client:
        assert client.get("/").status_code == 200
        found = client.get("/v1/photos").json()["photos"][0]
        assert client.get(f"/v1/photos/{found['id']}/thumbnail").headers["content-type"].startswith("image/")
        answer = client.post("/v1/score", content=photo(1), headers={"Content-Type": "image/jpeg"})
        assert answer.status_code == 200
        assert client.get("/openapi.json").json()["servers"] == [{"url": "."}]
        assert client.get("/metrics").status_code == 404


@pytest.mark.parametrize("program", ["nginx", "caddy"])
def test_a_service_that_is_gone_is_said_in_json(program, tmp_path):
    with in_front(program, 1, tmp_path / "proxy") as proxy, proxy.client() as client:
        answer = client.get("/v1/models")
        assert answer.status_code == 502 and answer.json()["error"]


def test_nginx_refuses_an_address_that_asks_too_often_as_the_service_would(behind, tmp_path):
    slow = {"rate=50r/s": "rate=1r/m", "burst=200": "burst=1"}
    with in_front("nginx", behind.port, tmp_path / "proxy", changes=slow) as proxy, proxy.client() as client:
        answers = [client.get("/healthz") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "try again in 2 s" in answers[2].json()["error"] and answers[2].headers["retry-after"] == "2"


def test_the_limits_of_the_examples_are_those_of_the_service():
    held = Settings().max_held
    assert (
        held
        == int(re.search(r"client_max_body_size (\d+)m;", (DEPLOY / "nginx.conf").read_text())[1]) * 2**20
    )
    assert held == int(re.search(r"max_size (\d+)MiB", (DEPLOY / "Caddyfile").read_text())[1]) * 2**20
