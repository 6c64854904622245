# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains gesture.safetensors and writes the recorded input and output of the example.

  python3 train.py aeon-1.6.0-py3-none-any.whl

Out:
  gesture.safetensors      weights, float32, under PyTorch's names
  data/calibration.npy     [recording 40, time 100, axis 6] float32: what it was trained on
  data/test.npy            [recording 40, time 100, axis 6] float32
  data/test_label.csv      one activity a line: 0 standing, 1 running, 2 walking, 3 badminton
  data/recording.npy       [time 100, axis 6] float32: the first recording alone
  expected/activity.npy    [recording 40, activity 4]: the probabilities, computed in float64
  expected/recording.npy   [activity 4]: those of the first recording
"""
import os
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

sys.path.append("..")
import recordings

ACTIVITIES = ["Standing", "Running", "Walking", "Badminton"]
SCALE = 8.0  # normalize(mean=0, std=8) of the model
UNITS = 24


class Gesture(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, UNITS, batch_first=True)
        self.activity = nn.Linear(UNITS, len(ACTIVITIES))

    def forward(self, x, keep=1.0):
        """x [recording, time, axis] -> logits [recording, activity], from the mean over time."""
        mean = self.lstm(x / SCALE)[0].mean(1)
        return self.activity(nn.functional.dropout(mean, 1 - keep, self.training))


def arrays(wheel, split):
    cases = recordings.load(wheel, "BasicMotions", split)
    return np.stack([values for values, _ in cases]), np.array([ACTIVITIES.index(label) for _, label in cases])


def train(x, label):
    net = Gesture()
    optimiser = torch.optim.AdamW(net.parameters(), lr=5e-3, weight_decay=1e-2)
    for _ in range(300):
        shift = int(torch.randint(100, ()))
        level = torch.exp(0.2 * torch.randn(len(x), 1, 1))
        loss = nn.functional.cross_entropy(net(x.roll(shift, 1) * level, 0.8), label, label_smoothing=0.05)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
    return net.eval()


def main(wheel):
    torch.set_num_threads(1)
    torch.manual_seed(5)
    net = train(*(torch.from_numpy(a) for a in arrays(wheel, "TRAIN")))
    save_file(dict(net.state_dict()), "gesture.safetensors", {"format": "pt"})

    x, label = arrays(wheel, "TEST")
    with torch.no_grad():
        p = torch.softmax(net.double()(torch.from_numpy(x).double()), -1).numpy()
    right = int((p.argmax(-1) == label).sum())
    print(f"{right} of {len(label)} recordings ({100 * right / len(label):.1f} %)")
    for folder in ("data", "expected"):
        os.makedirs(folder, exist_ok=True)
    np.save("data/calibration.npy", arrays(wheel, "TRAIN")[0])
    np.save("data/test.npy", x)
    np.savetxt("data/test_label.csv", label, "%d")
    np.save("data/recording.npy", x[0])
    np.save("expected/activity.npy", p)
    np.save("expected/recording.npy", p[0])


if __name__ == "__main__":
    main(sys.argv[1])
