# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Synthesises the speech that train.py mixes, once, into one .npz file.

  python3 pool.py pool.npz

Out: arrays train_0 .. train_n (espeak-ng; flite kal16, awb, slt) and held_0 .. held_n (flite rms),
float16 at 16 kHz.
"""
import sys

import numpy as np

import sounds


def main(path):
    rng = np.random.default_rng(1)
    arrays = {}
    for i in range(480):
        arrays[f"train_{i}"] = sounds.say(rng)
    for i in range(360):
        arrays[f"train_{480 + i}"] = sounds.say(rng, ["kal16", "awb", "slt", "slt"][i % 4])
    for i in range(24):
        arrays[f"held_{i}"] = sounds.say(rng, "rms")
    np.savez(path, **{k: v.astype(np.float16) for k, v in arrays.items()})
    print(f"{sum(map(len, arrays.values())) / sounds.RATE / 60:.1f} minutes of speech")


if __name__ == "__main__":
    main(sys.argv[1])
