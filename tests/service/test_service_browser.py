"""The gallery and the API page in a real browser. Skipped, visibly, where Chromium or Playwright is missing."""

import pytest
from sample_photos import HOSTILE_NAME, noise

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")


@pytest.fixture
def tab(browser):
    """A browser's tab, with what it said on its console and what it asked for."""
    tab = browser.new_page()
    tab.set_default_timeout(60_000)
    tab.said, tab.asked = [], []
    tab.on("console", lambda message: tab.said.append(message.text))
    tab.on("pageerror", lambda error: tab.said.append(str(error)))
    tab.on("dialog", lambda dialog: (tab.said.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda request: tab.asked.append(request.url))
    yield tab
    tab.close()


def asked_elsewhere(tab, running) -> list[str]:
    return [url for url in tab.asked if not url.startswith((running.address + "/", "data:"))]


def test_a_library_is_looked_through_and_a_hostile_name_does_nothing(tab, running_gallery):
    tab.goto(running_gallery.address + "/")
    tab.wait_for_selector(".card img.loaded")
    scores = [
        float(text) for text in tab.locator(".card .caption b").all_text_contents() if text[0].isdigit()
    ]
    assert len(scores) == 8 and scores == sorted(scores, reverse=True)
    assert tab.locator(".failed").count() == 1
    assert HOSTILE_NAME in tab.locator(".card .caption span").all_text_contents()
    assert tab.locator("img[onerror]").count() == 0

    with tab.expect_response("**/v1/photos?*text=onerror*"):
        tab.fill("#text", "onerror")
    # Not by a function of the test's, which the page's Content-Security-Policy forbids to evaluate
    sync_api.expect(tab.locator(".card")).to_have_count(1)
    tab.locator(".card a").click()
    tab.wait_for_selector("#legend:not([hidden])")
    assert tab.locator("#photo #name").text_content() == HOSTILE_NAME
    tab.locator("#graph").click()
    assert "Region in row" in tab.locator("#region").text_content()
    tab.keyboard.press("Escape")  # deselects the region
    tab.keyboard.press("Escape")
    tab.wait_for_selector("#photo", state="hidden")

    assert tab.said == []
    assert asked_elsewhere(tab, running_gallery) == []


def test_a_photo_is_scored_from_the_api_page(tab, running_gallery):
    tab.goto(running_gallery.address + "/docs")
    tab.locator("#operations-scoring-score_v1_score_post .opblock-summary-control").click()
    tab.get_by_role("button", name="Try it out").click()
    photo = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": noise(1)}
    tab.locator(".opblock-section-request-body input[type=file]").set_input_files(photo)
    with tab.expect_response("**/v1/score*") as sent:
        tab.get_by_role("button", name="Execute").click()
    (scored,) = sent.value.json()["photos"]
    assert sent.value.status == 200 and scored["record"]["path"] == "a.jpg"
    tab.locator(".live-responses-table .response-col_status", has_text="200").wait_for()
    # Swagger UI says so of any file in a request
    assert set(tab.said) <= {"Could not find component: JsonSchema_string_binary"}
    assert asked_elsewhere(tab, running_gallery) == []
