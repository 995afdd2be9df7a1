"""Install the wheels of dist/ into empty environments and score a photo there, as somebody would who has only them.

python scripts/try_wheels.py                          with the Python that runs this
python scripts/try_wheels.py python3.11 python3.14    with each of these
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PHOTO = (
    "from PIL import Image; Image.linear_gradient('L').resize((600, 400)).convert('RGB').save('photo.jpg')"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("python", nargs="*", default=[sys.executable])
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    arguments = parser.parse_args()
    (code,), (weights,) = arguments.dist.glob("rgnet-*.whl"), arguments.dist.glob("rgnet_weights-*.whl")
    for python in arguments.python:
        with tempfile.TemporaryDirectory() as folder:
            print(
                f"{python}: {try_wheels(python, code.resolve(), weights.resolve(), Path(folder))}", flush=True
            )


def try_wheels(python: str, code: Path, weights: Path, folder: Path) -> str:
    """What was seen, in words. Ends the program where something is not as it should be."""
    run([python, "-m", "venv", "env"], folder)
    programs = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    pip = [programs / "python", "-m", "pip", "--disable-pip-version-check"]
    run([*pip, "install", "--quiet", code], folder)
    run([programs / "python", "-c", PHOTO], folder)

    # Without a model: the line that installs one
    score = [programs / "rgnet", "score", "photo.jpg", "--json"]
    refused = run(score, folder, expected=2).stderr
    require("pip install rgnet-weights" in refused, f"expected the line that installs the models: {refused}")

    run([*pip, "install", "--quiet", "--no-index", weights], folder)
    row = json.loads(run(score, folder).stdout)
    require(row["error"] is None and 1 <= row["score"] <= 5, f"expected a score from 1 to 5: {row}")
    installed = {each["name"] for each in json.loads(run([*pip, "list", "--format", "json"], folder).stdout)}
    require("torch" not in installed, "scoring needs no torch, and it is installed")
    size = sum(path.stat().st_size for path in (folder / "env").rglob("*") if path.is_file())
    version = run([programs / "rgnet", "--version"], folder).stdout.strip()
    return f"{version}, a score of {row['score']:.3f} by {row['engine']}, {size / 1e6:.0f} MB installed"


def run(command: list[str | Path], folder: Path, *, expected: int = 0) -> subprocess.CompletedProcess[str]:
    """As a new user: nothing of this machine's settings but its path and its package index."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SYSTEMROOT"))}
    environment = kept | {"PATH": os.environ["PATH"], "HOME": str(folder), "USERPROFILE": str(folder)}
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True
    )
    said = f"{' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout}{done.stderr}"
    require(done.returncode == expected, said)
    return done


def require(condition: bool, message: str) -> None:
    if not condition:
        sys.exit(message)


if __name__ == "__main__":
    main()
