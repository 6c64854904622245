# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures the trained denoiser on what it was not trained on, and writes the recorded example.

  python3 evaluate.py pool.npz [example]

Speech: recordings of people in the Debian package pocketsphinx-testdata, and the synthetic voice rms.
Noise: rain, a motor, and the babble of that voice. Prints the mean SNR gain per noise and input SNR.

Out: noisy.wav, clean.wav     16-bit, 16 kHz: a reader at 0 dB against rain and a motor
     expected/clean.npy       [time, 1] float32: what the model makes of noisy.wav, computed in float64
"""
import glob
import os
import sys
import wave

import numpy as np
import torch
from safetensors.torch import load_file

import sounds
from model import Denoiser

RECORDINGS = "/usr/share/pocketsphinx/test/data"
READER = RECORDINGS + "/librivox/sense_and_sensibility_01_austen_64kb-0870.wav"


def load():
    """The network with the weights of the file, in float64."""
    net = Denoiser()
    net.load_tensors(load_file("denoiser.safetensors"))
    return net.double().eval()


def denoise(net, noisy):
    with torch.no_grad():
        return net(torch.from_numpy(np.asarray(noisy, "<f8"))[None])[0].numpy()


def snr(clean, x):
    n = len(x)
    return 10 * np.log10(np.sum(clean[:n] ** 2) / np.sum((x - clean[:n]) ** 2))


def mix(clean, noise, decibels):
    return clean + sounds.unit(noise) * np.sqrt(np.mean(clean ** 2)) * 10 ** (-decibels / 20)


def to_16_bits(x):
    return np.clip(np.round(x * 32768), -32768, 32767).astype("<i2")


def write_wav(path, samples):
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(sounds.RATE)
        out.writeframes(samples.tobytes())


def table(net, held):
    people = [sounds.read_audio(f) for f in sorted(glob.glob(RECORDINGS + "/librivox/*.wav"))]
    cards = [sounds.read_audio(f) for f in sorted(glob.glob(RECORDINGS + "/cards/*.wav"))]
    people.append(np.concatenate(cards))
    noises = {n.__name__: n for n in sounds.HELD_OUT_NOISES}
    noises["babble"] = lambda r, n: sounds.babble(r, n, held)
    noises["white"] = sounds.white
    gains = []
    for name, make in noises.items():
        for decibels in (0, 5, 10):
            rng = np.random.default_rng(7)
            row = []
            for kind in (people, held[:8]):
                each = []
                for clean in kind:
                    clean = clean * 0.06 / np.sqrt(np.mean(clean ** 2))
                    noisy = mix(clean, make(rng, len(clean)), decibels)
                    y = denoise(net, noisy)
                    each.append(snr(clean, y) - snr(clean, noisy[:len(y)]))
                row.append(np.mean(each))
            gains.append(row)
            print(f"{name:8s} {decibels:3d} dB in: people {row[0]:+.2f} dB, rms {row[1]:+.2f} dB")
    print("mean: people %+.2f dB, rms %+.2f dB" % tuple(np.mean(gains, 0)))


def example(net):
    rng = np.random.default_rng(11)
    clean = sounds.read_audio(READER)
    clean = clean * 0.08 / np.sqrt(np.mean(clean ** 2))
    n = len(clean)
    noise = sounds.unit(sounds.rain(rng, n)) + 0.5 * sounds.unit(sounds.motor(rng, n))
    noisy = to_16_bits(mix(clean, noise, 0.0))
    write_wav("clean.wav", to_16_bits(clean))
    write_wav("noisy.wav", noisy)
    y = denoise(net, noisy / 32768)
    os.makedirs("expected", exist_ok=True)
    np.save("expected/clean.npy", y[:, None].astype("<f4"))
    reference = to_16_bits(clean) / 32768
    print(f"example: SNR {snr(reference, noisy[:len(y)] / 32768):.2f} dB -> {snr(reference, y):.2f} dB")


def main(path):
    torch.set_num_threads(1)
    pool = np.load(path)
    held = [pool[k].astype(np.float64) for k in pool.files if k.startswith("held")]
    net = load()
    if "example" not in sys.argv:
        table(net, held)
    example(net)


if __name__ == "__main__":
    main(sys.argv[1])
