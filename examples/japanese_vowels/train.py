# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains vowels.safetensors and writes the recorded input and output of the example.

  python3 train.py aeon-1.6.0-py3-none-any.whl

Out:
  vowels.safetensors         weights, float32, under PyTorch's names
  data/test.npy              [utterance 370, time 29, coefficient 12] float32, zeros after the end
  data/test_length.npy       [utterance 370] int32: steps that are speech
  data/test_label.csv        one speaker a line, 0 to 8
  data/utterance.npy         [time 19, coefficient 12] float32: the first utterance alone
  expected/speaker.npy       [utterance 370, speaker 9]: the probabilities, computed in float64
  expected/utterance.npy     [speaker 9]: those of the first utterance
"""
import os
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

sys.path.append("..")
import recordings

BOUND, COEFFICIENTS, UNITS, SPEAKERS = 29, 12, 32, 9


class Vowels(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(COEFFICIENTS, UNITS, batch_first=True, bidirectional=True)
        self.speaker = nn.Linear(2 * UNITS, SPEAKERS)

    def forward(self, x, length, keep=1.0):
        """x [utterance, time, coefficient] -> logits [utterance, speaker]; the mean and the backward
        half of the GRU see the true steps only."""
        packed = pack_padded_sequence(x, length, batch_first=True, enforce_sorted=False)
        h = pad_packed_sequence(self.gru(packed)[0], batch_first=True)[0]
        mean = h.sum(1) / length[:, None]
        return self.speaker(nn.functional.dropout(mean, 1 - keep, self.training))


def arrays(wheel, split):
    cases = recordings.load(wheel, "JapaneseVowels", split)
    x = np.zeros((len(cases), BOUND, COEFFICIENTS), "<f4")
    for i, (values, _) in enumerate(cases):
        x[i, :len(values)] = values
    return x, np.array([len(v) for v, _ in cases], "<i4"), np.array([int(label) - 1 for _, label in cases])


def train(x, length, label):
    net = Vowels()
    optimiser = torch.optim.AdamW(net.parameters(), lr=5e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 8e-3, total_steps=120 * 9)
    for _ in range(120):
        for part in torch.randperm(len(x)).split(30):
            noisy = x[part] + 0.2 * torch.randn_like(x[part])
            loss = nn.functional.cross_entropy(net(noisy, length[part], 0.7), label[part],
                                               label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    return net.eval()


def main(wheel):
    torch.set_num_threads(1)
    torch.manual_seed(3)
    x, length, label = (torch.from_numpy(a) for a in arrays(wheel, "TRAIN"))
    net = train(x, length, label)
    save_file(dict(net.state_dict()), "vowels.safetensors", {"format": "pt"})

    x, length, label = arrays(wheel, "TEST")
    with torch.no_grad():
        p = torch.softmax(net.double()(torch.from_numpy(x).double(), torch.from_numpy(length)), -1).numpy()
    right = int((p.argmax(-1) == label).sum())
    print(f"{right} of {len(label)} utterances ({100 * right / len(label):.2f} %)")
    for folder in ("data", "expected"):
        os.makedirs(folder, exist_ok=True)
    np.save("data/test.npy", x)
    np.save("data/test_length.npy", length)
    np.savetxt("data/test_label.csv", label, "%d")
    np.save("data/utterance.npy", x[0, :length[0]])
    np.save("expected/speaker.npy", p)
    np.save("expected/utterance.npy", p[0])


if __name__ == "__main__":
    main(sys.argv[1])
