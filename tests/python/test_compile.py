# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiling: sources, options, errors as data, the cache, files and pickles."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import grus
import numpy as np
import pytest
from conftest import SEQUENCE
from grus import _cache, _command, _recipe

# What the cache is tried with: the compiler is done with it at once.
SMALL = 'grus 1\n\nmodel small {\n  in x : f32[3]\n  out y : f32[2] = x * 8 |> Dense(2)\n}\n'
WRONG = "grus 1\n\nmodel a {\n  in x : f32[4, 3]\n  out y : f32[2] = x |> LSTM(2) |> last\n}\n"


def test_errors_are_data():
    with pytest.raises(grus.GrusError) as caught:
        grus.compile(WRONG, weights="random:1")
    error = caught.value
    assert error.codes == ["E301"] and "needs [time t, d], gets [4, 3]" in str(error)
    fix = error.diagnostics[0]["fixes"][0]
    assert fix["applicability"] == "sure" and fix["edits"][0]["text"] == "time 4"
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) and again.diagnostics == error.diagnostics


def test_what_cannot_be_compiled(tmp_path):
    for call, words in [
        (lambda: grus.compile(tmp_path / "none.grus"), "none.grus"),
        (lambda: grus.compile(SEQUENCE), "E604"),
        (lambda: grus.compile(SEQUENCE, weights=tmp_path / "w.safetensors"), "w.safetensors"),
        (lambda: grus.compile(SEQUENCE, weights="random:1", target="z80"), "no target named `z80`"),
        (lambda: grus.compile(SEQUENCE, weights="random:1", precision="f8"), "f8"),
    ]:
        with pytest.raises(grus.GrusError) as caught:
            call()
        assert words in str(caught.value)
    with pytest.raises(TypeError, match="a list given; a path, source text, a Keras model or a torch module"):
        grus.compile([1])


def test_options_and_weights_as_a_dictionary(random):
    text = "grus 1\n\nparam n = 4\n\nmodel d {\n  weights torch \"w.safetensors\"\n  in x : f32[n]\n  out y : f32[2] = x |> Dense(2, from=\"fc\")\n}\n"
    w, b = random.standard_normal((2, 6)), random.standard_normal(2)
    m = grus.compile(text, weights={"fc.weight": w.astype(np.float32), "fc.bias": b.astype(np.float32)}, define={"n": 6})
    x = random.standard_normal((5, 6)).astype(np.float32)
    assert np.abs(m(x) - (x @ w.T + b)).max() < 1e-5
    with pytest.raises(grus.GrusError) as caught:
        grus.compile(text, weights={"fc.weight": w.astype(np.float32)}, define={"n": 6})
    assert caught.value.codes
    with pytest.raises(TypeError, match="complex128 given"):
        grus.compile(text, weights={"fc.weight": w.astype(complex)}, define={"n": 6})


def count_builds(monkeypatch):
    builds, run = [], _command.run

    def counted(arguments, *rest):
        builds.append(arguments[0])
        return run(arguments, *rest)

    monkeypatch.setattr(_command, "run", counted)
    return builds


def write_small(tmp_path):
    """SMALL with a weights file of its own."""
    header = {"fc.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
              "fc.bias": {"dtype": "F32", "shape": [2], "data_offsets": [24, 32]}}
    head = json.dumps(header).encode()
    data = np.arange(8, dtype=np.float32).tobytes()
    (tmp_path / "small.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + data)
    path = tmp_path / "small.grus"
    path.write_text(SMALL.replace("  in", '  weights torch "small.safetensors"\n  in').replace("(2)", '(2, from="fc")'))
    return path


def test_the_cache_knows_content(tmp_path, monkeypatch):
    monkeypatch.setenv("GRUS_CACHE", str(tmp_path / "cache"))
    path = write_small(tmp_path)
    builds = count_builds(monkeypatch)
    first = grus.compile(path).to_bytes()
    assert grus.compile(path).to_bytes() == first and len(builds) == 1
    grus.compile(path, batch=4)
    assert len(builds) == 2  # another option
    weights = path.with_suffix(".safetensors")
    data = bytearray(weights.read_bytes())
    data[-4:] = np.float32(0.125).tobytes()
    weights.write_bytes(data)
    assert grus.compile(path).to_bytes() != first and len(builds) == 3  # a file that the model names
    path.write_text(path.read_text().replace("x * 8", "x * 9"))
    grus.compile(path)
    assert len(builds) == 4
    grus.compile(path, cache=False)
    assert len(builds) == 5


def test_a_damaged_cache_is_not_believed(tmp_path, monkeypatch):
    monkeypatch.setenv("GRUS_CACHE", str(tmp_path / "cache"))
    x = np.ones(3, np.float32)
    y = grus.compile(SMALL, weights="random:1")(x)
    (entry,) = (tmp_path / "cache").iterdir()
    whole = entry.read_bytes()
    builds = count_builds(monkeypatch)
    for data in (whole[:-1], whole[: len(whole) // 2], b"", whole[:5000] + b"\0" + whole[5001:]):
        entry.write_bytes(data)
        assert (grus.compile(SMALL, weights="random:1")(x) == y).all()
        assert entry.read_bytes() == whole
    assert len(builds) == 4
    assert [p.name for p in (tmp_path / "cache").iterdir()] == [entry.name]


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("GRUS_CACHE", str(blocked / "cache"))
    assert grus.compile(SMALL, weights="random:1").name == "small"
    monkeypatch.setenv("GRUS_CACHE", "/dev/full")
    assert grus.compile(SMALL, weights="random:1").name == "small"
    monkeypatch.setenv("GRUS_CACHE", str(tmp_path / "cache"))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_cache.os, "replace", full)
    assert grus.compile(SMALL, weights="random:1").name == "small"
    assert list((tmp_path / "cache").iterdir()) == []
    monkeypatch.setenv("GRUS_CACHE", "off")
    assert _cache.folder() is None and grus.compile(SMALL, weights="random:1").name == "small"


def test_the_cache_stays_small(tmp_path, monkeypatch):
    monkeypatch.setenv("GRUS_CACHE", str(tmp_path))
    monkeypatch.setattr(_cache, "LIMIT", 3000)
    for i in range(5):
        _cache.put(f"{i}", bytes(1000), {})
        os.utime(tmp_path / f"{i}.lib", (i, i))
    _cache.put("5", bytes(1000), {})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["4.lib", "5.lib"]


PROCESS = "import sys, grus, numpy as np; m = grus.compile(sys.argv[1], weights='random:1'); print(m(np.ones(3, 'f4')).tolist())"


def test_two_processes_fill_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRUS_CACHE", str(tmp_path / "cache"))
    running = [subprocess.Popen([sys.executable, "-c", PROCESS, SMALL], stdout=subprocess.PIPE) for _ in range(3)]
    printed = [p.communicate()[0] for p in running]
    assert all(p.returncode == 0 for p in running) and len(set(printed)) == 1
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_dependency_rules():
    rule = r"it: /a/b\ c.grus /d/e\#f /g/h$$i /j\:k l%m" + "\n\n/a/b: \n"
    assert _recipe.read_rule(rule) == ["/a/b c.grus", "/d/e#f", "/g/h$i", "/j:k", str(Path.cwd() / "l%m")]


def test_save_and_load(sequence, tmp_path, random):
    x = random.standard_normal((20, 12, 5)).astype(np.float32)
    sequence.save(tmp_path / "seq.so")
    m = grus.load(tmp_path / "seq.so")
    assert (m(x) == sequence(x)).all() and m.to_bytes() == sequence.to_bytes()
    with pytest.raises(grus.GrusError, match="c_source: `seq` was loaded from a library or a pickle"):
        m.c_source
    (tmp_path / "seq.so").write_bytes(b"changed under the live model")
    assert (m(x) == sequence(x)).all()
    sequence.save(tmp_path / "seq.so")
    with pytest.raises(OSError):
        sequence.save(tmp_path / "no folder" / "seq.so")
    assert [p.name for p in tmp_path.iterdir()] == ["seq.so"]


def test_a_source_that_changed_is_noticed(tmp_path):
    path = write_small(tmp_path)
    m = grus.compile(path)
    assert "small_run" in m.c_source
    path.write_text(path.read_text() + "\n# later\n")
    with pytest.raises(grus.GrusError, match="small.grus has changed since"):
        m.c_source


def test_pickles(gesture, sequence, random):
    data = pickle.dumps(gesture)
    code = "import sys, pickle, numpy as np; m = pickle.load(sys.stdin.buffer); print(m.name, m(np.zeros((100, 6), 'f4')).tolist())"
    environment = dict(os.environ, GRUS="/nowhere/grus", PATH="/nowhere")  # no compiler is needed there
    out = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, env=environment, check=True).stdout
    assert out.decode() == f"gesture {gesture(np.zeros((100, 6), np.float32)).tolist()}\n"
    state = sequence.__getstate__()
    for change, words in [
        ({"version": 99}, "a pickle of version 99, and this package reads 1"),
        ({"image": state["image"][:-1000]}, "cut short"),
        ({"image": b"\x7fELF" + bytes(100)}, "32-bit or big-endian"),
        ({"image": state["image"][:18] + b"\xb7\x00" + state["image"][20:]}, "was compiled for aarch64"),
    ]:
        model = grus.Model.__new__(grus.Model)
        with pytest.raises(grus.GrusError, match=words):
            model.__setstate__({**state, **change})


def test_one_level_is_one_body():
    m = grus.compile(SEQUENCE, weights="random:1", target="native", batch=1)
    assert len(m.processors) == 1
