"""Scores photos with ONNX Runtime, without rgnet and torch: numpy, pillow and onnxruntime are all it needs.

rgnet export --to onnx --output rgnet.onnx
python score_with_onnxruntime.py rgnet.onnx photo.jpg ...
"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

network = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
card = json.loads(network.get_modelmeta().custom_metadata_map["rgnet"])
side, quantiles = card["preprocess"]["size"], card["scale"]["quantiles"]
kernel = Image.Resampling[card["preprocess"]["kernel"].upper()]

for name in sys.argv[2:]:
    with Image.open(name) as file:
        # A large JPEG is decoded at a fraction of its size, as rgnet does
        file.draft(None, (2 * side, 2 * side))
        photo = ImageOps.exif_transpose(file).convert("RGB").resize((side, side), kernel)
    (score,) = network.run(["score"], {"pixels": np.asarray(photo)[None]})[0]
    percentile = np.interp(score, quantiles, np.linspace(0, 100, len(quantiles)))
    print(f"{score:.5f}\t{percentile:.1f}\t{name}")
