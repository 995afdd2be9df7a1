"""Decode every file of a folder in a process of its own: what is refused, the slowest, the peak memory.

    python benchmarks/decoding.py ../shared/photos/hard [--whole]

Without --whole a photo is asked for at 300 x 300, as scoring asks. Prints one Markdown row a subfolder.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CHILD = """
import json, resource, sys, time
from rgnet.errors import PhotoError
from rgnet.imaging.decode import decode

start = time.perf_counter()
try:
    decode(sys.argv[1], at_least=(300, 300) if sys.argv[2] == "fitted" else None)
    outcome = "decoded"
except PhotoError:
    outcome = "refused"
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([outcome, time.perf_counter() - start, peak]))
"""


def measure(file: Path, how: str) -> tuple[str, float, float]:
    child = subprocess.run([sys.executable, "-c", CHILD, str(file), how], capture_output=True, text=True)
    return tuple(json.loads(child.stdout)) if child.returncode == 0 else ("crashed", 0.0, 0.0)


def main() -> None:
    root, how = Path(sys.argv[1]), "whole" if "--whole" in sys.argv else "fitted"
    print(f"| folder ({how}) | files | decoded | refused | crashed | slowest, s | peak, MB |")
    print("|---|---|---|---|---|---|---|")
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        rows = [measure(file, how) for file in sorted(folder.rglob("*")) if file.is_file()]
        counts = [sum(row[0] == outcome for row in rows) for outcome in ("decoded", "refused", "crashed")]
        slowest, peak = max(row[1] for row in rows), max(row[2] for row in rows)
        print(
            f"| {folder.name} | {len(rows)} | {' | '.join(map(str, counts))} | {slowest:.2f} | {peak:.0f} |"
        )


if __name__ == "__main__":
    main()
