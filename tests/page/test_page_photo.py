"""A photo's own page in a real browser: its numbers, its map, and the graph on a region."""

import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from shoot import await_photo, open_photo
from typer.testing import CliRunner

from rgnet.cli import app


@pytest.fixture
def page(visit, report):
    return visit(report.file.as_uri())


def test_a_photo_opens_with_its_numbers_and_closes_to_where_it_was(page, truth):
    third = truth.ranked[2]
    page.locator(".card a").nth(2).click()
    await_photo(page, Path(third.path).name)
    assert re.search(r"#photo=[0-9a-f]{12}$", page.url)
    panel = page.locator(".panel").text_content()
    for text in (f"{third.score:.2f}", f"{third.percentile:.0f} %", third.model_hash, third.path, "1 to 5"):
        assert text in panel
    page.click("#next")
    await_photo(page, Path(truth.ranked[3].path).name)
    page.click("#close")
    assert page.locator("#photo[open]").count() == 0 and "#" not in page.url
    assert page.evaluate("document.activeElement.closest('.card').dataset.index") == "3"


def test_an_address_leads_to_a_photo_and_back_leads_to_the_one_before(visit, report, truth):
    from rgnet.page.report import photo_id

    page = visit(f"{report.file.as_uri()}#photo={photo_id(truth.ranked[400].path)}")
    await_photo(page, Path(truth.ranked[400].path).name)
    page.evaluate("location.hash = '#photo=nosuchphoto'")
    page.wait_for_selector("#missing:not([hidden])")
    assert "This report has no such photo." in page.locator("#missing").text_content()
    page.go_back()
    await_photo(page, Path(truth.ranked[400].path).name)


def test_the_map_has_the_colours_of_the_votes_at_the_middles_of_the_regions(page, truth):
    open_photo(page, 0)
    votes_HW = truth.entries[truth.ranked[0].path].votes_HW
    rows, columns = votes_HW.shape
    low, high = (float(page.locator(f"#{name}").text_content()) for name in ("from", "to"))
    room_left = max(0, 0.05 * 4 - (votes_HW.max() - votes_HW.min())) / 2
    assert (low, high) == pytest.approx((votes_HW.min() - room_left, votes_HW.max() + room_left), abs=0.006)
    pixels = page.evaluate("""() => { const map = document.getElementById("map");
        return [...map.getContext("2d").getImageData(0, 0, map.width, map.height).data] }""")
    seen_HW4 = np.array(pixels).reshape(rows * 16, columns * 16, 4)
    # The middle of a region lies between four pixels
    seen_HW3 = seen_HW4.reshape(rows, 16, columns, 16, 4)[:, 7:9, :, 7:9, :3].mean(axis=(1, 3))
    unit_HW = (votes_HW - votes_HW.min() + room_left) / (votes_HW.max() - votes_HW.min() + 2 * room_left)
    wanted_HW3 = matplotlib.colormaps["viridis"](unit_HW)[..., :3] * 255
    assert np.abs(seen_HW3 - wanted_HW3).mean() < 3 and np.abs(seen_HW3 - wanted_HW3).max() < 25


def test_a_click_on_a_region_tells_its_numbers_and_draws_its_neighbours(page, truth, tiny_model):
    import rgnet

    record = truth.ranked[0]
    open_photo(page, 0)
    box = page.locator("#graph").bounding_box()
    votes_HW = truth.entries[record.path].votes_HW
    rows, columns = votes_HW.shape
    row, column = rows // 3, columns - 1
    before = page.locator("#graph").screenshot()
    page.mouse.click(
        box["x"] + (column + 0.5) / columns * box["width"], box["y"] + (row + 0.5) / rows * box["height"]
    )
    text = page.locator("#region").text_content()
    assert f"row {row + 1}, column {column + 1}" in text and f"{votes_HW[row, column]:.2f}" in text
    assert page.locator("#graph").screenshot() != before

    explained = rgnet.explain(rgnet.load(tiny_model), record.path)
    weight_K = explained.edges()[1][row * columns + column]
    heard = weight_K[weight_K * votes_HW.size > 1].sum()
    share = int(re.search(r"(\d+) % of what", text)[1])
    assert share == pytest.approx(100 * heard, abs=3)
    weight = explained.regions.weights[row, column] * votes_HW.size
    assert float(re.search("\u00d7 ([\\d.]+)", text)[1]) == pytest.approx(weight, abs=0.02)


def test_regions_are_in_reach_of_the_keyboard_and_escape_leads_out_step_by_step(page):
    open_photo(page, 1)
    term, press = page.locator("#region .term").first, page.keyboard.press
    page.focus("#graph")
    press("Enter")
    best = term.text_content()
    assert re.match(r"Region in row \d+, column \d+", best)
    press("ArrowLeft")
    press("ArrowRight")
    press("ArrowUp")
    press("ArrowDown")
    press("ArrowDown")
    press("ArrowUp")
    moved = [term.text_content()]
    for _ in range(20):
        press("ArrowLeft")
    press("ArrowUp")
    moved.append(term.text_content())
    assert len({best, *moved}) > 1 and "column 1" in moved[1]
    press("Escape")
    assert "Click or tap a region" in page.locator("#region").text_content()
    assert page.locator("#photo[open]").count() == 1
    press("Escape")
    page.wait_for_selector("#photo", state="hidden")
    page.wait_for_function("!location.hash && document.activeElement.closest('.card')?.dataset.index === '1'")


def test_pictures_beside_the_page_are_shown(visit, report, tiny_model):
    target = report.file.with_name("apart.html")
    words = [
        "report",
        report.catalogue,
        "-o",
        target,
        "--thumbnails",
        "beside",
        "--limit",
        "3",
        "-m",
        tiny_model,
    ]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert "4 photos, 3 with a score, 1 not shown" in done.output, done.output
    page = visit(target.as_uri())
    page.locator(".card img.loaded").nth(2).wait_for()
    open_photo(page, 0)
    assert page.evaluate("document.getElementById('picture').decode().then(() => true)")
    assert re.fullmatch(r"apart_files/[0-9a-f]{12}-large\.webp", page.get_attribute("#picture", "src"))


def test_layers_change_the_legend_and_are_remembered(page):
    open_photo(page, 0)
    assert "vote, on the scale 1 to 5" in page.locator("#unit").text_content()
    page.click("text=Weights")
    assert "weight (average region = 1)" in page.locator("#unit").text_content()
    page.keyboard.press("m")
    assert not page.locator("#legend").is_visible()
    page.reload()
    page.wait_for_selector("#photo[open]")
    assert page.locator("input[value=none]").is_checked()


def test_pictures_and_controls_have_names(page):
    open_photo(page, 0)
    unnamed = page.evaluate("""() => [...document.querySelectorAll("button, input, select, a, img, canvas")]
        .filter((one) => !one.closest("[aria-hidden=true], a .face") && one.checkVisibility())
        .filter((one) => !(one.alt || one.ariaLabel || one.textContent.trim() || one.labels?.length))
        .map((one) => one.outerHTML)""")
    assert unnamed == []
