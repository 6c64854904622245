#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes corpus/NAME.json: the configurations of Keras fixtures, without what grus passes over, one line each.

    python3 tests/fuzz/keras_config/make_configs.py"""
import json
import pathlib
import zipfile

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE / "../../conformance/keras/fixtures"
MOST = 2600  # bytes: a fuzzer changes short texts better
NOISE = ("dtype", "trainable", "compile_config", "build_config", "registered_name", "module", "seed")


def kept(value):
    if isinstance(value, list):
        return [kept(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {k: kept(v) for k, v in value.items() if k not in NOISE and not k.endswith(("_initializer", "_regularizer", "_constraint"))}


def main():
    out = HERE / "corpus"
    out.mkdir(exist_ok=True)
    for path in sorted(FIXTURES.glob("*.keras")):
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            version = json.loads(archive.read("metadata.json"))["keras_version"]
        text = json.dumps({"keras_version": version, **kept(config)}, separators=(",", ":"))
        if len(text) < MOST:
            (out / f"{path.stem}.json").write_text(text)


main()
