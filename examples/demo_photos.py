"""Prints the paths of real photographs that scikit-image carries, or of one: `demo_photos.py coffee`.

All six are in the public domain or CC0: the docstrings of `skimage.data` name origin and licence.
"""

import sys
from pathlib import Path

import skimage.data

PHOTOS = ("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "rocket.jpg")

folder = Path(skimage.data.__file__).parent
for photo in PHOTOS:
    if len(sys.argv) < 2 or photo.startswith(sys.argv[1]):
        print(folder / photo)
