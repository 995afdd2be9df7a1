"""The grid of a report in a real browser: orders, filters, keys, and what cannot be shown."""

import re
from pathlib import Path

import pytest
from shoot import (
    COUNT,
    ENDING,
    EVIL,
    PHONE,
    TAGGED,
    await_count,
    await_only,
    await_photo,
    headings,
    names,
    open_photo,
    scores,
)

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.queries import find_failed
from rgnet.catalogue.selects import Filter


def read_errors(report, truth) -> list[str]:
    with Catalogue.open(report.catalogue) as catalogue:
        wanted = Filter(model=truth.ranked[0].model_hash)
        return [row.record.error for row in find_failed(catalogue, wanted)]


@pytest.fixture
def page(visit, report):
    return visit(report.file.as_uri())


def test_it_opens_best_first_and_holds_few_cards_at_a_time(page, truth):
    assert page.title() == "wedding"
    assert re.fullmatch(r"501 photos\W+500 with a score", page.locator("#count").text_content())
    found = names(page)
    assert found == [Path(record.path).name for record in truth.ranked[: len(found)]]
    assert scores(page) == sorted(scores(page), reverse=True)
    assert 10 < len(found) < 150
    assert page.locator(".card").first.get_attribute("aria-setsize") == "501"


def test_its_end_shows_what_could_not_be_scored_and_why(page, report, truth):
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.wait_for_selector(".failed")
    assert page.locator(".group h2").all_text_contents() == ["Not shown"]
    (reason,) = read_errors(report, truth)
    assert page.locator(".failed .reason").text_content() == reason
    page.locator(".card", has_text="broken.jpg").locator("a").click()
    page.wait_for_selector("#photo[open]")
    assert page.locator("#missing").text_content() == reason
    assert not page.locator("#tools").is_visible()
    assert page.locator(".card").count() < 150


def test_it_sorts(page, truth):
    page.select_option("#sort", "score asc")
    assert scores(page) == sorted(scores(page))
    assert names(page)[0] == Path(truth.ranked[-1].path).name
    page.select_option("#sort", "name asc")
    assert names(page)[:2] == [EVIL, "0000.jpg"]
    page.select_option("#sort", "folder asc")
    assert headings(page) == ["wedding", "wedding/<", "wedding/church", "wedding/party/late", "Not shown"]
    page.select_option("#sort", "taken desc")
    assert set(names(page)[:3]) == {"coffee.jpg", "astronaut.jpg", "chelsea.jpg"}
    found = headings(page)
    assert found[:2] == ["July 2026", "December 2025"] and found[-2:] == ["No date", "Not shown"]


def test_it_filters(page, truth):
    page.fill("#text", "COFFEE")
    await_only(page, "coffee.jpg")
    page.fill("#text", "")
    page.click("#filter")
    median = truth.ranked[COUNT // 2].score
    page.locator("#min").evaluate("(slider, value) => { slider.value = value }", median)
    page.locator("#min").dispatch_event("input")
    lowest = round(float(page.locator("#min").input_value()), 2)
    await_count(page, f"{sum(record.score >= lowest for record in truth.ranked)} photos")
    assert "with a score" not in page.locator("#count").text_content()
    page.click("#filters button[type=reset]")
    await_count(page, "501 photos")
    page.fill("#since", "2026-01-01")
    await_count(page, "3 photos")
    page.fill("#until", "2026-07-03")
    await_count(page, "0 photos")
    page.fill("#since", "")
    page.fill("#until", "")
    page.fill("#folder", "wedding/party")
    await_count(page, "248 photos")
    page.select_option("#errors", "0")
    await_count(page, "247 photos")
    page.select_option("#errors", "only")
    await_only(page, "broken.jpg")
    page.fill("#folder", "no such folder")
    page.wait_for_selector("#none", state="visible")
    page.click("#clear")
    await_count(page, "501 photos")


def test_photos_are_in_reach_of_the_keyboard(page, truth):
    press = page.keyboard.press
    focused = "Number(document.activeElement.closest('.card')?.dataset.index)"
    press("ArrowDown")
    assert page.evaluate(focused) == 0
    press("ArrowRight")
    press("ArrowRight")
    assert page.evaluate(focused) == 2
    press("ArrowDown")
    assert page.evaluate(focused) > 3
    press("ArrowUp")
    assert page.evaluate(focused) in (1, 2, 3)
    press("End")
    assert page.evaluate(focused) == COUNT
    press("Home")
    press("Enter")
    await_photo(page, Path(truth.ranked[0].path).name)
    press("ArrowRight")
    await_photo(page, Path(truth.ranked[1].path).name)
    press("Escape")
    assert page.locator("#photo[open]").count() == 0 and page.evaluate(focused) == 1


def test_search_filters_and_help_are_in_reach_of_the_keyboard(page):
    press = page.keyboard.press
    press("/")
    page.keyboard.type("chelsea?")
    await_count(page, "0 photos")
    assert page.locator("#help[open]").count() == 0
    press("Escape")
    await_count(page, "501 photos")
    press("f")
    assert page.locator("#filters").is_visible()
    press("?")
    assert page.locator("#help[open]").count() == 1
    press("Escape")
    assert page.locator("#help[open]").count() == 0 and page.locator("#filters").is_visible()
    press("Escape")
    assert not page.locator("#filters").is_visible()


def test_names_and_headers_that_are_markup_are_text(page):
    for name in (EVIL, TAGGED):
        page.fill("#text", name)
        await_only(page, name)
        open_photo(page, 0)
        await_photo(page, name)
        assert name in page.locator("#picture").get_attribute("alt")
        page.keyboard.press("Escape")
        page.wait_for_selector("#photo", state="hidden")
    page.fill("#text", "coffee")
    await_only(page, "coffee.jpg")
    open_photo(page, 0)
    assert ENDING in page.locator("#where").text_content()
    assert page.locator("svg[onload], img[onerror], [style*=alert]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_in_light_and_dark(visit, report, scheme):
    page = visit(report.file.as_uri(), PHONE, scheme)
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    before = page.evaluate(paper)
    assert (sum(map(int, re.findall(r"\d+", before)[:3])) < 200) == (scheme == "dark")
    page.locator("#filter").tap()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    edges = "[...document.querySelectorAll('header *')].map((one) => one.getBoundingClientRect().right)"
    assert max(page.evaluate(edges)) <= PHONE["width"]
    page.locator(".card a").first.tap()
    page.wait_for_selector("#legend:not([hidden])")
    assert page.evaluate("document.getElementById('photo').scrollWidth <= innerWidth")
    page.locator("#graph").tap()
    region = page.locator("#region").bounding_box()
    assert "Region in row" in page.locator("#region").text_content() and region["y"] < PHONE["height"]
    page.locator("#close").tap()
    page.locator("#theme").tap()
    assert page.evaluate(paper) != before
