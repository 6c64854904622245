# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Libraries and processes that are not as they should be: an exception, never the end of the interpreter."""

import json
import multiprocessing
import os
import pickle
import platform
import shutil
import subprocess
import sys

import grus
import numpy as np
import pytest

LOAD = """import sys, grus
for path in sys.argv[1:]:
    try:
        grus.load(path)
        print("loaded")
    except grus.GrusError as error:
        print("refused:", error)
"""


def load(*paths):
    """A line for each, by a process of its own, which must not end by a signal."""
    done = subprocess.run([sys.executable, "-c", LOAD, *map(str, paths)], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, (done.returncode, lines, done.stderr)
    return [line for line in lines if line.startswith(("loaded", "refused:"))]


def all_refused(folder, files):
    """files: what each is called for a message, and its bytes."""
    paths = [folder / f"{i}.so" for i in range(len(files))]
    for path, (_, data) in zip(paths, files):
        path.write_bytes(data)
    lines = load(*paths)
    assert len(lines) == len(files)
    for line, (what, _) in zip(lines, files):
        assert line.startswith("refused:"), what


def test_libraries_cut_short(sequence, tmp_path):
    whole = sequence.to_bytes()
    sizes = [0, 1, 4, 40, 63, 64, 100, 1000, 4096, len(whole) // 2, len(whole) - 3000]
    all_refused(tmp_path, [(f"{size} bytes", whole[:size]) for size in sizes])


def test_libraries_with_other_bytes(sequence, tmp_path):
    whole = sequence.to_bytes()
    files = []
    for at in (0, 4, 16, 18, 32, 40, 54, 200, 5000, len(whole) // 2, len(whole) - 60):
        data = bytearray(whole)
        data[at] ^= 0x55
        files.append((f"byte {at}", data))
    all_refused(tmp_path, files)


def test_what_is_no_library_of_ours(tmp_path):
    path = tmp_path / "m.so"
    python = open(sys.executable, "rb").read()
    all_refused(tmp_path, [("text", b"hello"), ("a bare header", b"\x7fELF" + bytes(60)), ("a program", python)])
    libc = next((p for p in ("/lib/x86_64-linux-gnu/libz.so.1", "/usr/lib64/libz.so.1", "/lib/x86_64-linux-gnu/libutil.so.1") if os.path.exists(p)), None)
    if libc:
        path.write_bytes(open(libc, "rb").read())
        assert "no library of grus" in load(path)[0]
    with pytest.raises(FileNotFoundError):
        grus.load(tmp_path / "none.so")
    with pytest.raises(IsADirectoryError):
        grus.load(tmp_path)


def _score(arguments):
    data, x = arguments
    model = data if isinstance(data, grus.Model) else pickle.loads(data)
    return model(x)


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_other_processes(sequence, random, way):
    x = random.standard_normal((40, 12, 5)).astype(np.float32)
    y = sequence(x, threads=2)  # threads were used before the fork
    with multiprocessing.get_context(way).Pool(2) as pool:
        for answer in pool.map(_score, [(sequence, x), (pickle.dumps(sequence), x)]):
            assert (answer == y).all()


PROCESSOR = """import pickle, sys, grus
try:
    m = pickle.load(open(sys.argv[1], "rb"))
    print(m.processor, m([[0.25] * 5] * 12).tolist())
except grus.GrusError as error:
    print("refused:", error)
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() != "x86_64" or not shutil.which("qemu-x86_64"), reason="no qemu-x86_64, or another machine")
def test_a_pickle_on_an_older_processor(sequence, tmp_path):
    """It runs by the best body of the library there, and where it has none, that is said and nothing else happens."""
    path, code = tmp_path / "m.pickle", tmp_path / "code.py"
    path.write_bytes(pickle.dumps(sequence))
    code.write_text(PROCESSOR)

    def on(processor):
        done = subprocess.run(["qemu-x86_64", "-cpu", processor, sys.executable, str(code), str(path)], capture_output=True, text=True)
        assert done.returncode == 0, (done.returncode, done.stderr)
        return done.stdout

    level, _, answer = on("Nehalem").partition(" ")
    assert level == "x86-64-v2"
    assert np.abs(np.array(json.loads(answer)) - sequence(np.full((12, 5), 0.25, np.float32))).max() < 1e-6
    assert on("qemu64,-sse4.1,-sse4.2,-ssse3").startswith("refused: the pickle of `seq` holds code for x86-64-v4, x86-64-v3, x86-64-v2, and this processor")


def test_ten_gigabytes_are_rows_like_others(sequence):
    """An array that is no memory: a view of one row, larger than the machine."""
    huge = np.lib.stride_tricks.as_strided(np.zeros(60, np.float32), (50_000_000, 12, 5), (0, 20, 4))
    assert huge.nbytes == 12_000_000_000
    code = ("import resource, sys, grus, numpy as np\n"
            "resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))\n"
            "m = grus.load(sys.argv[1])\n"
            "x = np.lib.stride_tricks.as_strided(np.zeros(60, np.float32), (50_000_000, 12, 5), (0, 20, 4))\n"
            "try: m(x)\n"
            "except MemoryError as error: print('MemoryError', error)\n")
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        sequence.save(folder + "/m.so")
        done = subprocess.run([sys.executable, "-c", code, folder + "/m.so"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("MemoryError"), done.stderr


def test_calls_keep_nothing(sequence, follow):
    """Arrays, types and answers are let go of, whether a call is taken or refused."""
    s, x, v = follow.stream(), np.ones((12, 5), np.float32), np.ones(4, np.float32)
    rows, other = np.ones((3, 12, 5), np.float32), v[:3]
    kept = [x, v, rows, other, x.dtype, np.ndarray, np.empty, NotImplemented, sequence._lib]

    def calls():
        for _ in range(3000):
            sequence(x), sequence(rows), s.step(v)
            for refused in (sequence._short(other), sequence._short(x[::2]), sequence._short("x")):
                assert refused is NotImplemented
            assert s._short is None or s._short(other) is NotImplemented

    calls()
    before = [sys.getrefcount(k) for k in kept]
    calls()
    assert all(abs(sys.getrefcount(k) - b) < 100 for k, b in zip(kept, before))


def test_a_compiler_that_is_not_there(monkeypatch):
    for path in ("/nowhere/grus", "/dev/null"):
        monkeypatch.setenv("GRUS", path)
        with pytest.raises(grus.GrusError, match=path):
            grus.compile("grus 1\n\nmodel a {\n  in x : f32[2]\n  out y : f32[2] = x |> tanh\n}\n", cache=False)
