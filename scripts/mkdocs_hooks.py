"""What of the documentation is generated: the commands from the parser, the changelog from its file, and pictures.

A line <!-- picture: NAME | CAPTION --> of a page becomes the picture of a real run that make_pictures.py or
make_program_pictures.py made: what a command has written, what another program shows, or a page at desk and phone
width, in light or dark as the site is. Without pictures it says how to make them.

A line <!-- forest: CAPTION --> after a table of differences in SRCC becomes a forest plot of that table.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from rgnet.reproduce.forest import INK, Line, make_forest

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
PROGRAMS = ("darktable", "digikam")
_PICTURE = re.compile(r"^<!-- picture: ([\w-]+) \| (.*) -->$", re.MULTILINE)
_FOREST = re.compile(r"^((?:\|.*\n)+)\n<!-- forest: (.*) -->$", re.MULTILINE)
_NUMBER = re.compile(r"[+-]?\d+\.\d+")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """MkDocs calls this with the files of docs/; the pages below join them."""
    files.append(File.generated(config, "commands.md", content=command_reference()))
    files.append(File.generated(config, "changelog.md", content=(ROOT / "CHANGELOG.md").read_text("utf-8")))
    return files


def on_page_markdown(markdown: str, **_known: object) -> str:
    """MkDocs calls this with the text of every page."""
    markdown = _PICTURE.sub(lambda found: picture(found[1], found[2]), markdown)
    return _FOREST.sub(lambda found: f"{found[1]}\n{forest(found[1], found[2])}", markdown)


def picture(name: str, caption: str) -> str:
    """A figure in HTML, or where it was not made a sentence."""
    files = [
        (size, scheme, f"{name}-{size}-{scheme}.jpg")
        for size in ("desk", "phone")
        for scheme in ("light", "dark")
    ]
    if (PICTURES / f"{name}.jpg").is_file():
        files = [("run", "", f"{name}.jpg")]
    if not all((PICTURES / file).is_file() for _, _, file in files):
        script = "make_program_pictures.py" if name in PROGRAMS else "make_pictures.py"
        return f"*(Picture: {caption} `make site` makes it by `scripts/{script}`.)*"
    text = html.escape(caption, quote=True)
    anchors = {"": "", **{scheme: f"#only-{scheme}" for scheme in ("light", "dark")}}
    images = "".join(
        f'<img class="{size}" src="pictures/{file}{anchors[scheme]}" alt="{text}" loading="lazy">'
        for size, scheme, file in files
    )
    return f'<figure class="run">{images}<figcaption>{html.escape(caption)}</figcaption></figure>'


def forest(table: str, caption: str) -> str:
    """The figure of a table, as SVG in the ink of the page."""
    drawn = io.StringIO()
    with matplotlib.rc_context(
        {"svg.fonttype": "none", "font.family": "sans-serif", "svg.hashsalt": caption}
    ):
        make_forest(list(read_differences(table))).savefig(drawn, format="svg", transparent=True)
    svg = drawn.getvalue()
    svg = svg[svg.index("<svg") :].replace(INK, "currentColor").replace("\n", " ")
    # matplotlib's style is for a file of its own, here it would be the whole page's
    svg = svg.replace("*{", "figure.forest *{").replace("<svg", '<svg role="img" aria-label="forest plot"', 1)
    return f'<figure class="forest">{svg}<figcaption>{html.escape(caption)}</figcaption></figure>'


def read_differences(table: str) -> Iterator[Line]:
    """Rows of a Markdown table with columns "... over seeds" and "... over photos"; one of these may hold the mean."""
    heads, _, *rows = ([cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines())
    for row in rows:
        cells = dict(zip(heads, row, strict=True))
        numbers = {
            name: [float(number) for number in _NUMBER.findall(text)]
            for name, text in cells.items()
            if "over " in name or name == "difference"
        }
        first = next(iter(numbers.values()))
        if not first:  # the network that the others are compared with
            continue
        seeds, photos = (
            next(
                (values[-2:] for name, values in numbers.items() if name.endswith(end) and len(values) > 1),
                None,
            )
            for end in ("over seeds", "over photos")
        )
        yield Line(row[0], first[0], seeds and (seeds[0], seeds[1]), photos and (photos[0], photos[1]))


def command_reference() -> str:
    """A heading a panel of `rgnet --help`, a section a command: help, usage, arguments and options."""
    from rgnet.cli import app

    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    parts = ["# Commands", "Generated from the command line itself; `rgnet COMMAND --help` prints the same."]
    panel = ""
    for name, command in group.commands.items():
        heading = getattr(command, "rich_help_panel", None)
        if isinstance(heading, str) and heading != panel:
            panel = heading
            parts.append(f"## {panel}")
        parts.append(command_section(name, command))
        if isinstance(command, TyperGroup):
            parts += [command_section(f"{name} {below}", each) for below, each in command.commands.items()]
    return "\n\n".join(parts) + "\n"


def command_section(name: str, command: TyperCommand) -> str:
    context = command.context_class(command, info_name=f"rgnet {name}")
    usage = command.get_usage(context).removeprefix("Usage: ")
    rows = [parameter_row(parameter) for parameter in command.params if not parameter.hidden]
    table = "\n".join(["| | | default |", "|---|---|---|", *rows])
    paragraphs = [paragraph_of(text) for text in (command.help or "").replace("\b", "").split("\n\n")]
    return "\n\n".join([f"### rgnet {name}", *paragraphs, f"```text\n{usage}\n```", table])


def paragraph_of(text: str) -> str:
    """Text, or the lines of examples as a block of the console."""
    heading, *lines = text.strip().splitlines() or [""]
    if lines and all(line.strip().startswith("$ ") for line in lines):
        return "\n".join([heading, "", "```console", *(line.strip() for line in lines), "```"])
    return escape(text)


def parameter_row(parameter: TyperArgument | TyperOption) -> str:
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    if isinstance(parameter, TyperArgument):
        names = f"`{parameter.metavar or parameter.name}`"
    text = escape(parameter.help or "").replace("\n", " ").replace("|", "\\|")
    return f"| {names} | {text} | {escape(default_of(parameter))} |"


def default_of(parameter: TyperArgument | TyperOption) -> str:
    default, shown = parameter.default, parameter.show_default
    if isinstance(shown, str):
        return shown
    if default is None or isinstance(default, bool) or default in ((), []) or callable(default):
        return ""
    return f"`{getattr(default, 'value', default)}`"


def escape(text: str) -> str:
    return text.replace("<", "&lt;").replace("[", "\\[")
