"""Cards for groups of look-alikes in a report, in a real browser: by keys, by touch, and for a screen reader."""

import numpy as np
import pytest
from accessibility import serious_problems
from PIL import Image, ImageFilter
from PIL.TiffImagePlugin import IFDRational
from raw_files import TAKEN, dng, jpeg
from shoot import DESK, PHONE, await_count, await_photo, names
from typer.testing import CliRunner

from rgnet.cli import app


def draw(seed: int) -> Image.Image:
    """Blotches of several sizes."""
    random = np.random.default_rng(seed)
    layers = [Image.fromarray(random.integers(0, 256, (2 * n, 3 * n), np.uint8)) for n in (2, 5, 12, 40)]
    grown = [np.asarray(layer.resize((330, 220), Image.Resampling.BICUBIC), float) for layer in layers]
    return Image.fromarray((20 + sum(grown) / 5).astype(np.uint8)).convert("RGB")


def save(image: Image.Image, path, second: int, open_s: float | None = None) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[36867] = f"2026:11:26 10:{second // 60:02}:{second % 60:02}"
    if open_s:
        exif.get_ifd(0x8769)[33434] = IFDRational(round(1000 * open_s), 1000)
    image.save(path, quality=92, exif=exif)


@pytest.fixture(scope="module")
def grouped(tmp_path_factory, tiny_model):
    """A burst of three with one blurred, a bracket of three, a raw + JPEG pair, and a photo alone."""
    folder = tmp_path_factory.mktemp("groups") / "day"
    folder.mkdir()
    scene, bracketed = draw(1), draw(2)
    for index in range(3):
        frame = scene.crop((4 * index, 0, 300 + 4 * index, 200))
        frame = frame.filter(ImageFilter.GaussianBlur(4)) if index == 1 else frame
        save(frame, folder / f"burst{index}.jpg", 10 + index)
    for index, stops in enumerate((0, -1, 1)):
        frame = bracketed.point(lambda level, by=2**stops: level * by)
        save(frame, folder / f"hdr{index}.jpg", 100 + index, 0.02 * 2**stops)
    (folder / "pair.dng").write_bytes(dng(draw(3)))
    (folder / "pair.jpg").write_bytes(jpeg(draw(3), taken=TAKEN))
    save(draw(4), folder / "alone.jpg", 1000)
    file = folder.with_suffix(".html")
    words = [
        "report",
        folder,
        "--groups",
        "-o",
        file,
        "--catalogue",
        folder.with_suffix(".sqlite"),
        "-m",
        tiny_model,
    ]
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == 0, done.output
    return file.as_uri()


def alike(page) -> list[str]:
    return [text for text in page.locator(".card .alike").all_text_contents() if text]


def test_it_begins_with_one_card_for_each_group(visit, grouped):
    page = visit(grouped)
    await_count(page, "4 cards")
    assert page.locator("#count").text_content().endswith("8 photos")
    best, whole = sorted(alike(page))
    assert whole == "bracket of 3 · kept whole" and best.startswith(("best of 3 · ", "first of 3 · "))
    burst = page.locator(".card", has_text=best)
    assert best.replace(" · ", ", ") in burst.locator("a").get_attribute("aria-label")
    assert page.locator(".raw").all_text_contents() == ["raw + JPEG"]
    assert burst.locator(".name").text_content() != "burst1.jpg"
    assert serious_problems(page) == []
    page.keyboard.press("g")
    await_count(page, "8 photos")
    assert page.locator(".stack, .alike").count() == 0


def test_the_others_are_one_key_away(visit, grouped):
    page = visit(grouped, scheme="dark")
    press, focused = page.keyboard.press, page.locator(".card a:focus .name")
    card = page.locator(".card", has_text="of 3 · ").filter(has_not_text="kept whole")
    best = card.locator(".name").text_content()
    card.locator("a").focus()
    press("s")
    await_members = page.locator(".card.open")
    await_members.nth(2).wait_for()
    # In the order of the document, too, behind the best and before the next card
    opened = await_members.locator(".name").all_text_contents()
    assert opened[0] == best and opened[2] == "burst1.jpg" and focused.text_content() == best
    start = names(page).index(best)
    assert names(page)[start : start + 3] == opened
    assert page.locator(".stack[aria-expanded='true']").count() == 1
    assert page.locator("#heard").text_content() == "Open: 3 photos of a burst"
    assert alike(page)[-3:] and any(text.startswith("3rd of 3 · ") for text in alike(page))
    assert page.locator(".card").first.get_attribute("aria-setsize") == "6"
    assert serious_problems(page) == []
    press("ArrowRight")
    press("ArrowRight")
    assert focused.text_content() == "burst1.jpg"
    press("s")
    await_members.first.wait_for(state="detached")
    assert focused.text_content() == best


def test_an_open_photo_leads_to_its_look_alikes(visit, grouped):
    page = visit(grouped)
    page.locator(".card", has_text="kept whole").locator("a").press("Enter")
    page.wait_for_selector("#photo[open]")
    assert "bracket of 3 · kept whole" in page.locator("#facts").text_content()
    page.keyboard.press("s")
    page.locator(".card.open").nth(2).wait_for(state="attached")
    found = page.locator(".card.open .name").all_text_contents()
    assert found == ["hdr0.jpg", "hdr1.jpg", "hdr2.jpg"]
    page.evaluate("location.hash = document.querySelector('.card.open a').hash")
    await_photo(page, "hdr0.jpg")
    page.keyboard.press("ArrowRight")
    await_photo(page, "hdr1.jpg")


def test_a_tap_opens_a_group_and_a_filter_puts_another_frame_on_top(visit, grouped):
    page = visit(grouped, size=PHONE)
    buttons = page.locator(".stack[aria-expanded='false']")
    assert buttons.count() == 2
    buttons.first.tap()
    page.locator(".card.open").nth(2).wait_for()
    assert serious_problems(page) == []
    page.locator(".stack[aria-expanded='true']").tap()
    page.locator(".card.open").first.wait_for(state="detached")
    page.fill("#text", "burst1")
    await_count(page, "1 card")
    assert alike(page)[0].startswith("3rd of 3 · ")
    assert page.viewport_size == PHONE != DESK
