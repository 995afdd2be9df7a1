"""Fixtures of the whole test tree."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

# Reasons of a skip that say that this machine lacks a program or a package
LACKING = re.compile(r"needs |could not import |not installed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With CI=true a test that is skipped for lack of a program or a package fails: nothing is left out in silence."""
    return forbid_lacking((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    return forbid_lacking((yield))


def forbid_lacking(report):
    reason = report.longrepr[2] if report.skipped and isinstance(report.longrepr, tuple) else ""
    if os.environ.get("CI") == "true" and LACKING.search(reason):
        report.outcome, report.longrepr = "failed", f"{reason} (with CI=true nothing may be lacking)"
    return report


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory) -> Iterator[None]:
    """Previews of this run's own, not the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


# Of these folders a process has what costs most (a report of 500 photos and a browser; a Ray cluster): one process
# is enough. Everywhere else what is shared is a file's own.
TOGETHER = {"page", "cluster"}


def group_of(nodeid: str) -> str:
    path = Path(nodeid.partition("::")[0])
    return path.parent.name if path.parent.name in TOGETHER else str(path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """For `pytest -n`: what shares something costly runs in one process (pytest 9.2 passes over marks of groups)."""
    from xdist.scheduler import LoadScopeScheduling

    class LoadOurGroups(LoadScopeScheduling):
        _split_scope = staticmethod(group_of)

    return LoadOurGroups(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What has slow tests begins first, so that no process has a long one left in the end."""
    groups = {item: group_of(item.nodeid) for item in items}
    slow = {groups[item] for item in items if item.get_closest_marker("slow")} | TOGETHER
    items.sort(key=lambda item: groups[item] not in slow)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos beside the checkout; tests that need it are skipped, visibly, without it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip(f"no shared/ folder beside the checkout ({folder})")
    return folder


@dataclass(frozen=True)
class Done:
    """How a command ended, as subprocess.CompletedProcess has it."""

    returncode: int
    stdout: bytes
    stderr: bytes

    @property
    def errors(self) -> str:
        return self.stderr.decode()


@pytest.fixture
def typed(monkeypatch, capsysbinary) -> Callable[..., Done]:
    """Runs `rgnet WORDS` in this process, from `main` to its exit code; input: what comes on standard input."""
    from rgnet.cli import main

    def run(*words: object, input: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "argv", ["rgnet", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(input)))
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(int(ended.value.code or 0), *capsysbinary.readouterr())

    return run


@pytest.fixture
def full_disk(tmp_path) -> Iterator[Path]:
    """An empty disk of 256 KiB. Skips, visibly, where this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder], capture_output=True
    ).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def decoders():
    """Gives the decoding processes that have begun since the test did: other tests keep services with their own."""
    import psutil

    def find() -> set[psutil.Process]:
        found = set()
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if "rgnet.imaging.workers" in " ".join(child.cmdline()):
                    found.add(child)
        return found

    before = find()
    return lambda: find() - before


@pytest.fixture
def photo(tmp_path) -> Path:
    """A file that only its first bytes make a photo, for what is written beside photos."""
    from sidecars import JPEG

    path = tmp_path / "a.jpg"
    path.write_bytes(JPEG)
    return path


@pytest.fixture
def sidecar(photo) -> Path:
    """Where its sidecar would stand; nothing stands there yet."""
    return photo.with_name("a.jpg.xmp")


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window. Skips, visibly, where it or Playwright is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        pytest.skip("needs chromium")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, headless=True, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory) -> Path:
    """The file of a small network with a score head, weights drawn at random; no other model lies beside it."""
    return tiny(tmp_path_factory, head="score")


@pytest.fixture(scope="session")
def tiny_classifier(tmp_path_factory) -> Path:
    """The same with two classes."""
    return tiny(tmp_path_factory, head="classes")


@pytest.fixture(scope="session")
def tiny_histogram(tmp_path_factory) -> Path:
    """The same with a share for each of five ratings."""
    return tiny(tmp_path_factory, head="histogram", bins=(0.0, 0.25, 0.5, 0.75, 1.0))


@pytest.fixture(scope="session")
def tiny_file(tiny_model):
    """The tiny model in memory."""
    from rgnet.weights.file import read_model

    return read_model(tiny_model)


@pytest.fixture(scope="session")
def squashing(tiny_file):
    """The tiny model fed with squares of 96 pixels, where it else keeps a photo's shape."""
    preprocess = replace(tiny_file.card.preprocess, fit="squash")
    return replace(tiny_file, card=replace(tiny_file.card, preprocess=preprocess))


def tiny(tmp_path_factory, *, head: str, bins: tuple[float, ...] = ()) -> Path:
    """Written once for all processes of a run: exporting its graph takes seconds."""
    run = tmp_path_factory.getbasetemp()
    run = run.parent if "PYTEST_XDIST_WORKER" in os.environ else run
    folder = run / f"model-{head}"
    folder.mkdir(exist_ok=True)
    path = folder / f"tiny-{head}.safetensors"
    with (run / f"model-{head}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            write_tiny(path, head, bins)
    return path


def write_tiny(path: Path, head: str, bins: tuple[float, ...]) -> None:
    import torch

    from rgnet.architecture import Architecture
    from rgnet.export import graph_of
    from rgnet.imaging.preprocess import Preprocess
    from rgnet.model import build
    from rgnet.weights.card import ModelCard, Scale
    from rgnet.weights.file import to_stored, write_model

    torch.manual_seed(0)
    architecture = Architecture(
        backbone="resnet18",
        output_stride=16,
        squeeze=32,
        rates=(1, 2),
        maps=8,
        residual=True,
        scaled_affinity=True,
        head=head,
        bins=bins,
    )
    network = build(architecture).eval()
    card = ModelCard(
        name=f"tiny-{head}",
        architecture=architecture,
        preprocess=Preprocess(size=96, fit="keep"),
        scale=Scale(low=1.0, high=5.0, people="nobody", quantiles=(1.0, 3.0, 5.0)),
        licence="none: random weights",
    )
    write_model(path, card, to_stored(architecture, network.state_dict()), graph_of(network))
