"""The gallery and the API page in a real browser. Skipped, visibly, where Chromium or Playwright is missing."""

import json
from pathlib import Path

import pytest
from accessibility import serious_problems
from sample_photos import HOSTILE_NAME, noise

from rgnet.catalogue.database import Catalogue
from rgnet.xmp.packet import Packet

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
    assert HOSTILE_NAME in tab.locator(".card .caption .name").all_text_contents()
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

    # The best crop is a frame over the photo, in words for who does not see it, and as a file
    tab.keyboard.press("k")
    tab.wait_for_selector("#crop-frame:not([hidden])")
    assert "from the left" in tab.locator("#crop-said").text_content()
    frame, photo = (tab.locator(f"#{id}").bounding_box() for id in ("crop-frame", "picture"))
    assert frame["width"] / frame["height"] == pytest.approx(16 / 9, rel=0.03)
    assert frame["x"] >= photo["x"] - 1 and frame["width"] <= photo["width"] + 1
    assert serious_problems(tab) == []
    with tab.expect_download() as download:
        tab.click("#crop-download")
    found = json.loads(Path(download.value.path()).read_text())
    assert found["ratio"] == "16:9" and found["right"] - found["left"] > found["bottom"] - found["top"] > 0
    tab.keyboard.press("k")
    sync_api.expect(tab.locator("#crop-frame")).to_be_hidden()
    tab.keyboard.press("Escape")
    tab.wait_for_selector("#photo", state="hidden")

    assert tab.said == []
    assert asked_elsewhere(tab, running_gallery) == []


def click(tab, selector, *, by_touch: bool) -> None:
    (tab.locator(selector).tap if by_touch else tab.locator(selector).click)()


@pytest.fixture
def unmarked(library):
    """Without marks and sidecars, also afterwards, whatever the test came to."""

    def clear():
        with Catalogue.open(library.catalogue) as catalogue:
            catalogue.execute("DELETE FROM mark")
            catalogue.execute("DELETE FROM mark_history")
            catalogue.execute("DELETE FROM preference")
            # What a scan with --features keeps
            catalogue.execute(
                "INSERT OR IGNORE INTO feature SELECT photo, model, x'0000' FROM score WHERE score IS NOT NULL"
            )
        for written in library.folder.rglob("*.xmp"):
            written.unlink()

    clear()
    yield library
    clear()


@pytest.mark.parametrize(
    ("size", "scheme", "by_touch"),
    [((1280, 800), "light", False), ((390, 844), "dark", True)],
    ids=["desk", "phone"],
)
def test_photos_are_picked_compared_written_and_undone(
    browser, running_gallery, unmarked, size, scheme, by_touch
):
    pytest.importorskip("lxml", reason="needs lxml")
    viewport = {"width": size[0], "height": size[1]}
    context = browser.new_context(viewport=viewport, color_scheme=scheme, has_touch=by_touch)
    tab, said = context.new_page(), []
    tab.set_default_timeout(60_000)
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(running_gallery.address + "/")
    tab.wait_for_selector(".card img.loaded")

    # By keys: pick, three stars, and the next one rejected and red
    tab.locator(".card a").first.focus()
    tab.keyboard.press("Shift+P")
    tab.wait_for_selector("[data-index='0'] .badge.picked")
    tab.keyboard.press("x")
    tab.wait_for_selector("[data-index='1'] .badge.rejected")
    tab.keyboard.press("6")
    sync_api.expect(tab.locator("#said")).to_contain_text("rejected, red")
    assert tab.locator("[data-index='1'] .badge .red").count() == 1
    # By the pointer: select two, stars for both
    click(tab, "#select", by_touch=by_touch)
    for index in (0, 2):
        click(tab, f"[data-index='{index}'] a", by_touch=by_touch)
    click(tab, "[data-stars='3']", by_touch=by_touch)
    tab.wait_for_selector("[data-index='2'] .badge .stars")
    assert "picked, 3 stars" in tab.locator("[data-index='0'] a").get_attribute("aria-label")
    assert serious_problems(tab) == []

    # Side by side, and both grow alike
    tab.keyboard.press("c")
    tab.wait_for_selector("#compare .cell.active")
    widths = "Array.from(document.querySelectorAll('.cell img'), (image) => image.clientWidth)"
    whole = tab.evaluate(widths)
    tab.keyboard.press("+")
    assert tab.evaluate(widths) == pytest.approx([1.5 * width for width in whole], abs=2)
    assert serious_problems(tab) == []
    tab.keyboard.press("Escape")
    tab.wait_for_selector("#compare", state="hidden")

    # Which of two is better: by key, then equal by the pointer
    click(tab, "#pairs-button", by_touch=by_touch)
    tab.wait_for_selector("#pair-right img")
    assert serious_problems(tab) == []
    tab.keyboard.press("ArrowLeft")
    sync_api.expect(tab.locator("#pair-count")).to_have_text("1 pair answered")
    click(tab, "#pair-equal", by_touch=by_touch)
    sync_api.expect(tab.locator("#pair-count")).to_have_text("2 pairs answered")
    tab.keyboard.press("Escape")
    tab.wait_for_selector("#pairs", state="hidden")

    # One photo, which Enter opens while a click selects, then the filters and the help
    tab.locator("[data-index='0'] a").press("Enter")
    tab.wait_for_selector("#legend:not([hidden])")
    assert serious_problems(tab) == []
    tab.keyboard.press("Escape")
    tab.wait_for_selector("#photo", state="hidden")
    click(tab, "#select", by_touch=by_touch)
    for key, opened in (("f", "#filters"), ("?", "#help")):
        tab.keyboard.press(key)
        tab.wait_for_selector(opened)
        assert serious_problems(tab) == []
        tab.keyboard.press("Escape")
        tab.wait_for_selector(opened, state="hidden")

    # Written only after it was shown
    path = tab.locator("[data-index='0'] .name").text_content()
    sidecar = next(unmarked.folder.rglob(path)).with_name(f"{path}.xmp")
    click(tab, "#xmp", by_touch=by_touch)
    tab.wait_for_selector("#sidecar-rows tr")
    assert "2 sidecars would change" in tab.locator("#sidecar-count").text_content()
    assert not sidecar.exists() and serious_problems(tab) == []
    click(tab, "#write", by_touch=by_touch)
    sync_api.expect(tab.locator("#sidecar-count")).to_contain_text("2 sidecars written")
    assert Packet(sidecar.read_bytes(), "x").rating == 3
    tab.keyboard.press("Escape")

    # Filtered, then everything undone
    tab.wait_for_selector("#sidecars", state="hidden")
    click(tab, "#filter", by_touch=by_touch)
    tab.select_option("#marks", "picked")
    sync_api.expect(tab.locator(".card")).to_have_count(1)
    tab.locator(".card a").focus()
    for _ in range(4):
        tab.keyboard.press("z")
    sync_api.expect(tab.locator("#said")).to_contain_text("Undone")
    tab.select_option("#marks", "unmarked")
    sync_api.expect(tab.locator(".card")).to_have_count(9)
    # Nothing to list, and only what cannot be shown
    tab.fill("#text", "no such photo")
    tab.wait_for_selector("#none:not([hidden])")
    assert serious_problems(tab) == []
    tab.fill("#text", "broken")
    sync_api.expect(tab.locator(".card")).to_have_count(1)
    assert serious_problems(tab) == []
    tab.locator(".card a").press("Enter")
    tab.wait_for_selector("#missing:not([hidden])")
    assert serious_problems(tab) == []
    assert said == []
    context.close()


def test_groups_are_opened_marked_and_compared(tab, running_gallery, unmarked, look_alikes):
    tab.emulate_media(color_scheme="dark")
    tab.goto(running_gallery.address + "/")
    tab.wait_for_selector(".card img.loaded")
    tab.keyboard.press("g")
    cards = tab.locator(".card")
    sync_api.expect(cards).to_have_count(5)
    bracket = tab.locator(".card", has_text="bracket of 3 · kept whole")
    burst = tab.locator(".card", has_text="of 3 · ").filter(has_not_text="kept whole")
    assert serious_problems(tab) == []

    # A member is marked as itself, a bracket as the one picture that it is
    burst.locator("a").focus()
    tab.keyboard.press("s")
    sync_api.expect(cards).to_have_count(7)
    assert serious_problems(tab) == []
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("p")
    sync_api.expect(tab.locator(".card.open .badge.picked")).to_have_count(1)
    tab.keyboard.press("s")
    sync_api.expect(cards).to_have_count(5)
    assert "of 3" in tab.locator(".card a:focus").text_content() and not burst.locator(".badge").count()
    bracket.locator("a").focus()
    tab.keyboard.press("4")
    sync_api.expect(tab.locator("#said")).to_have_text("Marked 3 photos")
    bracket.locator(".stack").click()
    sync_api.expect(tab.locator(".card.open .badge .stars")).to_have_count(3)

    # The frames of a group side by side
    burst.locator("a").first.focus()
    tab.keyboard.press("c")
    sync_api.expect(tab.locator("#compare .cell")).to_have_count(3)
    assert serious_problems(tab) == []
    tab.keyboard.press("Escape")
    tab.wait_for_selector("#compare", state="hidden")
    sync_api.expect(cards).to_have_count(9)
    tab.keyboard.press("z")
    tab.keyboard.press("z")
    sync_api.expect(tab.locator(".badge")).to_have_count(0)
    assert tab.said == []


def test_what_if_is_asked_for_by_a_key_shown_and_said(tab, running_gallery):
    tab.goto(running_gallery.address + "/")
    tab.locator("[data-index='0'] a").press("Enter")
    tab.wait_for_selector("#legend:not([hidden])")
    tab.keyboard.press("w")
    sync_api.expect(tab.locator("#layer-help")).to_contain_text("Blue parts lift the score", timeout=60_000)
    assert tab.locator("#layer-help").get_attribute("role") == "status"
    assert "points of the score" in tab.locator("#unit").text_content()
    tab.locator("#graph").focus()
    tab.keyboard.press("Enter")
    sync_api.expect(tab.locator("#region")).to_contain_text("of 7")
    assert serious_problems(tab) == []
    tab.keyboard.press("Escape")
    tab.keyboard.press("w")
    sync_api.expect(tab.locator("#layer-help")).to_contain_text("Votes")
    tab.locator(".panel").focus()
    first = tab.locator("#name").text_content()
    tab.keyboard.press("ArrowRight")
    sync_api.expect(tab.locator("#name")).not_to_have_text(first)
    with tab.expect_request("**/what-if"):
        tab.keyboard.press("w")
    assert tab.said == []


def test_quick_marks_are_all_made_in_the_order_of_the_keys(tab, running_gallery, unmarked):
    held, asked = [], []

    def hold_first(route):
        asked.append(
            {name: value for name, value in route.request.post_data_json.items() if name != "photos"}
        )
        held.append(route) if not held else route.continue_()

    tab.route("**/v1/marks", hold_first)
    tab.goto(running_gallery.address + "/")
    tab.locator(".card a").first.focus()
    with tab.expect_request("**/v1/marks"):
        tab.keyboard.press("p")
    for key in ("x", "6", "6", "4"):
        tab.keyboard.press(key)
    assert asked == [{"pick": "picked"}]
    held[0].continue_()
    sync_api.expect(tab.locator("#said")).to_contain_text("rejected, 4 stars")
    assert asked[1:] == [{"pick": "rejected"}, {"colour": "red"}, {"colour": None}, {"stars": 4}]


def test_marks_are_made_by_the_bar_without_a_pointer(tab, running_gallery, unmarked):
    tab.goto(running_gallery.address + "/")
    tab.locator(".card a").first.focus()
    tab.keyboard.press("ArrowRight")
    for _ in range(20):
        tab.keyboard.press("Tab")
        if tab.locator("[data-colour='purple']:focus").count():
            break
    tab.keyboard.press("Enter")
    tab.wait_for_selector("[data-index='1'] .badge .purple")
    tab.locator("#text").focus()
    assert tab.locator("[data-colour='purple']").is_disabled()
    assert tab.said == []


def test_a_listing_by_marks_leaves_out_no_photo_when_marks_change(tab, running_gallery, unmarked):
    tab.set_viewport_size({"width": 390, "height": 150})
    tab.route("**/v1/photos?*limit=200", lambda route: route.continue_(url=route.request.url[:-3] + "8"))
    tab.goto(running_gallery.address + "/")
    tab.wait_for_selector(".card")
    tab.keyboard.press("f")
    with tab.expect_response("**/v1/photos?*marks=unmarked*offset=0*"):
        tab.select_option("#marks", "unmarked")
    tab.keyboard.press("Escape")
    tab.locator(".card a").first.focus()
    tab.keyboard.press("Shift+P")
    # The next card comes into view with the second mark, or with the end of the page
    with tab.expect_response("**/v1/photos?*offset=6*"):
        tab.keyboard.press("Shift+X")
        tab.keyboard.press("End")
    # Eight were there at first, and two of them match no more: the ninth is the last one
    tab.wait_for_selector("[data-index='8']:not(.waiting)", state="attached")
    assert tab.said == []


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
