# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains voice_activity.safetensors, measures it, and writes the recorded example.

  python3 ../denoiser/pool.py pool.npz          synthesises the speech, once
  python3 train.py pool.npz STEPS               trains, then does what `evaluate` does
  python3 train.py pool.npz evaluate

Speech for training is synthetic, mixed with synthetic noise anew for every batch by the denoiser's
scripts. The table and the recording are people (Debian package pocketsphinx-testdata) in noises
that do not occur in training.

Out:
  voice_activity.safetensors   float16, under PyTorch's names
  people.wav                   16 bits, 16 kHz: two people in rain and a motor
  people.csv                   for each step of people.wav: 1 where somebody speaks, else 0
  expected/speech.npy          [step, 1]: the probabilities for people.wav, computed in float64
"""
import glob
import os
import sys
import wave

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

sys.path.insert(0, "../denoiser")  # before this folder: `train` is the denoiser's
import sounds  # noqa: E402
from train import speech as sentences  # noqa: E402

SIZE, HOP, WINDOW, SLIDE, BINS = 512, 256, 128, 64, 65
RECORDINGS = "/usr/share/pocketsphinx/test/data"
BATCH, SECONDS = 24, 4


def analysis_matrix():
    """[2 * BINS, WINDOW]: rows of windowed cosines, then of sines."""
    n = np.arange(WINDOW)
    angle = 2 * np.pi * np.arange(BINS)[:, None] * n / WINDOW
    window = np.sin(np.pi * (n + 0.5) / WINDOW) ** 2 * np.sqrt(2 / WINDOW)
    return np.concatenate([np.cos(angle), -np.sin(angle)]) * window


class VoiceActivity(nn.Module):
    def __init__(self):
        super().__init__()
        self.analysis = nn.Conv1d(1, 2 * BINS, WINDOW, SLIDE, bias=False).requires_grad_(False)
        self.analysis.weight.copy_(torch.from_numpy(analysis_matrix())[:, None])
        self.bands = nn.Conv1d(BINS, 24, 1)
        self.shape = nn.Conv1d(24, 32, 3, 2)
        self.gru = nn.GRU(32, 32, batch_first=True)
        self.speech = nn.Linear(32, 1)

    def forward(self, pcm):
        """pcm [batch, samples] -> logits [batch, step]."""
        frames = pcm.unfold(-1, SIZE, HOP)
        spectrum = self.analysis(frames.reshape(-1, 1, SIZE))
        power = spectrum[:, :BINS] ** 2 + spectrum[:, BINS:] ** 2
        x = torch.relu(self.bands((torch.log(power + 0.000001) + 8) / 4))
        x = torch.relu(self.shape(x)).mean(-1)
        return self.speech(self.gru(x.reshape(len(pcm), -1, 32))[0])[..., 0]


def truth(clean):
    """[step]: 1 where clean sound holds speech. A step counts when it has 7 % of the amplitude of the
    loud ones; pauses up to a fifth of a second inside speech count as well."""
    frames = np.lib.stride_tricks.sliding_window_view(clean, SIZE)[::HOP]
    level = np.sqrt(np.mean(frames ** 2, -1))
    voiced = level > max(0.07 * np.percentile(level, 95), 1e-4)
    steps = len(voiced)
    for start in range(steps):
        gap = start
        while gap < steps and not voiced[gap]:
            gap += 1
        if 0 < start and voiced[start - 1] and gap < steps and 0 < gap - start <= 12:
            voiced[start:gap] = True
    return voiced.astype(np.float32)


def mixture(rng, voices):
    """(sound, truth): speech with pauses in noise, at random levels; now and then noise alone."""
    n = SECONDS * sounds.RATE
    clean = sentences(rng, voices, n)
    for _ in range(rng.integers(0, 3)):  # longer pauses
        at, length = rng.integers(n), rng.integers(n // 8, n // 2)
        clean[at:at + length] = 0
    if rng.random() < 0.1:
        clean[:] = 0
    noise = sounds.noise(rng, n, voices) * 0.08 * 10 ** (-rng.uniform(-3, 40) / 20)
    gain = 10 ** (rng.uniform(-20, 10) / 20)
    return ((clean + noise) * gain).astype(np.float32), truth(clean)


def train(path, steps):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    rng = np.random.default_rng(1)
    pool = np.load(path)
    voices = [pool[k].astype(np.float32) for k in pool.files if k.startswith("train")]
    net = VoiceActivity()
    optimiser = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=3e-3, weight_decay=1e-3)
    smooth = None
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * min(1, (step + 1) / 30) * (0.02 + 0.49 * (1 + np.cos(np.pi * step / steps)))
        pcm, label = (torch.tensor(np.stack(part)) for part in zip(*[mixture(rng, voices) for _ in range(BATCH)]))
        loss = nn.functional.binary_cross_entropy_with_logits(net(pcm), label)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        smooth = loss.item() if smooth is None else 0.97 * smooth + 0.03 * loss.item()
        if step % 25 == 24:
            print(f"{step + 1} steps, loss {smooth:.4f}", flush=True)
    tensors = {k: v.detach().to(torch.float16).contiguous() for k, v in net.state_dict().items()}
    save_file(tensors, "voice_activity.safetensors", {"format": "pt"})


def people(names, rng):
    """Recordings one after another with pauses, each equally loud: [sample]."""
    parts = [np.zeros(sounds.RATE // 2)]
    for name in names:
        x = sounds.read_audio(name)
        x = x - np.mean(x)
        parts += [0.08 * sounds.unit(x), np.zeros(int(rng.uniform(0.8, 2) * sounds.RATE))]
    return np.concatenate(parts)


def noisy(clean, noise, decibels):
    return clean + 0.08 * sounds.unit(noise) * 10 ** (-decibels / 20)


def probabilities(net, pcm):
    with torch.no_grad():
        return torch.sigmoid(net(torch.from_numpy(np.asarray(pcm, "<f8"))[None]))[0].numpy()


def table(net):
    rng = np.random.default_rng(5)
    names = sorted(glob.glob(RECORDINGS + "/librivox/*.wav") + glob.glob(RECORDINGS + "/cards/*.wav"))
    clean = people(names, rng)
    label = truth(clean)
    print(f"{len(clean) / sounds.RATE:.0f} s of people, speech in {100 * label.mean():.0f} % of the steps")
    for kind in (sounds.white, sounds.rain, sounds.motor):
        noise, cells = kind(rng, len(clean)), []
        for decibels in (20, 10, 5, 0):
            p = probabilities(net, noisy(clean, noise, decibels))
            cells.append(f"{100 * np.mean((p > 0.5) == (label > 0.5)):.1f}")
        print(f"| {kind.__name__} | {' | '.join(cells)} |")


def record(net):
    """The recording of the example: a reader, a card player and the reader; rain, at the end a motor."""
    rng = np.random.default_rng(7)
    names = [RECORDINGS + "/librivox/sense_and_sensibility_01_austen_64kb-0880.wav", RECORDINGS + "/cards/002.wav",
             RECORDINGS + "/librivox/sense_and_sensibility_01_austen_64kb-0930.wav"]
    clean = people(names, rng)
    n = len(clean)
    motor = sounds.unit(sounds.motor(rng, n)) * np.clip((np.arange(n) / n - 0.6) * 10, 0, 1)
    pcm = noisy(clean, sounds.unit(sounds.rain(rng, n)) + motor, 8)
    samples = np.clip(np.round(pcm * 32768), -32768, 32767).astype("<i2")
    with wave.open("people.wav", "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(sounds.RATE)
        out.writeframes(samples.tobytes())
    p = probabilities(net, samples / 32768)
    label = truth(clean)
    os.makedirs("expected", exist_ok=True)
    np.savetxt("people.csv", label, "%d")
    np.save("expected/speech.npy", p[:, None])
    print(f"people.wav: {n / sounds.RATE:.2f} s, {int(np.sum((p > 0.5) == (label > 0.5)))} of {len(p)} steps right")


def main(path, word):
    if word != "evaluate":
        train(path, int(word))
    net = VoiceActivity()
    net.load_state_dict({k: v.float() for k, v in load_file("voice_activity.safetensors").items()})
    net.double().eval()
    table(net)
    record(net)


if __name__ == "__main__":
    main(*sys.argv[1:3])
