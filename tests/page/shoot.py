"""A shoot of 500 photos to look at in a browser, and how a test reads the page."""

import re

import numpy as np
from PIL import Image

COUNT = 500
EVIL = "<img src=x onerror=alert(1)>.jpg"
TAGGED = "script><svg onload=alert(3)>.jpg"
ENDING = "</script><script>alert(2)</script>"

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def make(root, data):
    """Three folders of photos, most dated, some with names and headers that are markup; one file is no photo."""
    draw = np.random.default_rng(3)
    folders = [root / "church", root / "party" / "late", root / "<"]
    for folder in folders:
        folder.mkdir(parents=True)
    for index in range(COUNT - 5):
        pixels = draw.integers(0, 256, (4, 6, 3), dtype=np.uint8)
        size = (96, 64) if index % 3 else (64, 96)
        day = f"20{20 + index % 6}:{1 + index % 12:02}:{1 + index % 28:02} 10:00:00" if index % 10 else None
        save(Image.fromarray(pixels).resize(size), folders[index % 2] / f"{index:04}.jpg", day)
    for name in ("coffee", "astronaut", "chelsea"):
        save(Image.fromarray(getattr(data, name)()), root / f"{name}.jpg", "2026:07:04 12:00:00", ENDING)
    save(Image.fromarray(data.rocket()), root / EVIL)
    save(Image.fromarray(data.coffee()[:, ::-1].copy()), root / "<" / TAGGED)
    (root / "party" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")


def save(image, path, day=None, camera=None):
    exif = Image.Exif()
    exif.update({tag: value for tag, value in ((306, day), (272, camera)) if value})
    image.convert("RGB").save(path, quality=85, exif=exif)


# --- what stands on the page ---


def names(page):
    return page.locator(".card .caption .name").all_text_contents()


def scores(page):
    texts = page.locator(".card .caption b").all_text_contents()
    return [float(text) for text in texts if text != "\u2013"]


def headings(page):
    """Of all groups from the top to the end, each once."""
    page.evaluate("scrollTo(0, 0)")
    found = []
    for _ in range(100):
        page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        texts = page.locator(".group h2").all_text_contents()
        found += [text for text in texts if text not in found]
        if page.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 1"):
            return found
        page.evaluate("scrollBy(0, innerHeight)")
    raise AssertionError("the page has no end")


# Waits by locators: the page's policy forbids the eval that Playwright's wait_for_function needs


def await_count(page, text):
    page.locator("#count").filter(has_text=re.compile("^" + re.escape(text))).wait_for()


def await_only(page, name):
    """Until this photo alone is asked for."""
    from playwright.sync_api import expect

    expect(page.locator(".card .caption .name")).to_have_text([name])


def await_photo(page, name):
    """Until the page of this photo is open."""
    from playwright.sync_api import expect

    expect(page.locator("#photo[open] #name")).to_have_text(name)


def open_photo(page, place):
    """Open the photo at a place of the grid, with its map."""
    page.locator(".card a").nth(place).click()
    page.wait_for_selector("#legend:not([hidden])")
