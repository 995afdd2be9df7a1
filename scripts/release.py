"""Build what is published, twice, check that both are the same to the byte, and list what it needs: into dist/.

    python scripts/release.py                 of the working tree
    python scripts/release.py --tag v0.2.0    of a commit: the tag agrees with every file that states the version

Only files that git tracks are built. rgnet is built without its models, which are rgnet-weights.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = Path("packages") / "rgnet-weights"
LUA = "integrations/lightroom/rgnet.lrplugin/Info.lua"

# File -> where it states the version of rgnet; the first is what the build reads
STATED = {
    "src/rgnet/__init__.py": r'^__version__ = "(.+)"$',
    "CITATION.cff": r"^version: (.+)$",
    LUA: r"VERSION = { major = (\d+), minor = (\d+), revision = (\d+) }",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tag", help="the tag that is released, v and the version")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    arguments = parser.parse_args()
    if arguments.tag:
        check_tag(arguments.tag)
    arguments.out.mkdir(exist_ok=True)
    for package in ("code", "weights"):
        with tempfile.TemporaryDirectory() as folder:
            first, second = (build(Path(folder) / time, package) for time in ("first", "second"))
            differing = [one.name for one, other in zip(first, second, strict=True) if not same(one, other)]
            if differing:
                sys.exit(f"built twice, and not the same: {', '.join(differing)}")
            check_metadata(first)
            for file in first:
                print(shutil.copy(file, arguments.out))
    print(write_sbom(next(arguments.out.glob("rgnet-*.whl")), arguments.out / "rgnet.cdx.json"))


def check_tag(tag: str) -> None:
    """Ends the program where the tag, the files, the changelog or the working tree say otherwise."""
    problems = [f"{file} says {said}" for file, said in stated_versions().items() if f"v{said}" != tag]
    if not re.search(rf"^## {re.escape(tag[1:])} - \d{{4}}-\d\d-\d\d$", read("CHANGELOG.md"), re.MULTILINE):
        problems.append(f"CHANGELOG.md has no line '## {tag[1:]} - YYYY-MM-DD'")
    if run(["git", "status", "--porcelain"]):
        problems.append("the working tree has changes: commit them")
    if problems:
        sys.exit(f"{tag} cannot be released: {'; '.join(problems)}")


def stated_versions() -> dict[str, str]:
    """File -> the version that it states."""
    return {file: _find(pattern, file) for file, pattern in STATED.items()}


def _find(pattern: str, file: str) -> str:
    found = re.search(pattern, read(file), re.MULTILINE)
    return ".".join(found.groups()) if found else "nothing"


def build(folder: Path, package: str) -> list[Path]:
    """Wheel and source archive of "code" or "weights", from a copy of the tracked files of that package alone."""
    for name in (Path(name) for name in run(["git", "ls-files", "-z"]).split("\0") if name):
        if name.is_relative_to(WEIGHTS) == (package == "weights"):
            target = folder / package / (name.relative_to(WEIGHTS) if package == "weights" else name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist")]
    run([*command, str(folder / package)])
    return sorted((folder / "dist").iterdir())


def check_metadata(files: list[Path]) -> None:
    run([sys.executable, "-m", "twine", "check", "--strict", *map(str, files)])
    for wheel in (file for file in files if file.suffix == ".whl"):
        # Without the list of files of the checkout, which has the models too
        run([sys.executable, "-m", "check_wheel_contents", "--no-config", str(wheel)])


def write_sbom(wheel: Path, target: Path) -> Path:
    """What `pip install rgnet` installs, with versions and licences, as CycloneDX: of an environment without pip."""
    with tempfile.TemporaryDirectory() as folder:
        run([sys.executable, "-m", "venv", "--without-pip", folder])
        python = str(Path(folder) / "bin" / "python")
        run(
            [
                sys.executable,
                "-m",
                "pip",
                "--python",
                python,
                "install",
                "--quiet",
                "--no-compile",
                str(wheel),
            ]
        )
        options = ["--output-reproducible", "--output-file", str(target)]
        run([sys.executable, "-m", "cyclonedx_py", "environment", *options, python])
    return target


def same(one: Path, other: Path) -> bool:
    return one.name == other.name and one.read_bytes() == other.read_bytes()


def read(file: str) -> str:
    return (ROOT / file).read_text("utf-8")


def run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
