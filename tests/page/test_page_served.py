"""The page served under a path, in a real browser, with a stand-in for the service."""

import pytest
from shoot import await_count, await_only, open_photo
from standin import Gallery, serving


@pytest.fixture(scope="module")
def service(report):
    with serving(Gallery(report.file.read_text(encoding="utf-8"))) as running:
        yield running


def test_it_asks_for_more_as_the_end_comes_near(visit, service):
    page = visit(service.address)
    await_count(page, "501 photos")
    for _ in range(100):
        page.keyboard.press("End")
        page.wait_for_timeout(20)
        if page.locator(".failed").count():
            break
    assert page.locator(".failed .reason").count() == 1
    assert [query["offset"] for query in service.gallery.queries] == ["0", "200", "400"]
    assert {path for path in service.gallery.asked if not path.startswith("/gallery/")} == set()


def test_it_opens_photos_and_sends_its_filters(visit, service):
    page = visit(service.address)
    page.fill("#text", "coffee")
    await_only(page, "coffee.jpg")
    with page.expect_response("**/v1/photos?*sort=taken*"):
        page.select_option("#sort", "taken desc")
    query = service.gallery.queries[-1]
    assert {"text": "coffee", "sort": "taken", "order": "desc", "errors": "1"}.items() <= query.items()
    assert "min" not in query and "folder" not in query
    open_photo(page, 0)
    page.locator("#graph").click()
    assert "Region in row" in page.locator("#region").text_content()


def test_an_address_that_is_gone_says_what_the_service_said(visit, service):
    refusal = "Failed to load resource: the server responded with a status of 404 (Not Found)"
    page = visit(service.address, excused=refusal)
    page.evaluate("location.hash = '#photo=gone'")
    page.wait_for_selector("#missing:not([hidden])")
    assert page.locator("#missing").text_content() == "The service answered 404: no such photo"
