"""The documentation agrees with the program: its Python passes mypy and runs, its commands and options exist."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

import rgnet
from rgnet.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
LANGUAGES = {
    "python",
    "console",
    "text",
    "json",
    "csv",
    "yaml",
    "toml",
    "dockerfile",
    "ini",
    "nginx",
    "bibtex",
    "html",
}
FOREIGN = (
    "numpy",
    "onnxruntime",
    "openvino",
    "torch",
    "timm",
    "lightning",
    "PIL",
    "pandas",
    "polars",
    "fiftyone",
    "pyarrow",
    "scipy",
    "typer",
    "rich",
)
DIVIDERS = {"|", "||", "&&", ";", "&"}
COMMANDS = typer.main.get_command(app)
assert isinstance(COMMANDS, TyperGroup)


@dataclass(frozen=True)
class Snippet:
    """A fenced block. line: of its first line of text."""

    page: str
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


def snippets_of(page: Path) -> list[Snippet]:
    found, lines = [], page.read_text(encoding="utf-8").splitlines()
    begin: int | None = None
    for number, line in enumerate(lines):
        if not line.lstrip().startswith("```"):
            continue
        if begin is None:
            begin = number
            continue
        language = lines[begin].strip().removeprefix("```").split(" ")[0]
        text = "\n".join(lines[begin + 1 : number]) + "\n"
        found.append(Snippet(str(page.relative_to(ROOT)), begin + 2, language, text))
        begin = None
    assert begin is None, f"{page}: the block of line {begin} has no end"
    return found


SNIPPETS = [snippet for page in PAGES for snippet in snippets_of(page)]
PYTHON = [snippet for snippet in SNIPPETS if snippet.language == "python"]
# Those of docs/convert.md are run by tests/test_export.py, without rgnet; FiftyOne needs a database
RUN_HERE = [snippet for snippet in PYTHON if snippet.page not in ("docs/convert.md", "docs/fiftyone.md")]
CONSOLE = [snippet for snippet in SNIPPETS if snippet.language == "console"]


def commands_in(text: str) -> list[list[str]]:
    """The calls of rgnet in the lines of a console that begin with $."""
    lines = text.replace("\\\n", " ").splitlines()
    return [call for line in lines if line.startswith("$ ") for call in calls_in(line[2:])]


def calls_in(line: str) -> list[list[str]]:
    reader = shlex.shlex(line, posix=True, punctuation_chars="|&;")
    reader.whitespace_split = True
    calls: list[list[str]] = [[]]
    for word in reader:
        if word in DIVIDERS:
            calls.append([])
        else:
            calls[-1].append(word)
    return [words for call in calls if (words := words_after_rgnet(call))]


def words_after_rgnet(call: list[str]) -> list[str]:
    """`rgnet ...`, `python -m rgnet ...` or a launcher of either; [] where a call is of another program."""
    for before, (index, word) in zip(["--", *call], enumerate(call), strict=False):
        if Path(word).name == "rgnet" and (before in ("-m", "--") or "=" in before):
            return call[index:]
    return []


def check_call(words: list[str]) -> None:
    """Raises what the parser raises."""
    _, *arguments = words
    if arguments and arguments[0].startswith("-"):
        assert arguments[0] in ("--help", "-h", "--version"), f"no option {arguments[0]}"
        return
    assert arguments, "expected a command"
    name, *rest = arguments
    assert name in COMMANDS.commands, f"no command {name}"
    if "..." in rest:
        check_options(name, rest)
    elif not {"--help", "-h"} & set(rest):
        command = COMMANDS.commands[name]
        if isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
            name, *rest = rest
            assert name in command.commands, f"no command {name}"
            command = command.commands[name]
        command.make_context(name, rest)


def check_options(name: str, words: list[str]) -> None:
    command = COMMANDS.commands[name]
    below = command.commands.values() if isinstance(command, TyperGroup) else ()
    known = {
        option
        for each in (command, *below)
        for item in each.params
        for option in (*item.opts, *item.secondary_opts)
    }
    for word in words:
        if re.match(r"--?[a-z]", word):
            assert word.partition("=")[0] in known | {"--help"}, f"rgnet {name} has no option {word}"


# --- the tests look where they should ---------------------------------------------------------------------


def test_snippets_and_commands_are_found():
    assert len(PYTHON) >= 5
    assert sum(len(commands_in(snippet.text)) for snippet in CONSOLE) > 30
    text = "$ find . -print0 | rgnet score - \\\n    --top 5 & # all\n$ A=1 rgnet info\n$ ls rgnet\nrgnet x\n"
    assert commands_in(text) == [["rgnet", "score", "-", "--top", "5"], ["rgnet", "info"]]


def test_every_snippet_says_its_language():
    unknown = {snippet.language for snippet in SNIPPETS} - LANGUAGES
    assert not unknown, [snippet.name for snippet in SNIPPETS if snippet.language in unknown]


@pytest.mark.parametrize(
    "line",
    [
        "rgnet scroe a.jpg",
        "rgnet score --modle x a.jpg",
        "rgnet top ten",
        "rgnet train --no ...",
        "rgnet score",
        "rgnet models instal x",
    ],
)
def test_a_wrong_command_is_found(line):
    [call] = commands_in(f"$ {line}")
    with pytest.raises(Exception, match=r"no command|No such|Input should be|Missing|has no option"):
        check_call(call)


# --- Python ------------------------------------------------------------------------------------------------


def test_python_snippets_pass_mypy(tmp_path):
    """Strictly, against the types of rgnet; those of other packages are anything, which makes it quick."""
    folder = tmp_path / "snippets"
    folder.mkdir()
    for snippet in PYTHON:
        name = re.sub(r"\W", "_", snippet.name)
        # Line numbers of messages are those of the page
        (folder / f"{name}.py").write_text("\n" * (snippet.line - 1) + snippet.text, encoding="utf-8")
    skipped = "\n".join(f"[mypy-{name}.*]\nfollow_imports = skip" for name in FOREIGN)
    settings = tmp_path / "mypy.ini"
    settings.write_text(
        f"[mypy]\nstrict = true\nmypy_path = {ROOT / 'src'}\nignore_missing_imports = true\n"
        f"[mypy-rgnet.*]\nfollow_imports = silent\n{skipped}\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", str(settings), str(folder)]
    done = subprocess.run([*command, "--cache-dir", str(tmp_path / "cache")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """A folder with every file that the snippets name: real photographs, and the networks of a tiny model."""
    skimage = pytest.importorskip("skimage.data", reason="needs scikit-image")
    from PIL import Image

    folder = tmp_path_factory.mktemp("documentation")
    (folder / "wedding").mkdir()
    for index, name in enumerate(("photo.jpg", "beach.jpg", "wedding/a.jpg", "wedding/b.jpg")):
        source = Path(skimage.__file__).parent / ("astronaut.png", "chelsea.png", "coffee.png")[index % 3]
        with Image.open(source) as image:
            image.convert("RGB").resize((300, 200)).save(folder / name)
    (folder / "holiday.jpg").write_bytes((folder / "photo.jpg").read_bytes()[:4000])
    _write_video(folder / "holiday.mp4", folder / "photo.jpg")
    return folder


def _write_video(path: Path, photo: Path) -> None:
    """Half a second of one photo."""
    av = pytest.importorskip("av", reason="needs PyAV")
    from PIL import Image

    with av.open(str(path), "w") as container, Image.open(photo) as image:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height = image.size
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())


@pytest.mark.slow
@pytest.mark.parametrize("snippet", RUN_HERE, ids=lambda snippet: snippet.name)
def test_python_snippets_run(snippet, photos, tmp_path, monkeypatch, capsys):
    shutil.copytree(photos, tmp_path, dirs_exist_ok=True)
    script = tmp_path / "snippet.py"
    script.write_text(snippet.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out


# --- commands ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("snippet", CONSOLE, ids=lambda snippet: snippet.name)
def test_commands_in_console_snippets_exist_with_their_options(snippet):
    for call in commands_in(snippet.text):
        check_call(call)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_running_text_exist_with_their_options(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for code in re.findall(r"`(rgnet [^`]+)`", text):
        _, name, *rest = code.split()
        if name.isupper():  # a placeholder, such as COMMAND
            continue
        assert name in COMMANDS.commands or name == "--version", f"`{code}`: no such command"
        if name in COMMANDS.commands:
            check_options(name, rest)


def test_commands_in_messages_and_docstrings_exist_with_their_options():
    for path in sorted((ROOT / "src").rglob("*.py")):
        for name, rest in re.findall(
            r"\brgnet ([a-z]+) ((?:--[a-z-]+[ \w]*)*)", path.read_text(encoding="utf-8")
        ):
            if name in COMMANDS.commands:
                check_options(name, rest.split())


@pytest.mark.parametrize("path", sorted((ROOT / "deploy").glob("*")), ids=lambda path: path.name)
def test_commands_in_deployment_files_exist_with_their_options(path):
    text = path.read_text(encoding="utf-8")
    for name, rest in re.findall(r"\brgnet[ \",]+([a-z]+)((?:[ \",]+-[^\n]*)?)", text):
        if name in COMMANDS.commands:
            check_options(name, re.findall(r"(?<![\w-])--[a-z-]+", rest))


@pytest.mark.parametrize("name", sorted(COMMANDS.commands))
def test_every_command_is_shown_on_a_page_of_the_documentation(name):
    calls = [
        call for snippet in CONSOLE if snippet.page.startswith("docs/") for call in commands_in(snippet.text)
    ]
    assert any(call[1:2] == [name] for call in calls), f"no console of docs/ runs rgnet {name}"


def test_every_public_error_can_be_caught_from_rgnet():
    from rgnet import errors

    public = {name for name, value in vars(errors).items() if isinstance(value, type)} & set(rgnet.__all__)
    assert {
        "PhotoError",
        "ModelFileError",
        "CatalogueError",
        "OutputError",
        "SettingError",
        "MissingExtra",
    } <= public
