"""The network of the paper, part by part: `rgnet.py` is Figure 3, the other files are its boxes.

section 3.1   backbones.py (dilated FCN)   dense_aspp.py (Figure 4)
section 3.2   region_graph.py (equations 1-3)   head.py (equations 4-5)
tables 1, 2   presets.py
"""

from rgnet.model.presets import PRESETS, preset
from rgnet.model.rgnet import RegionVotes, RGNet, build, restored

__all__ = ["PRESETS", "RGNet", "RegionVotes", "build", "preset", "restored"]
