"""A report of 500 photos, and a browser to look at it. Skipped, visibly, where Chromium or Playwright is missing."""

from types import SimpleNamespace

import pytest
from shoot import DESK, PHONE, make
from typer.testing import CliRunner

from rgnet.catalogue.database import Catalogue
from rgnet.catalogue.models import resolve_model
from rgnet.catalogue.queries import find_entry, find_scored
from rgnet.catalogue.selects import Filter
from rgnet.cli import app


@pytest.fixture(scope="session")
def report(tmp_path_factory, tiny_model):
    """What `rgnet report` writes of the shoot: the page's file, and the catalogue it scanned into."""
    data = pytest.importorskip("skimage.data", reason="needs scikit-image")
    folder = tmp_path_factory.mktemp("shoot")
    make(folder / "wedding", data)
    file, catalogue = folder / "wedding.html", folder / "c.sqlite"
    words = ["report", folder / "wedding", "-o", file, "--catalogue", catalogue, "-m", tiny_model]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 3, done.output
    assert "501 photos, 500 with a score, 1 not shown" in done.output
    return SimpleNamespace(file=file, catalogue=catalogue)


@pytest.fixture(scope="session")
def truth(report):
    """The catalogue: records best first, and what it keeps of the first few."""
    with Catalogue.open(report.catalogue) as opened:
        model = resolve_model(opened, None)
        ranked = [row.record for row in find_scored(opened, Filter(model=model))]
        entries = {record.path: find_entry(opened, record.path, model) for record in ranked[:5]}
        return SimpleNamespace(ranked=ranked, entries=entries)


@pytest.fixture
def visit(browser):
    """Opens an address; in the end nothing may have been said on the console, and nothing asked of elsewhere.

    excused: what a browser says of an answer that is meant to be a refusal
    """
    said, asked, contexts = [], [], []

    def visit(address, size=DESK, scheme="light", excused=None):
        context = browser.new_context(viewport=size, color_scheme=scheme, has_touch=size is PHONE)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda message: message.text == excused or said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked.append((address, request.url)))
        page.goto(address)
        page.wait_for_selector(".card img.loaded")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert said == []
    assert [url for address, url in asked if not at_home(address, url)] == []


def at_home(address, url):
    """Whether a request stays in the page: inside its file or beside it, or at its own origin and below its path."""
    home = address.partition("#")[0]
    if home.startswith("file:"):
        return url.startswith(("data:", home, home.removesuffix(".html") + "_files/"))
    return url.startswith(("data:", home))
