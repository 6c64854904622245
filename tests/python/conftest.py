# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models that several files of tests use, compiled once."""

import os
from pathlib import Path

import grus
import numpy as np
import pytest
from grus import _short

# The tests run by ctypes and by the extension; each time it is the one that is meant.
assert (_short.extension is not None) == bool(os.environ.get("GRUS_TEST_EXTENSION")), _short.extension


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: not run again by the extension every day")


EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

SEQUENCE = """grus 1

## Scores a sequence.
model seq {
  in  x : f32[time 12, feature 5]   ## what was measured
  out y : f32[3] = x |> LSTM(20) |> last |> Dense(3) |> softmax
}
"""

STREAM = """grus 1

model follow {
  in  x  : f32[time .. @ 100Hz, 4]
  in  h0 : f32[12]
  out y  : f32[time .. @ 100Hz, 2] = x |> GRU(12, init=h0) |> Dense(2)
}
"""

BOUNDED = """grus 1

model bounded {
  in  x : f32[time n <= 9, 4]
  in  z : f32[6]
  out y : f32[2] = x |> GRU(8) |> last |> Dense(2)
  out s : f32[time n, 8] = x |> GRU(8)
  out w : f32[6] = z |> tanh
}
"""


@pytest.fixture(scope="session")
def sequence():
    return grus.compile(SEQUENCE, weights="random:1")


@pytest.fixture(scope="session")
def follow():
    return grus.compile(STREAM, weights="random:1")


@pytest.fixture(scope="session")
def bounded():
    return grus.compile(BOUNDED, weights="random:1")


@pytest.fixture(scope="session")
def gesture():
    return grus.compile(EXAMPLES / "gesture" / "gesture.grus")


@pytest.fixture(scope="session")
def vowels():
    return grus.compile(EXAMPLES / "japanese_vowels" / "vowels.grus")


@pytest.fixture
def random():
    return np.random.default_rng(3)
