"""Score photos with ONNX Runtime, without rgnet and torch: NumPy, Pillow and ONNX Runtime are all it needs.

rgnet convert --output rgnet.onnx
python score_with_onnxruntime.py rgnet.onnx photo.jpg ...
"""

import argparse
import json

import numpy as np
import onnxruntime
from PIL import Image, ImageOps, UnidentifiedImageError


def load(file: str) -> tuple[onnxruntime.InferenceSession, dict]:
    """The network and its model card."""
    try:
        network = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        card = json.loads(network.get_modelmeta().custom_metadata_map["rgnet"])
    except KeyError:
        raise SystemExit(f"{file}: no model card: write it with  rgnet convert --output {file}") from None
    except Exception as problem:  # ONNX Runtime has a class of its own for each kind of failure
        raise SystemExit(f"{file}: not an ONNX file that can be read ({problem})") from None
    if network.get_inputs()[0].name != "pixels":
        raise SystemExit(f"{file}: expected the input 'pixels': convert it with  --input pixels")
    return network, card


def pixels(photo: str, side: int, kernel: Image.Resampling) -> np.ndarray:
    """(side, side, 3) uint8, upright."""
    with Image.open(photo) as file:
        # A large JPEG is decoded at a fraction of its size, as rgnet does
        file.draft(None, (2 * side, 2 * side))
        return np.asarray(ImageOps.exif_transpose(file).convert("RGB").resize((side, side), kernel))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a file that `rgnet convert` wrote")
    parser.add_argument("photos", nargs="+")
    arguments = parser.parse_args()

    network, card = load(arguments.model)
    side, quantiles = card["preprocess"]["size"], card["scale"]["quantiles"]
    kernel = Image.Resampling[card["preprocess"]["kernel"].upper()]
    for photo in arguments.photos:
        try:
            image = pixels(photo, side, kernel)
        except (OSError, UnidentifiedImageError) as problem:
            print(f"-\t-\t{photo}: {problem}")
            continue
        (score,) = network.run(["score"], {"pixels": image[None]})[0]
        percentile = np.interp(score, quantiles, np.linspace(0, 100, len(quantiles)))
        print(f"{score:.5f}\t{percentile:.1f}\t{photo}")


if __name__ == "__main__":
    main()
