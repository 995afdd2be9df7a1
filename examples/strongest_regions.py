"""Where a photo's score comes from: `python examples/strongest_regions.py photo.jpg`."""

import sys

import numpy as np

import rgnet

if len(sys.argv) != 2:
    raise SystemExit("usage: python examples/strongest_regions.py PHOTO")
try:
    scored = rgnet.load().score(sys.argv[1], regions=True)
except rgnet.RgnetError as problem:
    raise SystemExit(str(problem)) from None
assert scored.regions is not None
print(f"{scored.score:.2f}, better than {scored.percentile:.0f} % of the rated photos")

regions = scored.regions
for index in np.argsort(regions.weights, axis=None)[::-1][:5]:
    row, column = np.unravel_index(index, regions.grid)
    left, top, right, bottom = regions.box(row, column, width=scored.width, height=scored.height)
    share, vote = regions.weights[row, column], regions.votes[row, column]
    print(
        f"pixels ({left:.0f}, {top:.0f})-({right:.0f}, {bottom:.0f}): votes {vote:.2f}, {share:.1%} of the score"
    )
