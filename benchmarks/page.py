"""A report in a browser: its size, the time to its first photos, and the duration of every frame while scrolling.

    python benchmarks/page.py report.html [--chromium /usr/bin/chromium] [--seconds 10]

The frames of an empty page, scrolled in the same way in the same browser, are printed for comparison. Headless
Chromium paints without a GPU.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
EMPTY = "<!doctype html><div style='height: 100000px'></div>"
FIRST = ".card img.there >> nth=9"

# One step a frame, from top to end and back; the time between frames, and that of the page's own work in them
SCROLL = """([seconds, step]) => new Promise((done) => {
    const frames = [], work = [];
    if (typeof Grid !== "undefined") {
        const { draw } = Grid.prototype;
        Grid.prototype.draw = function (...words) {
            const start = performance.now();
            draw.apply(this, words);
            work.push(performance.now() - start);
        };
    }
    const begun = performance.now();
    let last = begun, way = step;
    const next = (now) => {
        frames.push(now - last);
        last = now;
        if (now - begun > seconds * 1000) return done({ frames: frames.slice(1), work });
        const end = document.documentElement.scrollHeight - innerHeight;
        if ((way > 0 && scrollY >= end - 1) || (way < 0 && scrollY <= 0)) way = -way;
        scrollBy({ top: way, behavior: "instant" });
        requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
})"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("report", type=Path)
    options.add_argument("--chromium", default=shutil.which("chromium"))
    options.add_argument("--seconds", type=float, default=10)
    chosen = options.parse_args()
    with sync_playwright() as running, tempfile.TemporaryDirectory() as folder:
        browser = running.chromium.launch(executable_path=chosen.chromium, args=FLAGS)
        empty = Path(folder) / "empty.html"
        empty.write_text(EMPTY)
        figures = {"size_mb": chosen.report.stat().st_size / 1e6} | measure(
            browser, chosen.report, chosen.seconds
        )
        blank = open_page(browser, empty)
        for step in (120, 900):
            figures[f"scroll_{step}_of_an_empty_page"] = scroll(blank, chosen.seconds, step)
    print(json.dumps(figures, indent=2))


def measure(browser: Browser, report: Path, seconds: float) -> dict[str, object]:
    page = open_page(browser, None)
    begun = time.perf_counter()
    page.goto(report.absolute().as_uri(), wait_until="commit")
    page.wait_for_selector(FIRST)
    first = time.perf_counter() - begun
    page.wait_for_load_state("load")
    figures = {"first_photos_s": first, "whole_s": time.perf_counter() - begun}
    for order in ("taken desc", "name asc", "folder asc", "score desc"):
        figures[f"sort_{order.replace(' ', '_')}_ms"] = page.evaluate(
            """(order) => { const sort = document.getElementById("sort"), start = performance.now();
            sort.value = order; sort.dispatchEvent(new Event("input"));
            return new Promise((done) => setTimeout(() => done(performance.now() - start))); }""",
            order,
        )
    begun = time.perf_counter()
    page.locator(".card a").first.click()
    page.wait_for_selector("#legend:not([hidden])")
    figures["open_a_photo_ms"] = (time.perf_counter() - begun) * 1000
    page.keyboard.press("Escape")
    page.evaluate("scrollTo(0, 0)")
    for step in (120, 900):
        figures[f"scroll_{step}"] = scroll(page, seconds, step)
    figures["cards_in_the_document"] = page.locator(".card").count()
    return figures


def open_page(browser: Browser, file: Path | None) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    if file:
        page.goto(file.as_uri())
    return page


def scroll(page: Page, seconds: float, step: int) -> dict[str, float]:
    """Frames of a scroll by `step` pixels a frame, in ms."""
    found = page.evaluate(SCROLL, [seconds, step])
    frames = sorted(found["frames"])
    figures = {"frames": len(frames), "median_ms": statistics.median(frames)}
    figures |= {f"p{share}_ms": frames[len(frames) * share // 100] for share in (95, 99)}
    figures |= {"most_ms": frames[-1], "over_33_ms": sum(frame > 33.4 for frame in frames)}
    if found["work"]:
        work = sorted(found["work"])
        figures |= {"own_work_median_ms": statistics.median(work), "own_work_most_ms": work[-1]}
    return figures


if __name__ == "__main__":
    main()
