# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Streams and windows: steps, blocks, positions."""

import copy
import pickle
import threading
import wave

import grus
import numpy as np
import pytest
from conftest import EXAMPLES


def test_the_denoiser_is_that_of_pytorch():
    m = grus.compile(EXAMPLES / "denoiser" / "denoiser.grus")
    with wave.open(str(EXAMPLES / "denoiser" / "noisy.wav")) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32)[:, None] / 32768
    expected = np.load(EXAMPLES / "denoiser" / "expected" / "clean.npy")
    clean = m.stream().block(pcm)
    assert m.outputs[0].lag == 160 and len(clean) == len(pcm) - 160  # the first call gives nothing
    assert np.abs(clean - expected[: len(clean)]).max() < 1e-5


def test_steps_blocks_and_copies_give_the_same_bits(follow, random):
    x = random.standard_normal((50, 4)).astype(np.float32)
    y = follow.stream().block(x)
    s = follow.stream()
    assert y.shape == (50, 2) and (np.array([s.step(v) for v in x]) == y).all()
    s.reset()
    first = s.block(x[:20])
    branches = [s.copy(), copy.copy(s), copy.deepcopy(s), pickle.loads(pickle.dumps(s))]
    for branch in branches:
        assert (np.concatenate([first, branch.block(x[20:])]) == y).all()
    assert (s.block(x[20:]) == y[20:]).all()
    assert s.block(x[:0]).shape == (0, 2)
    assert (follow.stream().step(x[0][None]) == y[0]).all()


def test_initial_states(follow, random):
    x, h = random.standard_normal((5, 4)).astype(np.float32), random.standard_normal(12).astype(np.float32)
    zero = follow.stream().block(x)
    s = follow.stream(h0=h)
    started = s.block(x)
    assert (started != zero).any()
    s.reset(h0=h)
    assert (s.block(x) == started).all()
    s.reset()
    assert (s.block(x) == zero).all()
    with pytest.raises(TypeError, match="no initial state `c0`; it has h0"):
        follow.stream(c0=h)
    with pytest.raises(ValueError, match=r"initial state `h0`: shape \[3\] given"):
        follow.stream(h0=h[:3])


def test_chunks_take_many_steps_a_call(follow, random):
    from conftest import STREAM

    m = grus.compile(STREAM, weights="random:1", chunk=8)
    x = random.standard_normal((48, 4)).astype(np.float32)
    assert np.abs(m.stream().block(x) - follow.stream().block(x)).max() < 1e-6
    assert m.stream().step(x[:8]).shape == (8, 2)
    with pytest.raises(ValueError, match="47 steps given, and one call takes 8"):
        m.stream().block(x[:47])


def test_windows_answer_when_they_are_complete(random):
    m = grus.compile("grus 1\n\nmodel fall {\n  in x : f32[time 10 @ 50Hz, 3] every 4\n  out p : f32[2] = x |> GRU(6) |> last |> Dense(2)\n}\n", weights="random:1")
    x = random.standard_normal((50, 3)).astype(np.float32)
    s = m.stream()
    answers = [s.step(v) for v in x]
    given = [i for i, a in enumerate(answers) if a is not None]
    assert given[0] == 9 and set(np.diff(given)) == {4}
    assert (m.stream().block(x) == np.array([answers[i] for i in given])).all()


def test_values_without_time_go_with_every_call(random):
    m = grus.compile("grus 1\n\nmodel mix {\n  in x : f32[time .., 3]\n  in k : f32[3]\n  out y : f32[time .., 3] = x * (k |> repeat(along=x))\n}\n")
    x, k = random.standard_normal((6, 3)).astype(np.float32), random.standard_normal((6, 3)).astype(np.float32)
    s = m.stream()
    assert (s.block(x, k[0]) == x * k[0]).all()
    assert (s.block(x, k) == x * k).all()
    assert (s.step(x=x[1], k=k[2]) == x[1] * k[2]).all()
    with pytest.raises(ValueError, match="different numbers of calls: `x` has 6, `k` has 5"):
        s.block(x, k[:5])


def test_one_stream_one_thread():
    m = grus.compile("grus 1\n\nmodel heavy {\n  in x : f32[time .., 256]\n  out y : f32[time .., 256] = x |> LSTM(256)\n}\n", weights="random:1")
    s, x, seen = m.stream(), np.zeros((3000, 256), np.float32), []

    def call():
        try:
            s.block(x)
        except RuntimeError as error:
            seen.append(str(error))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen and all("two threads call one stream" in words for words in seen)
    s.reset()
    assert s.block(x[:1]).shape == (1, 256)


def test_one_step_one_thread():
    """A step of milliseconds: the second thread is refused, the first one's step is whole."""
    m = grus.compile("grus 1\n\nmodel wide {\n  in x : f32[time .., 700]\n  out y : f32[time .., 700] = x |> GRU(700)\n}\n", weights="random:1")
    s, x, seen, made = m.stream(), np.full(700, 0.5, np.float32), [], []
    start = threading.Barrier(4)

    def call():
        start.wait()
        for _ in range(5000):  # until two meet, which a busy machine may put off
            if seen: break
            try:
                made.append(s.step(x))
            except RuntimeError as error:
                seen.append(str(error))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen and made and all("two threads call one stream" in words for words in seen)
    alone = m.stream()
    assert {y.tobytes() for y in made} == {alone.step(x).tobytes() for _ in made}


def test_steps_of_all_forms_give_the_same_bits(follow, random):
    x = random.standard_normal((6, 4)).astype(np.float32)
    expected = follow.stream().block(x)
    odd = np.frombuffer(b"." + x.tobytes(), np.float32, offset=1).reshape(x.shape)
    forms = [lambda v: v, lambda v: v.astype(">f4"), lambda v: np.repeat(v, 2)[::2], lambda v: v.tolist(), memoryview, lambda v: v[None]]
    s, t = follow.stream(), follow.stream()
    steps = np.array([s.step(form(v)) for form, v in zip(forms, x)])
    assert (steps == expected).all() and steps.shape == expected.shape
    assert (np.array([t.step(v) for v in odd]) == expected).all()
    first, second = s.step(x[0]), s.step(x[0])
    assert first is not second and (first != second).any()  # each step has an array of its own


def test_a_step_after_another_models_state_is_refused(follow):
    s = follow.stream()
    s.__setstate__({"model": follow, "state": bytes(len(s.__getstate__()["state"]))})
    with pytest.raises(grus.GrusError, match="code 7"):
        s.step(np.zeros(4, np.float32))


def test_a_step_that_holds_nan(follow):
    with pytest.raises(ValueError, match="input `x`: nan"):
        grus.Model(follow.to_bytes(), nan="error").stream().step(np.full(4, np.nan, np.float32))


def test_what_is_refused(follow, sequence):
    s = follow.stream()
    for call, error, words in [
        (lambda: follow(np.zeros((5, 4))), TypeError, "runs on a stream"),
        (lambda: s.step(np.zeros((2, 4))), ValueError, r"shape \[2, 4\] given for one call, \[4\] needed"),
        (lambda: s.block(np.zeros((5, 3))), ValueError, "steps along axis 0"),
        (lambda: s.block(np.zeros(4)), ValueError, "shape"),
        (lambda: s.step(), TypeError, "also needs x"),
        (lambda: s.__setstate__({"model": follow, "state": b"123"}), grus.GrusError, "belongs to another model"),
    ]:
        with pytest.raises(error, match=words):
            call()


def test_a_state_of_another_model_is_refused(follow):
    state = follow.stream().__getstate__()
    s = follow.stream()
    s.__setstate__({"model": follow, "state": bytes(len(state["state"]))})
    with pytest.raises(grus.GrusError, match="code 7"):
        s.block(np.zeros((1, 4), np.float32))
