# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls over whole sequences: numbers, forms of inputs, what is refused."""

import array
import sys
import threading
import types

import grus
import numpy as np
import pytest
from conftest import EXAMPLES


def test_answers_are_those_of_pytorch(gesture):
    data, expected = (np.load(EXAMPLES / "gesture" / d) for d in ("data/test.npy", "expected/activity.npy"))
    y = gesture(data)
    assert y.dtype == np.float32 and y.shape == expected.shape
    assert np.abs(y - expected).max() < 1e-5
    assert grus.verify(gesture, lambda _: expected, data)


def test_bounded_lengths_are_those_of_pytorch(vowels):
    folder = EXAMPLES / "japanese_vowels"
    data, n, expected = (np.load(folder / f) for f in ("data/test.npy", "data/test_length.npy", "expected/speaker.npy"))
    assert np.abs(vowels((data, n)) - expected).max() < 1e-5
    assert np.abs(vowels([row[:k] for row, k in zip(data, n)]) - expected).max() < 1e-5
    one = np.load(folder / "data/utterance.npy")
    assert np.abs(vowels(one) - np.load(folder / "expected/utterance.npy")).max() < 1e-5


def test_one_row_many_rows_and_threads_give_the_same_bits(sequence, random):
    x = random.standard_normal((333, 12, 5)).astype(np.float32)
    y = sequence(x)
    assert y.shape == (333, 3) and np.allclose(y.sum(1), 1, atol=1e-5)
    assert (sequence(x, threads=3) == y).all()
    assert all((sequence(row) == y[i]).all() for i, row in enumerate(x[:40]))
    assert (sequence(x=x) == y).all() and (sequence.predict(x) == y).all()
    assert sequence.predict(x[0]).shape == (1, 3) and sequence(x[:0]).shape == (0, 3)


def test_forms_of_arrays(sequence, random):
    x = random.standard_normal((7, 12, 5)).astype(np.float32)
    y = sequence(x)
    assert (sequence(np.asfortranarray(x)) == y).all()
    assert (sequence(np.repeat(x, 2, axis=0)[::2]) == y).all()
    assert (sequence(x[:, ::-1][:, ::-1]) == y).all()
    assert (sequence(x.astype(">f4")) == y).all()
    assert (sequence(x.astype(np.float64)) == y).all()
    assert (sequence(x.tolist()) == y).all()
    assert (sequence(memoryview(x)) == y).all()
    flat = memoryview(array.array("f", x[0].ravel().tolist())).cast("B").cast("f", [12, 5])
    assert (sequence(flat) == y[0]).all()
    readonly = x.copy()
    readonly.flags.writeable = False
    assert (sequence(readonly) == y).all()
    assert (sequence((x * 10).astype(np.int16)) == sequence((x * 10).astype(np.int16).astype(np.float32))).all()


def test_numbers_between_two_places(sequence, random):
    """A float that begins at an odd address is copied to where the processor reads it."""
    x = random.standard_normal((7, 12, 5)).astype(np.float32)
    odd = np.frombuffer(b"." + x.tobytes(), np.float32, offset=1).reshape(x.shape)
    assert not odd.flags.aligned
    assert (sequence(odd) == sequence(x)).all() and (sequence(odd[3]) == sequence(x)[3]).all()


def test_bytes_are_text_and_bytearrays_numbers():
    m = grus.compile("grus 1\n\nmodel grey {\n  in x : u8[4]\n  out y : f32[4] = x |> normalize(mean=0, std=255)\n}\n")
    expected = m(np.array([1, 2, 250, 255], np.uint8))
    assert np.allclose(expected, np.array([1, 2, 250, 255]) / 255)
    data = bytes([1, 2, 250, 255])
    assert (m(bytearray(data)) == expected).all() and (m(memoryview(data)) == expected).all()
    with pytest.raises(TypeError, match="integers needed"):
        m(data)
    with pytest.raises(TypeError, match="integers needed"):
        m(np.array([True] * 4))


class Arrowed(np.ndarray):
    """An array with a buffer, of which Arrow tells more than the buffer."""

    def __arrow_c_array__(self, requested_schema=None):
        raise ValueError("row 1 is null")


def test_arrow_goes_before_the_buffer(sequence):
    with pytest.raises(ValueError, match="row 1 is null"):
        sequence(np.zeros((3, 12, 5), np.float32).view(Arrowed))


def test_subclasses_of_arrays(sequence, random):
    x = random.standard_normal((3, 12, 5)).astype(np.float32)
    y = sequence(np.ma.masked_array(x, x > 0))
    assert (y == sequence(x)).all() and type(y) is np.ndarray


class Exported:
    """An array of another library: DLPack alone."""

    def __init__(self, array, device=(1, 0)):
        self._array, self._device = array, device

    def __dlpack__(self, **options):
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._device


def test_dlpack(sequence, random):
    x = random.standard_normal((5, 12, 5)).astype(np.float32)
    assert (sequence(Exported(x)) == sequence(x)).all()
    with pytest.raises(TypeError, match="another device"):
        sequence(Exported(x, (2, 0)))


def test_lengths_shape_the_outputs(bounded, random):
    rows = [random.standard_normal((n, 4)).astype(np.float32) for n in (3, 9, 1, 5)]
    z = random.standard_normal(6).astype(np.float32)
    y, s, w = bounded(rows, z)
    assert y.shape == (4, 2) and [r.shape for r in s] == [(3, 8), (9, 8), (1, 8), (5, 8)] and w.shape == (4, 6)
    assert np.allclose(w, np.tanh(z), atol=1e-6)
    for i, row in enumerate(rows):
        one, states, _ = bounded(row, z)
        assert (one == y[i]).all() and (states == s[i]).all()
    padded = np.full((4, 9, 4), 1e9, np.float32)  # what lies behind the length is not read
    for i, row in enumerate(rows):
        padded[i, : len(row)] = row
    y2, (s2, n2), _ = bounded((padded, np.array([3, 9, 1, 5])), z)
    assert (y2 == y).all() and n2.tolist() == [3, 9, 1, 5]
    assert all((s2[i, :n] == s[i]).all() and (s2[i, n:] == 0).all() for i, n in enumerate(n2))
    same, states, _ = bounded(np.stack([rows[0], rows[0]]), z)
    assert same.shape == (2, 2) and states.shape == (2, 3, 8)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda x: x[:, :11], ValueError, "shape [7, 11, 5] given"),
        (lambda x: x[0, 0], ValueError, "f32[time 12, feature 5] needs [12, 5]"),
        (lambda x: x.astype(np.complex64), TypeError, "complex64 given, float32 needed"),
        (lambda x: x.astype(np.int64), TypeError, "astype('float32')"),
        (lambda x: x.astype(object), TypeError, "array of objects"),
        (lambda x: np.array([["a"] * 5] * 12), TypeError, "given, float32 needed"),
        (lambda x: [[1.0, 2.0], [3.0]], ValueError, "input `x`"),
        (lambda x: np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (7, 12, 6), (0, 0, 0)), ValueError, "[7, 12, 6]"),
        (lambda x: None, TypeError, "input `x`"),
    ],
)
def test_what_an_input_is_not(sequence, random, make, error, words):
    x = random.standard_normal((7, 12, 5)).astype(np.float32)
    with pytest.raises(error) as caught:
        sequence(make(x))
    assert words in str(caught.value)


def test_arguments(sequence, bounded, random):
    x = np.zeros((2, 12, 5), np.float32)
    for call, words in [
        (lambda: sequence(), "also needs x"),
        (lambda: sequence(x, x), "takes 1 inputs"),
        (lambda: sequence(z=x), "no input `z`"),
        (lambda: sequence(x, x=x), "given twice"),
        (lambda: sequence.stream(), "whole sequences"),
    ]:
        with pytest.raises(TypeError, match=words):
            call()
    with pytest.raises(ValueError, match="threads=0"):
        sequence(x, threads=0)
    rows = [np.zeros((3, 4), np.float32)] * 2
    for call, words in [
        (lambda: bounded(rows, np.zeros((3, 6), np.float32)), "different numbers of rows"),
        (lambda: bounded([np.zeros((10, 4), np.float32)], np.zeros(6)), "row 0: 10 steps given, at most 9"),
        (lambda: bounded([np.zeros((3, 5), np.float32)], np.zeros(6)), r"row 0: shape \[3, 5\]"),
        (lambda: bounded((np.zeros((2, 9, 4)), [0, 3]), np.zeros(6)), "0 in row 0, and 1 to 9"),
        (lambda: bounded((np.zeros((2, 9, 4)), [3, 10]), np.zeros(6)), "10 in row 1"),
        (lambda: bounded((np.zeros((2, 9, 4)), [3]), np.zeros(6)), "for 2 rows"),
        (lambda: bounded([np.zeros((0, 4))], np.zeros(6)), "length 0"),
    ]:
        with pytest.raises(ValueError, match=words):
            call()
    with pytest.raises(TypeError, match="integers needed"):
        bounded((np.zeros((2, 9, 4)), [3.5, 1]), np.zeros(6))


def test_indices():
    m = grus.compile("grus 1\n\nmodel words {\n  in w : index(50)[time 4]\n  out y : f32[3] = w |> Embedding(6) |> GRU(3) |> last\n}\n", weights="random:1")
    ids = np.array([[0, 1, 2, 49], [3, 4, 5, 6]])
    y = m(ids)
    assert y.shape == (2, 3) and (m(ids.astype(np.uint8)) == y).all() and (m(ids[1]) == y[1]).all()
    with pytest.raises(ValueError, match=r"input `w`: 50 at \[1, 2\], and index\(50\)\[time 4\] takes 0 to 49"):
        m(np.array([[0, 0, 0, 0], [0, 0, 50, 0]]))
    with pytest.raises(ValueError, match="-1 at"):
        m(np.array([0, 0, 0, -1]))
    with pytest.raises(TypeError, match="float64 given, integers needed"):
        m(ids.astype(float))


def test_nan_passes_or_is_reported(random):
    x = random.standard_normal((3, 12, 5)).astype(np.float32)
    x[1, 4, 2] = np.nan
    from conftest import SEQUENCE

    y = grus.compile(SEQUENCE, weights="random:1")(x)
    assert np.isnan(y[1]).all() and np.isfinite(y[[0, 2]]).all()
    with pytest.raises(ValueError, match=r"input `x`: nan at \[1, 4, 2\]"):
        grus.compile(SEQUENCE, weights="random:1", nan="error")(x)
    with pytest.raises(ValueError, match="'pass' or 'error'"):
        grus.compile(SEQUENCE, weights="random:1", nan="no")


def test_threads_share_a_model(sequence, random):
    x = random.standard_normal((200, 12, 5)).astype(np.float32)
    expected, results = sequence(x), []
    threads = [threading.Thread(target=lambda: results.append(sequence(x, threads=2))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all((r == expected).all() for r in results)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_bar_shows_progress(sequence, random, monkeypatch, threads):
    """tqdm is asked for the parts of a long call, and is not needed."""
    bars = []

    class Bar:
        def __init__(self, parts, total, unit):
            self.parts, self.total, self.seen = parts, total, 0
            bars.append(self)

        def __iter__(self):
            for part in self.parts:
                yield part
                self.seen += 1

    x = random.standard_normal((20000, 12, 5)).astype(np.float32)
    expected = sequence(x)
    auto = types.ModuleType("tqdm.auto")
    auto.tqdm = Bar
    monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", auto)
    assert (sequence(x, threads=threads, progress=True) == expected).all()
    assert len(bars) == 1 and bars[0].seen == bars[0].total >= 5
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)  # not installed
    assert (sequence(x, threads=threads, progress=True) == expected).all()


def test_much_scratch_gets_a_thread_with_enough_stack():
    m = grus.compile("grus 1\n\nmodel wide {\n  in x : f32[time 3000, 64]\n  out y : f32[time 3000, 64] = x |> LSTM(64, direction=backward) |> LSTM(64, direction=both) |> Dense(64)\n}\n",
                     weights="random:1", batch=1)
    assert m._lib.stack > 512 * 1024
    x = np.ones((3000, 64), np.float32)
    results = []
    thread = threading.Thread(target=lambda: results.append(m(x)))
    before = threading.stack_size(256 * 1024)
    thread.start()
    threading.stack_size(before)
    thread.join()
    assert (results[0] == m(x)).all() and np.isfinite(results[0]).all()


def test_integers_and_half():
    text = "grus 1\n\nmodel small {\n  precision f16\n  in x : f32[time 6, 4]\n  out y : f32[2] = x |> GRU(8) |> last |> Dense(2)\n}\n"
    x = np.linspace(-1, 1, 24, dtype=np.float32).reshape(6, 4)
    full = grus.compile(text, weights="random:1", precision="f32")(x)
    for precision in ("f16", "w8"):
        y = grus.compile(text, weights="random:1", precision=precision)(x)
        assert 0 < np.abs(y - full).max() < 0.05


def test_what_a_model_says(sequence, vowels, gesture):
    x, y = sequence.inputs[0], sequence.outputs[0]
    assert (x.name, x.type, x.doc, x.shape) == ("x", "f32[time 12, feature 5]", "what was measured", (12, 5))
    assert (y.name, y.type, sequence.doc, sequence.kind) == ("y", "f32[3]", "Scores a sequence.", "sequence")
    assert vowels.inputs[0].type == "f32[time n <= 29, coefficient 12]" and gesture.inputs[0].rate == 10
    assert "seq(x: f32[time 12, feature 5]) -> y: f32[3]" in repr(sequence)
    assert sequence.report["params"] == 2143 and "seq_run(" in sequence.c_source
    assert "kernel" not in sequence.doc and "seq_run" in sequence.header(target="cortex-m4")
    assert sequence.processor in sequence.processors
