# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The recordings that two of the examples are trained on, read from the wheel of the PyPI package aeon.

  pip download --no-deps aeon==1.6.0

The wheel is a zip file; the package itself is not needed.
"""
import zipfile

import numpy as np


def load(wheel, problem, split):
    """[(float32 [time, channel], label as text)] of split TRAIN or TEST, in the order of the file.

    In a .ts file a line is channel:channel:...:label, a channel is numbers with commas."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"aeon/datasets/data/{problem}/{problem}_{split}.ts").decode()
    cases = []
    for line in text.splitlines():
        if not line.strip() or line[0] in "#@":
            continue
        *channels, label = line.strip().split(":")
        cases.append((np.array([c.split(",") for c in channels], "<f4").T, label))
    return cases
