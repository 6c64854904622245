# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The denoiser of denoiser.grus in PyTorch: same layers, same tensor names.

Sound [batch, samples] -> frames [batch, frame, 320] -> spectrum [batch, frame, 320] -> gains
[batch, frame, 160]. The three transforms are computed, not trained.
"""
import numpy as np
import torch
from torch import nn

SIZE, HOP, BINS, BANDS, UNITS = 320, 160, 160, 40, 72
POWER_SCALE = 1024.0  # keeps every constant in the normal range of binary16


def analysis_matrix():
    """[2 * BINS, SIZE]: row k-1 is the window times cos(2 pi k n / SIZE), k = 1..BINS; row
    BINS + k-1 has the sine. With the sine window, analysis and its transpose are inverse to each
    other at half-overlapping frames, but for each frame's mean (k = 0), which is left out."""
    n = np.arange(SIZE)
    k = np.arange(1, BINS + 1)[:, None]
    window = np.sin(np.pi * (n + 0.5) / SIZE)
    scale = np.where(k == BINS, np.sqrt(1 / SIZE), np.sqrt(2 / SIZE))
    angle = 2 * np.pi * k * n / SIZE
    m = np.concatenate([scale * np.cos(angle), -scale * np.sin(angle)]) * window
    m[np.abs(m) < 1e-12] = 0
    return m


def band_matrix():
    """[BANDS, BINS]: triangles evenly spaced on the mel scale, each averaging the power of its bins."""
    mel = lambda f: 2595 * np.log10(1 + f / 700)
    edge = 700 * (10 ** (np.linspace(mel(20), mel(8000), BANDS + 2) / 2595) - 1)
    f = np.arange(1, BINS + 1) * 50.0
    m = np.zeros((BANDS, BINS))
    for b in range(BANDS):
        low, mid, high = edge[b], edge[b + 1], edge[b + 2]
        mid = 50 * max(1, round(mid / 50))
        low, high = min(low, mid - 50), max(high, mid + 50)
        m[b] = np.clip(np.minimum((f - low) / (mid - low), (high - f) / (high - mid)), 0, None)
        m[b] /= m[b].sum()
    return m * POWER_SCALE


def half(x):
    """Rounded to binary16, the format of the weight file."""
    return torch.tensor(np.asarray(x)).to(torch.float16)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("analysis", half(analysis_matrix()).float())
        self.register_buffer("bands", half(band_matrix()).float())
        self.register_buffer("floor", torch.full((BANDS,), 2.0 ** -10))
        self.gru = nn.GRU(BANDS, UNITS, batch_first=True)
        self.gain = nn.Linear(UNITS, BINS)

    def spectrum(self, pcm):
        return pcm.unfold(-1, SIZE, HOP) @ self.analysis.T

    def gains(self, spectrum):
        re, im = spectrum[..., :BINS], spectrum[..., BINS:]
        bands = torch.log((re * re + im * im) @ self.bands.T + self.floor) / 4
        return torch.sigmoid(self.gain(self.gru(bands)[0]))

    def forward(self, pcm):
        spectrum = self.spectrum(pcm)
        gains = self.gains(spectrum)
        frames = (torch.cat([gains, gains], -1) * spectrum) @ self.analysis
        return overlap_add(frames)

    def tensors(self):
        named = {"analysis.weight": self.analysis, "bands.weight": self.bands, "bands.bias": self.floor,
                 "synthesis.weight": self.analysis.T}
        named.update({k: v for k, v in self.named_parameters()})
        return {k: v.detach().to(torch.float16).contiguous() for k, v in named.items()}

    def load_tensors(self, tensors):
        own = {"analysis.weight": self.analysis, "bands.weight": self.bands, "bands.bias": self.floor}
        own.update(self.named_parameters())
        with torch.no_grad():
            for name, value in own.items():
                value.copy_(tensors[name])


def overlap_add(frames):
    """[batch, frame, SIZE] -> [batch, (frame - 1) * HOP + SIZE]; SIZE is twice HOP."""
    early, late = frames[..., :HOP], frames[..., HOP:]
    silence = torch.zeros_like(early[:, :1])
    return (torch.cat([early, silence], 1) + torch.cat([silence, late], 1)).flatten(1)
