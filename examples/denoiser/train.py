# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains the denoiser and writes denoiser.safetensors.

  python3 train.py pool.npz MINUTES [continue]

With `continue` it starts from the denoiser.safetensors that is there. The committed weights are the
outcome of two runs of 14 minutes on one core, the second with `continue`.

pool.npz comes from pool.py. Speech is cut, filtered, scaled and mixed with noise anew for every
batch; evaluate.py measures the result on recordings and noises that are not used here.
"""
import sys
import time

import numpy as np
import torch
from safetensors.torch import load_file, save_file

import sounds
from model import BINS, Denoiser

BATCH, SECONDS = 24, 3
RATE = sounds.RATE


def speech(rng, voices, n):
    """n samples: sentences with pauses, through a random equaliser and sometimes an echoing room."""
    x = np.zeros(n)
    at = rng.integers(-2 * RATE, RATE // 2)
    while at < n:
        v = voices[rng.integers(len(voices))].astype(np.float64)
        speed = rng.uniform(0.92, 1.08)  # resampled: another pitch and another vocal tract
        v = np.interp(np.arange(0, len(v) - 1, speed), np.arange(len(v)), v)
        a, b = max(at, 0), min(at + len(v), n)
        if b > a:
            x[a:b] = v[a - at:b - at]
        at += len(v) + rng.integers(RATE // 10, RATE)
    spectrum = np.fft.rfft(x, 2 * n)
    spectrum *= sounds.random_curve(rng, 7)(np.fft.rfftfreq(2 * n, 1 / RATE))
    if rng.random() < 0.3:
        m = int(rng.uniform(0.05, 0.25) * RATE)
        room = rng.standard_normal(m) * np.exp(-5 * np.arange(m) / m) * rng.uniform(0.02, 0.15)
        room[0] = 1
        spectrum *= np.fft.rfft(room, 2 * n)
    return np.fft.irfft(spectrum, 2 * n)[:n]


def mixture(rng, voices):
    """(noisy, clean), float32."""
    n = SECONDS * RATE
    clean = speech(rng, voices, n)
    level = np.sqrt(np.mean(clean ** 2))
    snr = rng.uniform(-6, 18)
    noise = sounds.noise(rng, n, voices) * max(level, 0.01) * 10 ** (-snr / 20)
    gain = 10 ** (rng.uniform(-18, 10) / 20)
    return ((clean + noise) * gain).astype(np.float32), (clean * gain).astype(np.float32)


def loss_of(net, noisy, clean):
    """Half the squared error of the spectrum relative to the clean one (SNR in nepers, capped near
    25 dB), half the error of square-rooted magnitudes, which weighs quiet detail."""
    x, s = net.spectrum(noisy), net.spectrum(clean)
    g = net.gains(x)
    error = (torch.cat([g, g], -1) * x - s).square().sum((1, 2))
    power = s.square().sum((1, 2)) + 1e-3 * x.square().sum((1, 2)) + 1e-6
    snr = torch.log(error / power + 0.003).mean()
    magnitude = lambda v: (v[..., :BINS].square() + v[..., BINS:].square() + 1e-8)
    xm, sm = magnitude(x), magnitude(s)
    scale = sm.mean((1, 2), keepdim=True) + 1e-3 * xm.mean((1, 2), keepdim=True)
    detail = ((g.clamp_min(1e-4).sqrt() * (xm / scale) ** 0.25 - (sm / scale) ** 0.25) ** 2).mean()
    return snr + 4 * detail


def main(path, minutes, start_from=None):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    rng = np.random.default_rng(3 if start_from else 2)
    pool = np.load(path)
    voices = [pool[k].astype(np.float32) for k in pool.files if k.startswith("train")]
    net = Denoiser()
    if start_from:
        net.load_tensors(load_file(start_from))
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-4)
    start, done, step, smooth = time.time(), 0.0, 0, None
    while done < 1:
        done = min(1.0, (time.time() - start) / (60 * minutes))
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * min(1, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * done)))
        pairs = [mixture(rng, voices) for _ in range(BATCH)]
        noisy, clean = (torch.tensor(np.stack(part)) for part in zip(*pairs))
        loss = loss_of(net, noisy, clean)
        optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 3.0)
        if torch.isfinite(norm):
            optimiser.step()
        smooth = loss.item() if smooth is None else 0.97 * smooth + 0.03 * loss.item()
        step += 1
        if step % 50 == 0:
            print(f"{step} steps, {100 * done:.0f} %, loss {smooth:.3f}", flush=True)
            save_file(net.tensors(), "denoiser.safetensors", {"format": "pt"})
    save_file(net.tensors(), "denoiser.safetensors", {"format": "pt"})


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), "denoiser.safetensors" if "continue" in sys.argv else None)
