# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models of other frameworks as objects, where these are installed."""

import os

import grus
import numpy as np
import pytest


def test_a_comparison_explains(sequence, random):
    x = random.standard_normal((6, 12, 5)).astype(np.float32)
    same = grus.verify(sequence, sequence, x)
    assert same and str(same) == "output `y`: equal in all 18 values"

    def other(x):
        y = sequence(x).copy()
        y[4, 1] += 0.25
        return y

    report = grus.verify(sequence, other, x)
    assert not report and report.comparisons[0].at == (4, 1) and report.comparisons[0].beyond == 1
    assert "1 of 18 values beyond 1e-05 + 0.0001 * |original|; greatest difference 0.25 at [4, 1]" in str(report)
    assert grus.verify(sequence, other, x, atol=0.3)
    assert not grus.verify(sequence, lambda x: np.full((6, 3), np.nan), x)
    with pytest.raises(ValueError, match=r"grus gives \[6, 3\], the original \[6, 4\]"):
        grus.verify(sequence, lambda x: np.zeros((6, 4)), x)


def test_a_keras_model(random):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.Input((20, 6)), keras.layers.LSTM(16, return_sequences=True), keras.layers.GRU(8),
                              keras.layers.Dense(3, activation="softmax")])
    m = grus.compile(model)
    x = random.standard_normal((10, 20, 6)).astype(np.float32)
    assert m(x).shape == (10, 3)
    report = grus.verify(m, model, x)
    assert report, str(report)


def test_a_torch_module(random):
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = torch.nn.LSTM(6, 24, batch_first=True)
            self.fc = torch.nn.Linear(24, 4)

        def forward(self, x):
            return self.fc(self.lstm(x)[0][:, -1]).softmax(-1)

    net = Net()
    x = random.standard_normal((10, 30, 6)).astype(np.float32)
    m = grus.compile(net, example=x[:1])
    report = grus.verify(m, net, x)
    assert report, str(report)
    assert net.training  # as it was
    assert (m(torch.from_numpy(x)) == m(x)).all()
    with pytest.raises(TypeError, match="give one, grus.compile"):
        grus.compile(net)
