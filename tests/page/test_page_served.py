"""The page served under a path, in a real browser, with a stand-in for the service."""

import pytest
from shoot import await_count, await_only, open_photo
from standin import Gallery, serving


@pytest.fixture(scope="module")
def service(report):
    with serving(Gallery(report.file.read_text(encoding="utf-8"))) as running:
        yield running


def test_all_photos_are_laid_out_at_once_and_those_are_asked_for_that_are_looked_at(visit, service):
    page = visit(service.address)
    await_count(page, "501 photos")
    height = page.evaluate("document.getElementById('grid').clientHeight")
    page.locator(".card a").first.focus()
    page.keyboard.press("End")
    page.wait_for_selector(".failed .reason")
    page.wait_for_selector("a:focus [class=reason]")
    assert [query["offset"] for query in service.gallery.queries] == ["0", "301"]
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    page.wait_for_selector("[data-index='250']:not(.waiting)")
    assert [query["offset"] for query in service.gallery.queries[2:]] == ["200"]
    assert page.evaluate("document.getElementById('grid').clientHeight") == height
    assert page.locator(".waiting").count() == 0
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
