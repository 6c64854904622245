#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes corpus/NAME_VERSION: functions of the fixtures as each version of Python compiled them, behind a byte that says
how many values the layer reads. Needs h5py.

    python3 tests/fuzz/keras_lambda/make_corpus.py"""
import base64
import json
import pathlib

import h5py

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE / "../../conformance/keras/fixtures"
NAMES = {"squared": 1, "part": 1, "row": 1, "flat": 1, "gate": 1, "gone": 1, "distance": 2, "joined": 2, "larger": 2}


def main():
    out = HERE / "corpus"
    out.mkdir(exist_ok=True)
    for path in sorted(FIXTURES.glob("lambda_[23]_*.h5")):
        with h5py.File(path) as f:
            config = json.loads(f.attrs["model_config"])
        for layer in config["config"]["layers"]:
            name = layer["config"]["name"]
            if name in NAMES and layer["class_name"] == "Lambda":
                code = base64.b64decode(layer["config"]["function"][0])
                (out / f"{name}_{path.stem[len('lambda_'):]}").write_bytes(bytes([NAMES[name] - 1]) + code)


main()
