"""The gallery of a large library in a browser: its first screen, frames while scrolling, requests, and queries.

    python benchmarks/gallery.py --photos FOLDER [--rows 100000] [--kept 6000] [--seconds 10] [--json FILE]

The library is invented: its files are links to a few photos of FOLDER, its scores and dates are drawn. Previews are
kept of its `--kept` best, middle and worst photos, as a scan would have kept them. The browser, headless Chromium
without a GPU, and the service share two cores.

  first_screen  of a visit: ms until the first cards stood and until all pictures in the window were shown; processor
                ms of the service, of the page's main thread (script, layout, painting) and of the whole browser
  jump          the same from a press of End, and to the middle, until all pictures in the window were shown
  scroll        by 120 pixels a frame, at the top, in the middle, and of an empty page: frames and their length,
                processor ms a frame, tasks of the page beyond 50 ms, requests
  queries_ms    processor ms of the catalogue for a page, and for the outline of a listing
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
from catalogue import make_catalogue, path_of
from measure import describe_machine, use_two_cores, write_figures
from page import EMPTY, FLAGS
from PIL import Image, ImageOps
from playwright.sync_api import Browser, Page, sync_playwright

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.outline import find_page, make_outline
from rgnet.catalogue.paging import Listing, find_first_page
from rgnet.catalogue.selects import Filter
from rgnet.imaging.discovery import find_photos
from rgnet.previews import PREVIEW, PreviewCache
from rgnet.weights.file import read_model
from rgnet.weights.registry import find_model

SIZE = {"width": 1440, "height": 900}

# When the first card stands, and when every picture in the window is shown; in ms since the page was asked for
WATCH = """() => {
    const seen = (window.seen = { longTasks: [] });
    new PerformanceObserver((list) => seen.longTasks.push(...list.getEntries().map(({ duration }) => duration)))
        .observe({ type: "longtask", buffered: true });
    const isShown = ({ top, bottom }) => bottom > 0 && top < innerHeight;
    window.isComplete = () => {
        const cards = [...document.querySelectorAll(".card")].filter((card) => isShown(card.getBoundingClientRect()));
        return cards.length > 3 && cards.every((card) => card.querySelector(".loaded, .failed"));
    };
    const look = () => {
        if (!seen.cards && document.querySelector(".card")) seen.cards = performance.now();
        if (window.isComplete()) return requestAnimationFrame(() => (seen.pictures = performance.now()));
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""

SCROLL = """([seconds, step]) => new Promise((done) => {
    const frames = [], begun = performance.now();
    let last = begun;
    const next = (now) => {
        frames.push(now - last);
        last = now;
        if (now - begun > seconds * 1000) return done(frames.slice(1));
        scrollBy({ top: step, behavior: "instant" });
        requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
})"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--photos", type=Path, required=True, help="folder of photos to link to")
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--kept", type=int, default=6000)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--chromium", default=shutil.which("chromium"))
    options.add_argument("--library", type=Path, help="folder of the invented library, kept for the next run")
    options.add_argument("--json", type=Path, help="also write the figures to this file")
    chosen = options.parse_args()
    use_two_cores()
    figures: dict[str, Any] = {"machine": describe_machine(), "rows": chosen.rows}
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.library or Path(scratch)
        if not (folder / "made").exists():
            make_library(folder, list(find_photos([chosen.photos]))[:16], chosen.rows, chosen.kept)
        figures["queries_ms"] = measure_queries(folder / "c.sqlite")
        with serving(folder) as (service, address), sync_playwright() as running:
            browser = running.chromium.launch(executable_path=chosen.chromium, args=FLAGS)
            figures |= measure(browser, service, address, chosen.rounds, chosen.seconds)
    print(json.dumps(figures, indent=2))
    write_figures(chosen.json, figures)


# --- the library -----------------------------------------------------------------------------------------


def make_library(folder: Path, photos: list[Path], rows: int, kept: int) -> None:
    """c.sqlite, a folder of links, and the cache folder with previews."""
    folder.mkdir(parents=True, exist_ok=True)
    card, root = read_model(find_model(None)).card, folder / "photos"
    file = make_catalogue(folder / "c.sqlite", rows, folder=str(root), model=card.short_hash, name=card.name)
    pictures = []
    for index, photo in enumerate(photos):
        shutil.copyfile(photo, folder / f"{index}.jpg")
        pictures.append((folder / f"{index}.jpg", *_shrink(photo, upright=index % 3 == 0)))
    facts = []
    for row in range(rows):
        path = Path(os.fsdecode(path_of(row, str(root))))
        if row < 1000:
            path.parent.mkdir(parents=True, exist_ok=True)
        source, _, (width, height) = pictures[row % len(pictures)]
        os.link(source, path)
        facts.append((width * 8, height * 8, row))
    with Catalogue.open(file) as catalogue, catalogue.transaction():
        catalogue.execute_many("UPDATE photo SET width = ?, height = ? WHERE id = ?", facts)
        for index, (source, *_) in enumerate(pictures):
            status = source.stat()
            catalogue.execute(
                "UPDATE path SET bytes = ?, mtime = ? WHERE photo % ? = ?",
                (status.st_size, status.st_mtime_ns, len(pictures), index),
            )
    keep_previews(folder, [picture for _, picture, _ in pictures], kept)
    (folder / "made").touch()


def _shrink(photo: Path, *, upright: bool) -> tuple[bytes, tuple[int, int]]:
    with Image.open(photo) as image:
        size = (341, 512) if upright else (512, 341)
        shrunk, file = ImageOps.fit(image.convert("RGB"), size), BytesIO()
    shrunk.save(file, "JPEG", quality=85)
    return file.getvalue(), size


def keep_previews(folder: Path, pictures: list[bytes], kept: int) -> None:
    cache = PreviewCache(folder / "cache" / "rgnet" / "previews.sqlite")
    with Catalogue.open(folder / "c.sqlite") as catalogue:
        ranked = [id for (id,) in catalogue.rows("SELECT photo FROM score ORDER BY score DESC")]
    middle = len(ranked) // 2
    for id in {*ranked[:kept], *ranked[middle : middle + kept], *ranked[-kept:]}:
        cache.put_picture(f"{id:064x}", pictures[id % len(pictures)])
    cache.close()
    assert PREVIEW == 512


# --- queries ---------------------------------------------------------------------------------------------


def measure_queries(file: Path) -> dict[str, float]:
    card = read_model(find_model(None)).card
    with Catalogue.open(file) as catalogue:
        listing = Listing(wanted=Filter(model=card.short_hash))
        outline = make_outline(catalogue, listing)

        def page_at(offset: int) -> Callable[[], object]:
            return lambda: find_page(catalogue, listing, outline, offset=offset, limit=200)

        asked: dict[str, Callable[[], object]] = {
            "first page without an outline": lambda: find_first_page(catalogue, listing, 200),
            "page in the middle": page_at(outline.total // 2),
            "last page": page_at(outline.total - 200),
        }
        for order in ("score", "taken", "name", "folder"):
            asked[f"outline by {order}"] = partial(make_outline, catalogue, replace(listing, order=order))
        return {name: _cpu_ms(query) for name, query in asked.items()}


def _cpu_ms(query: Callable[[], object]) -> float:
    """Processor ms, the least of three runs."""
    times = []
    for _ in range(3):
        start = time.process_time()
        query()
        times.append(time.process_time() - start)
    return round(1e3 * min(times), 1)


# --- the browser -----------------------------------------------------------------------------------------


@contextmanager
def serving(folder: Path) -> Iterator[tuple[psutil.Process, str]]:
    command = [sys.executable, "-m", "rgnet", "serve", "--port", "0", "--catalogue", str(folder / "c.sqlite")]
    variables = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables) as running:
        try:
            while "http://" not in (line := running.stderr.readline()):
                assert line, "the service did not start"
            address = "http://" + line.partition("http://")[2].partition(",")[0]
            yield psutil.Process(running.pid), address
        finally:
            running.terminate()


class Spent:
    """Processor ms since it was made: of the service, of the browser, and of the page's main thread."""

    def __init__(self, service: psutil.Process, page: Page) -> None:
        self.service, self.session = service, page.context.new_cdp_session(page)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.before = self._now()

    def read(self) -> dict[str, float]:
        now = self._now()
        return {name: round(now[name] - self.before[name], 1) for name in now}

    def _now(self) -> dict[str, float]:
        metrics = {
            one["name"]: one["value"] for one in self.session.send("Performance.getMetrics")["metrics"]
        }
        return {
            "service": 1e3 * _seconds_of([self.service, *self.service.children(recursive=True)]),
            "page": 1e3 * metrics["TaskDuration"],
            "script": 1e3 * metrics["ScriptDuration"],
            "browser": 1e3 * _seconds_of(_browsers()),
        }


def _browsers() -> list[psutil.Process]:
    return [one for one in psutil.Process().children(recursive=True) if "chrom" in one.name()]


def _seconds_of(processes: list[psutil.Process]) -> float:
    times = [one.cpu_times() for one in processes if one.is_running()]
    return sum(time.user + time.system for time in times)


def measure(
    browser: Browser, service: psutil.Process, address: str, rounds: int, seconds: float
) -> dict[str, Any]:
    visits = [visit(browser, service, address) for _ in range(rounds)]
    figures: dict[str, Any] = {"first_screen_ms": visits[0], "later_screens_ms": _median(visits[1:])}
    print(json.dumps(figures), file=sys.stderr)
    page, asked = open_page(browser), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="commit")
    page.wait_for_function("window.seen?.pictures")
    time.sleep(2)  # what comes after the first screen
    figures["scroll_top"] = scroll(page, service, asked, seconds)
    figures["jump_middle"] = jump(
        page,
        service,
        "scrollTo({ top: (document.documentElement.scrollHeight - innerHeight) / 2, behavior: 'instant' })",
    )
    figures["scroll_middle"] = scroll(page, service, asked, seconds)
    figures["jump_end"] = jump(
        page, service, "scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' })"
    )
    figures["pixels"] = page.evaluate("document.documentElement.scrollHeight")
    figures["last_shown"] = page.evaluate(
        "Math.max(...[...document.querySelectorAll('.card')].map((card) => card.dataset.index))"
    )
    figures["cards_in_the_document"] = page.locator(".card").count()
    figures["heap_mb"] = round(page.evaluate("performance.memory.usedJSHeapSize") / 1e6, 1)
    blank = open_page(browser)
    blank.set_content(EMPTY.replace("100000px", "10000000px"))
    blank.evaluate(f"({WATCH})()")
    figures["scroll_empty_page"] = scroll(blank, service, asked, seconds)
    return figures


def open_page(browser: Browser) -> Page:
    page = browser.new_context(viewport=SIZE, bypass_csp=True).new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(f"({WATCH})()")
    return page


def visit(browser: Browser, service: psutil.Process, address: str) -> dict[str, float]:
    """A visit by a browser that has nothing of the page yet."""
    page = open_page(browser)
    spent, asked = Spent(service, page), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="commit")
    page.wait_for_function("window.seen?.pictures", polling="raf")
    found = page.evaluate(
        "({ cards: seen.cards, pictures: seen.pictures, long_tasks: seen.longTasks.length })"
    )
    figures = {name: round(value, 1) for name, value in found.items()} | {"requests": len(asked)}
    figures |= {f"cpu_{name}": value for name, value in spent.read().items()}
    page.context.close()
    return figures


def jump(page: Page, service: psutil.Process, script: str) -> dict[str, float]:
    spent, begun = Spent(service, page), time.perf_counter()
    page.evaluate(script)
    page.wait_for_timeout(30)
    page.wait_for_function("window.isComplete()", polling="raf")
    took = round(1e3 * (time.perf_counter() - begun))
    return {"ms": took} | {f"cpu_{name}": value for name, value in spent.read().items()}


def scroll(
    page: Page, service: psutil.Process, asked: list[str], seconds: float, step: int = 120
) -> dict[str, float]:
    """Frames of a scroll by `step` pixels a frame, in ms."""
    page.evaluate("window.seen.longTasks = []")
    asked.clear()
    spent = Spent(service, page)
    frames = sorted(page.evaluate(SCROLL, [seconds, step]))
    cpu = spent.read()
    return {
        "frames_per_s": round(len(frames) / sum(frames) * 1e3, 1),
        "median": round(statistics.median(frames), 1),
        **{f"p{share}": round(frames[len(frames) * share // 100], 1) for share in (95, 99)},
        "most": round(frames[-1], 1),
        "dropped": sum(round(frame / 16.7) - 1 for frame in frames if frame > 25),
        "cpu_page_a_frame": round(cpu["page"] / len(frames), 2),
        "cpu_script_a_frame": round(cpu["script"] / len(frames), 2),
        "cpu_browser_a_frame": round(cpu["browser"] / len(frames), 2),
        "cpu_service_a_frame": round(cpu["service"] / len(frames), 2),
        "long_tasks": len(page.evaluate("seen.longTasks")),
        "requests": len(asked),
    }


def _median(figures: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in figures) for name in figures[0]}


if __name__ == "__main__":
    main()
