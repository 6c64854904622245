# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Speech and noise for the denoiser, made on the spot.

In:  the programs espeak-ng, flite and sox (Debian packages of those names), a random generator.
Out: float32 arrays at 16 kHz, about -1..1.

Speech for training is synthesised: espeak-ng in many voices, and the flite voices kal16, awb and
slt. The flite voice rms and the noises in HELD_OUT_NOISES are never used in training.
"""
import os
import subprocess
import tempfile

import numpy as np

RATE = 16000

OPENINGS = ["the old", "a small", "every", "that quiet", "the other", "no", "some", "her first", "my",
            "the last", "this green", "a very long", "their", "one"]
NOUNS = ["garden", "engine", "teacher", "river", "letter", "window", "yellow bird", "machine", "village",
         "doctor", "question", "journey", "kitchen", "forest", "shadow", "ship", "judge", "cheese market",
         "thunder storm", "violin", "bridge", "church", "young measure", "fish", "zebra", "voyage"]
VERBS = ["waits for", "sees", "carries", "follows", "would answer", "has forgotten", "might choose",
         "is looking at", "never reached", "pushes", "thought about", "could hear", "breaks", "joined",
         "will visit", "gave away", "washes", "used to know"]
TAILS = ["before sunrise", "without a sound", "in the middle of the night", "at half past five",
         "because of the weather", "as far as we know", "on thirty eight cold mornings", "again and again",
         "with both hands", "if you ask politely", "for nothing at all", "near the harbour",
         "when the music stops", "just to be sure", "though nobody believes it", "under the high roof"]
SENTENCES = [
    "Please turn the volume down, I am trying to read.", "What time does the next train to Oxford leave?",
    "She sells fresh bread and honey on Saturdays.", "Nine, eight, seven, six, five, four, three, two, one, zero.",
    "Could you say that again, a little more slowly?", "The measurements were taken every twenty minutes.",
    "Yes, of course; why should anyone object?", "He pushed the heavy door and walked into the dark hall.",
    "We shall meet at the usual place, rain or shine.", "Five hundred and sixty seven thousand, two hundred and ten.",
    "Huge waves crashed against the pier.", "My father never liked the sea, but he loved its smell.",
    "Open the window, switch off the light, and close the door.", "Both of them thought it was the other's turn.",
    "A cup of strong black coffee, and nothing else.", "Few people know how cheese was made in those days.",
    "Judging by its shape, the object was a vase.", "The quick answer is no. The slow answer is maybe.",
    "Zoe usually chooses the shortest way home.", "Are you quite sure that this is the right address?"]
ESPEAK_VOICES = ["en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029", "de", "fr-fr", "es", "it", "nl",
                 "pl", "sv", "pt-br", "cs"]
ESPEAK_VARIANTS = ["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "adam",
                   "belinda", "david", "linda", "steph", "travis", "max", "paul", "john", "shelby", "Andy",
                   "Annie", "Gene", "Alicia", "Michael", "Hugo", "klatt", "klatt2", "klatt4"]


def sentence(rng):
    if rng.random() < 0.3:
        return SENTENCES[rng.integers(len(SENTENCES))]
    pick = lambda words: words[rng.integers(len(words))]
    return f"{pick(OPENINGS)} {pick(NOUNS)} {pick(VERBS)} the {pick(NOUNS)}, {pick(TAILS)}.".capitalize()


def read_audio(path):
    """Any file sox reads, as mono float32 at 16 kHz."""
    raw = subprocess.run(["sox", "-V1", path, "-t", "raw", "-e", "float", "-b", "32", "-c", "1",
                          "-r", str(RATE), "-"], check=True, capture_output=True).stdout
    return np.frombuffer(raw, "<f4").copy()


def say(rng, voice=None):
    """One sentence; `voice` is a flite voice, or None for a random espeak-ng one."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.wav")
        if voice:
            command = ["flite", "-voice", voice, "--setf", f"duration_stretch={rng.uniform(0.85, 1.2):.2f}",
                       "-t", sentence(rng), "-o", path]
        else:
            name = ESPEAK_VOICES[min(int(rng.exponential(3)), len(ESPEAK_VOICES) - 1)]
            name += "+" + ESPEAK_VARIANTS[rng.integers(len(ESPEAK_VARIANTS))]
            command = ["espeak-ng", "-v", name, "-s", str(rng.integers(120, 210)),
                       "-p", str(rng.integers(20, 80)), "-w", path, sentence(rng)]
        subprocess.run(command, check=True, capture_output=True)
        x = read_audio(path)
    return x / (np.sqrt(np.mean(x * x)) + 1e-6) * 0.08


def unit(x):
    """The same sound at power 1."""
    return x / (np.sqrt(np.mean(np.square(x))) + 1e-9)


def shaped(rng, n, gain):
    """Gaussian noise whose spectrum is multiplied by gain(frequency in Hz)."""
    f = np.fft.rfftfreq(n, 1 / RATE)
    return np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) * gain(f), n)


def random_curve(rng, decibels, points=8):
    """A smooth random gain over frequency, within +-decibels."""
    at = np.linspace(0, np.sqrt(RATE / 2), points)
    level = rng.uniform(-decibels, decibels, points)
    return lambda f: 10 ** (np.interp(np.sqrt(f), at, level) / 20)


def white(rng, n):
    return rng.standard_normal(n)


def coloured(rng, n):
    slope = rng.uniform(0.3, 1.2)
    return shaped(rng, n, lambda f: np.maximum(f, 40.0) ** -slope)


def room(rng, n):
    return shaped(rng, n, random_curve(rng, 20))


def swelling(rng, n):
    """Noise whose level moves, a few times a second to a few times a minute."""
    t = np.arange(n) / RATE
    step = rng.uniform(0.15, 1.0)
    at = np.arange(0, t[-1] + 2 * step, step)
    level = np.interp(t, at, rng.uniform(-18, 6, len(at)))
    return shaped(rng, n, random_curve(rng, 15)) * 10 ** (level / 20)


def hum(rng, n):
    base = rng.choice([50.0, 60.0, rng.uniform(80, 400)])
    t = np.arange(n) / RATE
    x = sum(rng.uniform(0, 1) / k ** 0.7 * np.sin(2 * np.pi * base * k * t + rng.uniform(0, 6.28))
            for k in range(1, int(min(30, 7500 / base)) + 1))
    return unit(x) + rng.uniform(0.02, 0.3) * unit(coloured(rng, n))


def whine(rng, n):
    """A few partials whose pitch wanders: drills, sirens, strings."""
    step = np.arange(0, n / RATE + 2, rng.uniform(0.1, 1.5))
    pitch = rng.uniform(60, 900) * np.exp(rng.uniform(0, 0.4) * rng.standard_normal(len(step)))
    phase = 2 * np.pi * np.cumsum(np.interp(np.arange(n) / RATE, step, pitch)) / RATE
    x = sum(rng.uniform(0, 1) * np.sin(k * phase + rng.uniform(0, 6.28))
            for k in range(1, int(min(16, 7000 / pitch.max())) + 1))
    return unit(x) + rng.uniform(0.02, 0.5) * unit(coloured(rng, n))


def clicks(rng, n):
    x = 0.02 * white(rng, n)
    for at in rng.integers(0, n - 400, max(1, int(n / RATE * rng.uniform(1, 8)))):
        m = rng.integers(40, 400)
        burst = rng.standard_normal(m) * np.exp(-np.arange(m) / (m / 5))
        burst *= np.cos(2 * np.pi * rng.uniform(200, 5000) / RATE * np.arange(m)) * 0.7 + 0.3
        x[at:at + m] += burst * rng.uniform(0.3, 2)
    return x


def babble(rng, n, voices):
    x = np.zeros(n)
    for _ in range(rng.integers(4, 9)):
        v = np.concatenate([voices[i] for i in rng.integers(0, len(voices), 2 + n // (2 * RATE))])
        x += np.roll(np.resize(v, n), rng.integers(n)) * rng.uniform(0.5, 1)
    return x


def rain(rng, n):
    """Held out: a steady hiss of drops."""
    x = np.zeros(n)
    drops = rng.integers(0, n - 64, n // 8)
    for at in drops:
        m = rng.integers(8, 64)
        x[at:at + m] += np.sin(np.pi * rng.uniform(0.1, 0.7) * np.arange(m)) * np.exp(-np.arange(m) / (m / 4)) \
            * rng.exponential(1)
    return x


def motor(rng, n):
    """Held out: an engine whose speed wanders, with its blade noise."""
    step = np.arange(0, n / RATE + 1, 0.5)
    speed = np.interp(np.arange(n) / RATE, step, 95 * (1 + 0.12 * np.cumsum(rng.uniform(-0.5, 0.5, len(step)))))
    phase = 2 * np.pi * np.cumsum(np.clip(speed, 40, 240)) / RATE
    tone = sum(np.sin(k * phase + rng.uniform(0, 6.28)) / k ** 0.6 for k in range(1, 20))
    return unit(tone) + 0.3 * unit(coloured(rng, n)) * (1.5 + np.sin(phase))


NOISES = [white, coloured, room, swelling, hum, whine, clicks]
HELD_OUT_NOISES = [rain, motor]


def noise(rng, n, voices):
    """A training noise of unit power: one kind, or two of them."""
    kinds = [lambda r, m, k=k: k(r, m) for k in NOISES] + [lambda r, m: babble(r, m, voices)] * 2
    x = unit(kinds[rng.integers(len(kinds))](rng, n))
    if rng.random() < 0.4:
        x = x + unit(kinds[rng.integers(len(kinds))](rng, n)) * rng.uniform(0.1, 1)
    return unit(x)
