"""Makes the documentation's pictures of real runs: report, gallery, groups, compare and pairs, at desk and phone width.

    python scripts/make_pictures.py

They go to docs/pictures, which git ignores and `mkdocs build` takes up; without them the pages say how to make them.
Needs rgnet[all], scikit-image, Playwright and a Chromium.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from picture_shoot import make_clip, make_shoot
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
SIZES = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 780}}
SCHEMES = ("light", "dark")
_RGNET = (sys.executable, "-m", "rgnet")
_ALL_LOADED = "Array.from(document.querySelectorAll('.cell img')).every((image) => image.naturalWidth)"
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rgnet-pictures-") as name:
        folder = Path(name)
        make_shoot(folder / "Saturday")
        variables = os.environ | {
            "XDG_CACHE_HOME": str(folder / "cache"),
            "XDG_DATA_HOME": str(folder / "data"),
        }
        report, catalogue = folder / "saturday.html", folder / "Saturday.sqlite"
        words = ["scan", folder / "Saturday", "--features", "--catalogue", catalogue]
        subprocess.run([*_RGNET, *map(str, words)], env=variables, check=True)
        words = ["report", folder / "Saturday", "--groups", "-o", report, "--catalogue", catalogue]
        subprocess.run([*_RGNET, *map(str, words)], env=variables, check=True)
        make_clip(folder / "cat.mp4")
        words = ["frames", folder / "cat.mp4", "--output", folder / "stills"]
        subprocess.run([*_RGNET, *map(str, words)], env=variables, check=True)
        keep(folder / "stills" / "cat.mp4" / "contact.jpg", "frames")
        with serving(catalogue, variables) as address, open_browser() as browser:
            for size in SIZES:
                for scheme in SCHEMES:
                    take = Camera(browser, size, scheme)
                    take.report(report.as_uri())
                    take.gallery(address)
    print(f"{len(list(PICTURES.glob('*.jpg')))} pictures in {PICTURES}")


def keep(picture: Path, name: str) -> None:
    """A picture that a command has written: one for every width and colour scheme."""
    shutil.copy(picture, PICTURES / f"{name}.jpg")


class Camera:
    """Takes what a page shows at one size, in light or dark."""

    def __init__(self, browser: Browser, size: str, scheme: str) -> None:
        self.browser, self.size, self.scheme = browser, size, scheme

    def report(self, address: str) -> None:
        with self.open(address) as page:
            self.take(page, "groups")
            page.locator(".stack[aria-expanded='false']").first.click()
            self.take(page, "group-open")
            page.keyboard.press("g")
            self.take(page, "report")
            page.locator(".card a").first.click()
            page.wait_for_selector("#legend:not([hidden])")
            self.take(page, "photo")

    def gallery(self, address: str) -> None:
        with self.open(address) as page:
            page.locator(".card a").first.click()
            page.wait_for_selector("#legend:not([hidden])")
            page.locator("input[name=layer][value=none]").check(force=True)
            page.keyboard.press("k")
            page.wait_for_selector("#crop-frame:not([hidden])")
            self.take(page, "crop")
            page.keyboard.press("k")
            page.keyboard.press("Escape")
            page.keyboard.press("g")
            page.wait_for_selector(".stack")
            page.locator(".card a").first.focus()
            for key in ("p", "5", "ArrowRight", "x", "ArrowRight", "3", "8"):
                page.keyboard.press(key)
            page.wait_for_selector(".badge .green")
            self.take(page, "gallery")
            page.locator(".card:has(.stack) a", has_text="of 5").focus()
            page.keyboard.press("c")
            page.wait_for_selector("#compare .cell.active")
            while not page.evaluate(_ALL_LOADED):
                page.wait_for_timeout(100)
            self.take(page, "compare")
            page.keyboard.press("Escape")
            page.evaluate("document.getElementById('pairs-button').click()")  # under a menu on phones
            page.wait_for_selector("#pair-left img")
            self.take(page, "pairs")
            page.keyboard.press("Escape")
            for _ in range(10):
                page.keyboard.press("z")

    @contextlib.contextmanager
    def open(self, address: str) -> Iterator[Page]:
        context = self.browser.new_context(
            viewport=SIZES[self.size], color_scheme=self.scheme, has_touch=self.size == "phone"
        )
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector(".card img.loaded")
        yield page
        context.close()

    def take(self, page: Page, name: str) -> None:
        page.wait_for_timeout(400)  # for pictures to be drawn
        file = PICTURES / f"{name}-{self.size}-{self.scheme}.jpg"
        page.screenshot(path=file, type="jpeg", quality=82)


@contextlib.contextmanager
def serving(catalogue: Path, variables: dict[str, str]) -> Iterator[str]:
    """The address of `rgnet serve`, which ends with the block."""
    words = [*_RGNET, "serve", "--catalogue", str(catalogue), "--port", "0"]
    process = subprocess.Popen(words, env=variables, stderr=subprocess.PIPE, text=True)
    try:
        yield _find_address(process)
    finally:
        process.terminate()
        process.wait()


def _find_address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if " at http://" in line:
            return "http://" + line.partition(" at http://")[2].split()[0].rstrip(";,") + "/"
    raise SystemExit("rgnet serve did not start")


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("no Chromium here: scripts/install-test-programs.sh installs one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=_FLAGS)
        yield browser
        browser.close()


if __name__ == "__main__":
    main()
