"""A small library whose scores are known, for what writes them into other programs."""

import hashlib
import os
from dataclasses import replace

from sidecars import JPEG, rating
from typer.testing import CliRunner

from rgnet.catalogue.database import Catalogue
from rgnet.cli import app
from rgnet.imaging.jobs import DecodedPhoto
from rgnet.results import ScoredPhoto

PERCENTILES = {"a.jpg": 5.0, "b.jpg": 95.0, "c.jpg": 50.0}
STARS = {"a.jpg": 1, "b.jpg": 5, "c.jpg": 3}


class Library:
    """Three photos in a folder, and a catalogue that holds their scores."""

    def __init__(self, folder, card):
        self.folder, self.file, self.card = folder / "photos", folder / "c.sqlite", card
        self.folder.mkdir()
        for index, name in enumerate(PERCENTILES):
            (self.folder / name).write_bytes(JPEG + bytes([index]) * 20)
            os.utime(self.folder / name, ns=(0, 10**18 + index))
        self.scan()

    def scan(self, **changes):
        card = replace(self.card, **changes)
        with Catalogue.open(self.file, create=True) as catalogue, catalogue.transaction():
            catalogue.put_model(card, now=len(changes))
            for name, percentile in PERCENTILES.items():
                path = self.folder / name
                data, status = path.read_bytes(), path.stat()
                sha256 = hashlib.sha256(data).digest()
                photo = catalogue.put_photo(
                    DecodedPhoto(
                        sha256=sha256, byte_count=len(data), mtime_ns=status.st_mtime_ns, width=8, height=8
                    )
                )
                catalogue.put_file(os.fsencode(path), photo, bytes=len(data), mtime=status.st_mtime_ns)
                record = ScoredPhoto(
                    path=str(path),
                    score=3.0,
                    percentile=percentile,
                    label=None,
                    probability=None,
                    width=8,
                    height=8,
                    model=card.name,
                    model_hash=card.short_hash,
                    engine="test",
                )
                catalogue.put_score(photo, record)

    def rate(self, *words):
        return self.run("rate", *words)

    def run(self, command, *words):
        return CliRunner().invoke(app, [command, *map(str, words), "--catalogue", str(self.file)])

    def stars(self):
        sidecars = {name: self.folder / f"{name}.xmp" for name in PERCENTILES}
        return {name: rating(sidecar) for name, sidecar in sidecars.items() if sidecar.exists()}
