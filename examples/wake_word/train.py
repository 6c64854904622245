# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains the wake word "hey grus" on synthesised speech and writes the files of the example.

  python3 train.py

In:  the programs espeak-ng and sox (Debian packages of those names), numpy, torch and onnx.
Out:
  wake.onnx          one step of 20 ms: features [1, 1, 20], state [1, 1, 24] -> score [1, 1], next_state
  calibration.npy    [time, 20] float32: features of sentences and wake words of voices used in training
  test.npy           [time, 20] float32: the same of other voices
  test.csv           the frames at which the wake words of test.npy end
"""
import subprocess

import numpy as np
import torch
from torch import nn

RATE, SIZE, HOP, BANDS, UNITS = 16000, 400, 320, 20, 24
WORD = "hey grus"
OTHERS = """hey you|hey great|hey Bruce|hello there|grass is green|the crew is here|what time is it|play some music|okay
|turn the light off|hey Chris come here|a goose and a crane|where is my telephone|it is raining again|let us go home
|they grew up here|good morning|stop it|one two three four|I like this house|he agrees|hey|grew|thank you very much
|make it louder please|the truth is out there|how far is it to the station|read me the news|set a timer for ten minutes""".replace("\n", "").split("|")
TRAIN_VOICES = ["en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbcwmd", "en-029"]
TRAIN_KINDS = ["", "+m1", "+m2", "+m4", "+m5", "+m7", "+f1", "+f2", "+f4"]
TEST_VOICES, TEST_KINDS = ["en-us", "en-gb-x-gbclan"], ["+m3", "+f3", "+m6"]


def say(text, voice, rng):
    command = ["espeak-ng", "-v", voice, "-s", str(rng.integers(130, 200)), "-p", str(rng.integers(30, 70)),
               "--stdout", text]
    wav = subprocess.run(command, check=True, capture_output=True).stdout
    raw = subprocess.run(["sox", "-t", "wav", "-", "-t", "raw", "-r", str(RATE), "-e", "signed", "-b", "16",
                          "-c", "1", "-", "silence", "1", "0.01", "0.1%", "reverse", "silence", "1", "0.01", "0.1%",
                          "reverse"], input=wav, check=True, capture_output=True).stdout
    return np.frombuffer(raw, "<i2").astype(np.float64) / 32768


def bands():
    """[band, bin]: triangles on the mel scale from 100 Hz to 7 kHz."""
    mel = np.linspace(1127 * np.log1p(100 / 700), 1127 * np.log1p(7000 / 700), BANDS + 2)
    edge = 700 * np.expm1(mel / 1127)
    f = np.arange(SIZE // 2 + 1) * RATE / SIZE
    return np.stack([np.clip(np.minimum((f - a) / (b - a), (c - f) / (c - b)), 0, None)
                     for a, b, c in zip(edge, edge[1:], edge[2:])])


def features(sound):
    """[time, band]: natural logarithms of the power in each band, about -1 to 1."""
    frames = np.lib.stride_tricks.sliding_window_view(sound, SIZE)[::HOP] * np.hanning(SIZE)
    power = np.abs(np.fft.rfft(frames)) ** 2
    return ((np.log(power @ bands().T + 1e-6) + 2) / 6).astype(np.float32)


def recording(rng, voices, kinds, n, share):
    """Sentences with pauses and some noise; returns features and the frames at which wake words end."""
    parts, ends, at = [], [], 0
    for _ in range(n):
        voice = rng.choice(voices) + rng.choice(kinds)
        wake = rng.random() < share
        sound = say(WORD if wake else rng.choice(OTHERS), voice, rng) * rng.uniform(0.3, 1.0)
        pause = np.zeros(int(rng.uniform(0.2, 0.7) * RATE))
        parts += [sound, pause]
        at += len(sound)
        if wake:
            ends.append(at // HOP)
        at += len(pause)
    sound = np.concatenate(parts)
    return features(sound + rng.normal(0, 10 ** rng.uniform(-3.5, -2.3), len(sound))), ends


class Wake(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(BANDS, UNITS, batch_first=True)
        self.score = nn.Linear(UNITS, 1)

    def forward(self, features, state):
        y, state = self.gru(features, state)
        return torch.sigmoid(self.score(y[:, -1])), state

    def logits(self, features):
        return self.score(self.gru(features)[0])[..., 0]


def targets(n, ends):
    """1 in the 12 frames after a wake word; -1, of no weight, in the 12 before its end."""
    y = np.zeros(n, np.float32)
    for e in ends:
        y[max(e - 12, 0):e] = -1
        y[e:e + 12] = 1
    return y


def train(net, x, y):
    optimiser = torch.optim.Adam(net.parameters(), 8e-3)
    length, count, rounds = 200, 32, 500
    gen = np.random.default_rng(3)
    for r in range(rounds):
        at = gen.integers(0, len(x) - length, count)
        a = torch.from_numpy(np.stack([x[i:i + length] for i in at])) + float(gen.normal(0, 0.05))
        b = torch.from_numpy(np.stack([y[i:i + length] for i in at]))[:, 40:]
        loss = nn.functional.binary_cross_entropy_with_logits(net.logits(a)[:, 40:], b.clamp(min=0), reduction="none")
        loss = (loss * (b >= 0) * torch.where(b > 0, 2.0, 1.0)).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        for g in optimiser.param_groups:
            g["lr"] = 8e-3 * (1 - r / rounds) + 1e-4
        if r % 100 == 99:
            print(f"round {r + 1}: loss {loss.item():.4f}")


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    made = [recording(rng, TRAIN_VOICES, TRAIN_KINDS, 40, 0.4) for _ in range(12)]
    x = np.concatenate([f for f, _ in made])
    y = np.concatenate([targets(len(f), e) for f, e in made])
    net = Wake()
    train(net, x, y)
    net.eval()
    np.save("calibration.npy", made[0][0][:1600])
    test, ends = recording(np.random.default_rng(7), TEST_VOICES, TEST_KINDS, 30, 0.3)
    np.save("test.npy", test)
    np.savetxt("test.csv", ends, "%d")
    with torch.no_grad():
        p = torch.sigmoid(net.double().logits(torch.from_numpy(test[None]).double()))[0].numpy()
    heard = sum((p[e:e + 15] > 0.5).any() for e in ends)
    quiet = np.ones(len(p), bool)
    for e in ends:
        quiet[max(e - 12, 0):e + 15] = False
    print(f"{heard} of {len(ends)} wake words, {(p[quiet] > 0.5).sum()} false frames of {quiet.sum()}")
    torch.onnx.export(net.float(), (torch.zeros(1, 1, BANDS), torch.zeros(1, 1, UNITS)), "wake.onnx", dynamo=False,
                      input_names=["features", "state"], output_names=["score", "next_state"], opset_version=17)


if __name__ == "__main__":
    main()
