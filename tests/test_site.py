"""The documentation site builds without a warning, and its pages load nothing from the network."""

import html
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    environment = dict(os.environ, http_proxy=NOWHERE, https_proxy=NOWHERE, PYTHONPATH=str(ROOT / "src"))
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Resources(HTMLParser):
    """The addresses from which a page loads scripts, styles, fonts, pictures and frames; links are not among them."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = {"link": ("href",), "a": ()}.get(tag, ("src", "srcset", "data", "poster", "action"))
        self.addresses += [value for name, value in attributes if name in names and value]


@pytest.mark.slow
def test_no_page_loads_anything_from_the_network(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        parser = Resources()
        parser.feed(page.read_text("utf-8"))
        assert any(address.endswith(".css") for address in parser.addresses)
        foreign = [address for address in parser.addresses if re.match(r"(https?:)?//", address)]
        assert foreign == [], page


@pytest.mark.slow
def test_no_stylesheet_loads_anything_from_the_network(site):
    for sheet in site.rglob("*.css"):
        loaded = re.findall(r"(?:@import|url\()\s*[\"']?((?:https?:)?//[^\"')]+)", sheet.read_text("utf-8"))
        assert loaded == [], sheet


@pytest.mark.slow
def test_search_works_in_pages_opened_from_a_folder_and_asks_nothing_of_the_network(site, browser):
    asked: list[str] = []
    page = browser.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "index.html").as_uri())
    page.locator("[data-md-component=search-query]").click()
    page.keyboard.type("sidecar")
    found = page.locator(".md-search-result__link")
    found.first.wait_for(state="attached", timeout=60_000)
    assert any("ratings.html" in (link.get_attribute("href") or "") for link in found.all())
    page.close()
    home = site.as_uri()
    assert [url for url in asked if not url.startswith((home, "data:", "about:", "blob:"))] == []


@pytest.mark.slow
def test_the_reference_names_every_command_and_every_public_name(site):
    import typer.main

    import rgnet
    from rgnet.cli import app

    commands = (site / "commands.html").read_text("utf-8")
    for name in typer.main.get_command(app).commands:
        assert f'id="rgnet-{name}"' in commands, name
    api = (site / "api.html").read_text("utf-8")
    for name in set(rgnet.__all__) - {"Record"}:
        assert re.search(rf'id="rgnet\.[a-z_.]*{name}"', api), name


def test_the_architecture_page_describes_every_package():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = text.partition("## Packages")[2].partition("\n## ")[0]
    described = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.MULTILINE))))
    package = ROOT / "src" / "rgnet"
    parts = {path.stem for path in package.glob("*.py")} | {
        path.parent.name for path in package.glob("*/__init__.py")
    }
    assert described == {part for part in parts if not part.startswith("__")}


def test_files_named_in_the_documentation_exist():
    for page in (ROOT / "docs").glob("*.md"):
        text = page.read_text("utf-8").partition("## Old and new names")[0]
        for name in re.findall(r"`((?:\w+/)+\w+\.(?:py|js|sh))`", text):
            places = (ROOT, ROOT / "src" / "rgnet")
            assert any((place / name).exists() for place in places), f"{page.name} names {name}"


def test_pictures_in_the_documentation_are_those_that_the_scripts_make():
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs").glob("*.md"))
    scripts = "".join(path.read_text("utf-8") for path in (ROOT / "scripts").glob("make_*pictures.py"))
    assert set(re.findall(r"<!-- picture: ([\w-]+) \| .+ -->", pages)) == set(
        re.findall(r'(?:take\(page|keep\(.+), "(.+)"\)', scripts)
    )


def test_every_table_of_differences_is_drawn_as_it_is_printed(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from mkdocs_hooks import on_page_markdown, read_differences

    text = (ROOT / "docs" / "reproduction.md").read_text("utf-8")
    tables = [
        table
        for table in re.findall(r"((?:^\|.*\n)+)", text, re.MULTILINE)
        if "over photos" in table.splitlines()[0]
    ]
    page = on_page_markdown(text)
    figures = re.findall(r'<figure class="forest">.*?</figure>', page)
    assert len(figures) == len(tables) > 8 and "<!-- forest" not in page
    for table, figure in zip(tables, figures, strict=True):
        lines = list(read_differences(table))
        for line in lines:
            assert html.escape(line.label, quote=False) in figure
            assert line.photos is not None and line.photos[0] <= line.mean <= line.photos[1]
            for number in (line.mean, *(line.seeds or ()), *line.photos):
                assert f"{number:+.4f}" in table or f"{number:.3f}" in table
    labels = [line.label for table in tables for line in read_differences(table)]
    assert "the graph helps beside context" in labels and "r = 16" in labels and "r = 4" not in labels


def test_tests_named_in_the_documentation_exist():
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for page in (ROOT / "docs").glob("*.md"):
        for name in re.findall(r"`(test_\w+)`", page.read_text("utf-8")):
            assert f"def {name}(" in tests, f"{page.name} names {name}"


def test_the_architecture_page_has_the_directions_of_imports():
    from test_import import LOWEST, MAY_IMPORT

    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    table = text.partition("<!-- imports: begin -->")[2].partition("<!-- imports: end -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE)
    described = {name: set(re.findall(r"`(\w+)`", allowed)) for name, allowed in rows}
    assert described == {name: allowed for name, allowed in MAY_IMPORT.items() if name not in LOWEST}
