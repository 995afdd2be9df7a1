"""Who may call the service, and what a client's words can and cannot do."""

import base64
import mimetypes
import re

import pytest

from rgnet.errors import SettingError
from rgnet.service.settings import read_settings, read_token

BINARY = {"content-type": "application/octet-stream"}
TOKEN = "a-token-of-some-length"


def test_without_the_token_only_health_is_answered(open_service, photo):
    def basic(password: str) -> str:
        return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()

    with open_service(token=TOKEN) as client:
        for word in (
            "",
            TOKEN,
            f"Bearer {TOKEN}x",
            "Bearer",
            f"Digest {TOKEN}",
            basic("wrong"),
            "Basic \xe9!",
            "Bearer é",
        ):
            headers = {"authorization": word.encode("latin-1")} if word else {}
            for address in ("/v1/models", "/metrics", "/", "/openapi.json", "/nowhere"):
                answer = client.get(address, headers=headers)
                assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
                assert "content-security-policy" in answer.headers and TOKEN not in answer.text
            assert client.post("/v1/score", content=photo(1), headers=BINARY | headers).status_code == 401
        for word in (f"Bearer {TOKEN}", f"bearer {TOKEN}", basic(TOKEN)):
            assert client.get("/v1/models", headers={"authorization": word}).status_code == 200
        assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


def test_the_token_is_compared_in_constant_time(open_service, monkeypatch):
    compared = []
    monkeypatch.setattr(
        "hmac.compare_digest", lambda one, other: compared.append((one, other)) or one == other
    )
    with open_service(token=TOKEN) as client:
        client.get("/v1/models", headers={"authorization": "Bearer guess"})
    assert compared == [(b"guess", TOKEN.encode())]


def test_a_token_comes_from_a_file_and_is_long_and_never_shown(tmp_path):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    settings = read_settings(token=read_token(file))
    assert settings.token.get_secret_value() == TOKEN
    assert TOKEN not in repr(settings) and TOKEN not in settings.model_dump_json()
    with pytest.raises(SettingError) as refused:
        read_settings(token="short")
    assert str(refused.value) == (
        "RGNET_TOKEN: expected at least 16 characters, found 5: make one with  openssl rand -hex 32"
    )
    with pytest.raises(SettingError, match=r"token file .*nowhere cannot be read"):
        read_token(tmp_path / "nowhere")


def test_a_page_elsewhere_that_takes_our_address_gets_nothing(open_service):
    with open_service() as client:
        for host in ("localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"):
            assert client.get("/v1/models", headers={"host": host}).status_code == 200
        for host in ("evil.example", "127.0.0.1.evil.example", "", "localhost.evil:8000"):
            assert client.get("/v1/models", headers={"host": host}).status_code == 421
    with open_service(hosts=("photos.example",)) as client:
        assert client.get("/v1/models", headers={"host": "photos.example"}).status_code == 200
        assert client.get("/v1/models").status_code == 421
        # A container's own health check calls it by its address
        assert client.get("/healthz").status_code == client.get("/readyz").status_code == 200


def test_a_page_of_another_site_cannot_post_photos(open_service, photo):
    cross_site = (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://localhost"},
    )
    own = (
        {},
        {"origin": "http://localhost"},
        {"origin": "https://localhost", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    )

    def status(client, headers: dict[str, str]) -> int:
        form = [("files", ("a.jpg", photo(1)))]
        return client.post("/v1/score", files=form, headers=headers).status_code

    with open_service(origins=("https://site.example",)) as client:
        assert [status(client, headers) for headers in cross_site] == [403] * 5
        assert [status(client, headers) for headers in own] == [200] * 4
        listed = {"origin": "https://site.example", "sec-fetch-site": "cross-site"}
        assert status(client, listed) == 200
        # Following a link from elsewhere is no harm
        assert client.get("/v1/models", headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_pages_of_other_sites_may_ask_only_where_they_are_named(open_service):
    asked = {"origin": "https://site.example", "access-control-request-method": "POST"}
    with open_service(origins=("https://site.example",), token=TOKEN) as client:
        answer = client.options("/v1/score", headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://site.example"
        other = client.options("/v1/score", headers=asked | {"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
    with open_service() as client:
        assert "access-control-allow-origin" not in client.options("/v1/score", headers=asked).headers


NAMES = (
    "<img src=x onerror=alert(1)>.jpg",
    "../../etc/passwd",
    "/etc/passwd",
    "http://localhost/x.jpg",
    "a\u202egpj.exe",
    "ünï/cödé 照片.jpg",
    "a'b;c`d$(e).jpg",
)


def test_a_name_is_text_and_nothing_is_opened_by_it(service, photo, monkeypatch):
    def no_opening(*_arguments, **_options):
        raise AssertionError("a file was opened")

    mimetypes.init()
    service.post(
        "/v1/score", content=photo(1), headers=BINARY
    )  # a network is made ready for photos of this shape
    monkeypatch.setattr("builtins.open", no_opening)
    monkeypatch.setattr("pathlib.Path.open", no_opening)
    for name in NAMES:
        form = service.post("/v1/score", files=[("files", (name, photo(1)))])
        bare = service.post("/v1/score", content=photo(1), headers=BINARY, params={"name": name})
        for answer in (form, bare):
            assert answer.status_code == 200 and answer.json()["photos"][0]["record"]["path"] == name
            assert answer.headers["content-type"] == "application/json"
        failed = service.post("/v1/score", files=[("files", (name, b"root:x:0:0"))])
        assert (
            failed.status_code == 415 and "it begins with b" in failed.json()["photos"][0]["record"]["error"]
        )


def test_a_name_that_is_not_text_becomes_escapes(service, photo):
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="caf\xe9.jpg"\r\n\r\n'
    content = head + photo(1) + b"\r\n--b--\r\n"
    answer = service.post(
        "/v1/score", content=content, headers={"content-type": "multipart/form-data; boundary=b"}
    )
    assert answer.json()["photos"][0]["record"]["path"] == "caf\\xe9.jpg"


@pytest.mark.parametrize(
    "address", ["/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/page.js/../../x", "//etc/passwd"]
)
def test_no_address_leads_to_a_file(service, address):
    answer = service.get(address)
    assert answer.status_code == 404 and re.fullmatch(r'\{"error": ".*"\}', answer.text)


def test_settings_come_from_the_environment_and_must_make_sense(monkeypatch):
    environment = {
        "RGNET_MAX_FILES": "3",
        "RGNET_HOSTS": "a.example, NAS.Example",
        "RGNET_ORIGINS": "https://Photos.example/",
        "RGNET_RECEIVE_S": "1.5",
        "RGNET_THREADS": "7",
        "RGNET_TOKEN": "",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = read_settings(threads=2, model=None)
    assert (settings.max_files, settings.receive_s, settings.threads) == (3, 1.5, 2)
    assert settings.hosts == ("a.example", "nas.example") and settings.token is None
    assert settings.origins == ("https://photos.example",), "as a browser sends it"
    for value, error in (
        ("5MB", "RGNET_MAX_BYTES: expected a whole number, found '5MB'"),
        ("0", "RGNET_MAX_BYTES: expected more than 0, found '0'"),
        ("1.5", "RGNET_MAX_BYTES: expected a whole number, found '1.5'"),
    ):
        monkeypatch.setenv("RGNET_MAX_BYTES", value)
        with pytest.raises(SettingError) as refused:
            read_settings()
        assert str(refused.value) == error
    monkeypatch.delenv("RGNET_MAX_BYTES")
    for name, value, error in (
        ("max_files", 0, "RGNET_MAX_FILES: expected more than 0, found 0"),
        ("decode_s", float("inf"), "RGNET_DECODE_S: expected a finite number, found inf"),
        ("max_file", 3, "RGNET_MAX_FILE: there is no such setting"),
    ):
        with pytest.raises(SettingError) as refused:
            read_settings(**{name: value})
        assert str(refused.value) == error
