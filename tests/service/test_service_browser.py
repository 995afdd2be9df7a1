"""The gallery in a real browser, once. Skipped, visibly, where Chromium or Playwright is missing."""

import pytest
from noise import EVIL


@pytest.fixture
def tab(browser):
    """A browser's tab, with what it said on its console and what it asked for."""
    tab = browser.new_page()
    tab.set_default_timeout(15_000)
    tab.said, tab.asked = [], []
    tab.on("console", lambda message: tab.said.append(message.text))
    tab.on("pageerror", lambda error: tab.said.append(str(error)))
    tab.on("dialog", lambda dialog: (tab.said.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda request: tab.asked.append(request.url))
    yield tab
    tab.close()


def test_a_library_is_looked_through_and_a_hostile_name_does_nothing(tab, run_service, scanned):
    running = run_service("--catalogue", scanned.catalogue)
    tab.goto(running.address + "/")
    tab.wait_for_selector(".card img.there")
    scores = [
        float(text) for text in tab.locator(".card .caption b").all_text_contents() if text[0].isdigit()
    ]
    assert len(scores) == 8 and scores == sorted(scores, reverse=True)
    assert tab.locator(".failed").count() == 1
    assert EVIL in tab.locator(".card .caption span").all_text_contents()
    assert tab.locator("img[onerror]").count() == 0

    with tab.expect_response("**/v1/photos?*text=onerror*"):
        tab.fill("#text", "onerror")
    tab.wait_for_function("document.querySelectorAll('.card').length === 1")
    tab.locator(".card a").click()
    tab.wait_for_selector("#legend:not([hidden])")
    assert tab.locator("#photo #name").text_content() == EVIL
    tab.locator("#graph").click()
    assert "Region in row" in tab.locator("#region").text_content()
    tab.keyboard.press("Escape")  # lets go of the region
    tab.keyboard.press("Escape")
    tab.wait_for_selector("#photo", state="hidden")

    assert tab.said == []
    assert [url for url in tab.asked if not url.startswith((running.address + "/", "data:"))] == []
    assert running.told_to_stop() == 0
