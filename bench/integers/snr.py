# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""snr.py GRUS MODELS [PAGE [NAME...]]: what each integer precision costs in exactness on published models and the examples.

In:  the program grus; MODELS, the folder of the published models; numpy.
Out: a table in Markdown, one line a model: the signal-to-noise ratio in dB of the outputs of the compiled
     code to the same model compiled in f32. PAGE has such a table: status 1 if a figure is more than half a dB
     below that of the page, or the page lacks it; 77 if MODELS is not there. NAME: only models whose
     names begin so; MODELS is then not looked for. Calibration sees the first half of a recording, or other
     recordings; the figure is of the second half. `nearest` has no rounded weights; w8 needs no data for it.
"""
import os
import re
import subprocess
import sys

from folder import in_folder

try:
    import numpy as np
except ImportError:
    print("skipped: numpy is not installed")
    sys.exit(77)

COLUMNS = ["w8 nearest", "w8", "i16 nearest", "i16", "i8", "i16x16"]
RNNOISE_PARTS = {"input_dense": "input_dense.dense", "vad_gru": "vad_gru.gru", "noise_gru": "noise_gru.gru",
                 "denoise_gru": "denoise_output.gru", "denoise_output": "denoise_output.dense",
                 "vad_output": "vad_output.dense"}
RNNOISE_ROLES = ["kernel", "recurrent_kernel", "bias"]


class Bench:
    def __init__(self, grus, models):
        self.grus, self.models = os.path.abspath(grus), os.path.abspath(models)
        self.examples = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")

    def run(self, *words, ok=(0,)):
        done = subprocess.run([self.grus, *words], capture_output=True, text=True)
        if done.returncode not in ok:
            sys.exit(f"grus {' '.join(words)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def example(self, path):
        return os.path.join(self.examples, path)

    def written(self, name):
        return os.path.join(self.examples, "..", "tests", "conformance", "written", f"{name}.grus")

    def record(self, model, seen, unseen, params=()):
        """Writes the arrays of both kinds, {input: array}, and in ref what f32 makes of the unseen."""
        for when, arrays in (("seen", seen), ("ref", unseen)):
            os.makedirs(when, exist_ok=True)
            for name, array in arrays.items():
                np.save(f"{when}/{name}.npy", array)
        self.run("run", model, *params, "--precision", "f32", "-q", "-o", "ref",
                 *(f"{name}=ref/{name}.npy" for name in unseen))

    def ratios(self, model, seen, unseen, params=()):
        """{column: dB} of a .grus file; seen and unseen: {input: array}."""
        self.record(model, seen, unseen, params)
        found = {}
        for precision in ("w8", "i16", "i8", "i16x16"):
            self.run("calibrate", model, *params, "--precision", precision, "-q", "-o", "m.ranges",
                     *(f"{name}=seen/{name}.npy" for name in seen))
            found[precision] = self.ratio(model, precision, ["--ranges", "m.ranges"], params)
            if precision in ("w8", "i16"):
                without_rounded("m.ranges", "nearest.ranges")
                found[f"{precision} nearest"] = self.ratio(model, precision, ["--ranges", "nearest.ranges"], params)
        return found

    def ratio(self, model, precision, ranges, params):
        text = self.run("verify", model, *params, "--precision", precision, *ranges, "--against", "ref", "--snr", "1", ok=(0, 4))
        if re.search(r"compiled = integers .*DIFFERS", text):
            sys.exit(f"{model} in {precision}: compiled code is not the integer evaluator\n{text}")
        return [float(x) for x in re.findall(r"compiled / recorded .*SNR ([-0-9.]+) dB", text)][0]

    def imported(self, path, *options, to="m.grus"):
        self.run("import", os.path.join(self.models, path), *options, "-q", "-o", to)
        return to

    def data(self, path):
        return np.load(os.path.join(self.models, path))

    def sound(self, path):
        """Samples in -1..1 of a recording of the examples."""
        with open(self.example(path), "rb") as file:
            return np.frombuffer(file.read()[44:], "<i2").astype(np.float32) / 32768


def without_rounded(path, to):
    """Writes a ranges file without the line that names the rounded weights."""
    with open(path) as file:
        lines = [line for line in file if not line.startswith("rounded")]
    with open(to, "w") as file:
        file.writelines(lines)


def halves(name, array):
    n = len(array) // 2
    return {name: array[:n]}, {name: array[n:]}


def gesture(b):
    return b.ratios(b.example("gesture/gesture.grus"), {"imu": np.load(b.example("gesture/data/calibration.npy"))},
                    {"imu": np.load(b.example("gesture/data/test.npy"))})


def vowels(b):
    x, n = (np.load(b.example(f"japanese_vowels/data/{f}.npy")) for f in ("test", "test_length"))
    order = np.random.default_rng(1).permutation(len(x))
    a, z = order[:len(x) // 2], order[len(x) // 2:]
    # verify has no lengths of its own: recordings of one length
    z = z[n[z] == 15][:20]
    return b.ratios(b.example("japanese_vowels/vowels.grus"), {"lpc": x[a], "n": n[a]}, {"lpc": x[z][:, :15]})


def mnist(b):
    x = b.data("tflm_mnist_lstm/ref/mnist500_u8.npy").astype(np.float32) / 255
    return b.ratios(b.imported("tflm_mnist_lstm/trained_lstm.tflite"), *halves("fixed_input", x))


def rnnoise_nu(b):
    return b.ratios(b.imported("rnnoise_nu_bd/bd.hdf5", "--stream"),
                    *halves("main_input", b.data("rnnoise_nu_bd/ref/features.npy")))


def rnnoise(b):
    """The same layers with relu, and the weights of the first release."""
    model = b.imported("rnnoise_nu_bd/bd.hdf5", "--stream")
    with open(model) as file:
        text = re.sub(r"reset=before\)", "reset=before, activation=relu)", file.read()).replace("m.safetensors", "m.npz")
    with open(model, "w") as file:
        file.write(text)
    weights = b.data("rnnoise_v0/weights_float.npz")
    arrays = {}
    for key in weights:
        part, number = key.rsplit("_", 1)
        parts = len([k for k in weights if k.rsplit("_", 1)[0] == part])
        role = RNNOISE_ROLES[int(number)] if parts == 3 else ["kernel", "bias"][int(number)]
        value = weights[key].astype(np.float32)
        arrays[f"{RNNOISE_PARTS[part]}.{role}"] = value[None] if parts == 3 and role == "bias" else value
    np.savez("m.npz", **arrays)
    return b.ratios(model, *halves("main_input", b.data("rnnoise_v0/ref/features.npy")))


def amplifier(name):
    return lambda b: b.ratios(b.imported(f"wright_amp/{name}.json", "--stream"),
                              *halves("x", b.data("wright_amp/ref/x.npy")[:, None]))


def centaur(name):
    return lambda b: b.ratios(b.imported(f"klon_centaur/{name}.json", "--stream"),
                              *halves("x", b.data("klon_centaur/ref/x.npy")[:, None]))


def wake_word(b):
    b.run("import", b.example("wake_word/wake.onnx"), "--state", "state=next_state", "--stream", "-q", "-o", "m.grus")
    return b.ratios("m.grus", {"features": np.load(b.example("wake_word/calibration.npy"))},
                    {"features": np.load(b.example("wake_word/test.npy"))})


def frames(audio, size, hop):
    """Of each hop, with what lies before it."""
    padded = np.concatenate([np.zeros(size - hop, np.float32), audio])
    return np.stack([padded[i:i + size] for i in range(0, len(padded) - size + 1, hop)])


def silero(b):
    """Frames of 512 samples behind the 64 before them; probabilities of speech."""
    seen, unseen = halves("pcm", frames(b.data("silero_safetensors/ref/audio_16k.npy"), 576, 512))
    more = [frames(b.sound(f), 576, 512) for f in ("voice_activity/people.wav", "denoiser/noisy.wav")]
    return b.ratios(b.written("silero"), {"pcm": np.concatenate([*more, seen["pcm"]])}, unseen,
                    ["--weights", os.path.join(b.models, "silero_safetensors/silero_vad_16k.safetensors")])


class Dtln:
    """Two networks with a Fourier transform around the first: sound to sound, 128 samples a step. The learned
    transforms of the second network, its layers without a bias, stay in f32."""

    def __init__(self, b):
        self.b = b
        for k in (1, 2):
            b.imported(f"dtln/model_{k}.onnx", to=f"net_{k}.grus")
        with open("net_2.grus") as file:
            text = file.read().replace("bias=false)", "bias=false, precision=f32)")
        with open("net_2.grus", "w") as file:
            file.write(text)

    def network(self, k, name, x, out, options):
        np.save(f"{name}.npy", x.astype(np.float32))
        self.b.run("run", f"net_{k}.grus", *options(k), f"{name}={name}.npy", "-q", "-o", ".")
        return np.load(f"{out}.npy")

    def blocks(self, sound, options):
        """Magnitudes, and what the first network leaves of the sound."""
        spectrum = np.fft.rfft(frames(sound, 512, 128))
        mask = self.network(1, "input_2", np.abs(spectrum), "activation_2", options)
        return np.abs(spectrum), np.fft.irfft(mask * spectrum)

    def clean(self, sound, options):
        done = self.network(2, "input_4", self.blocks(sound, options)[1], "conv1d_3", options)
        total = np.zeros(128 * len(done) + 384)
        for i, block in enumerate(done):
            total[128 * i:128 * i + 512] += block
        return total

    def calibrate(self, precision, seen):
        for k, name in ((1, "input_2"), (2, "input_4")):
            np.save("seen.npy", seen[k - 1].astype(np.float32))
            self.b.run("calibrate", f"net_{k}.grus", "--precision", precision, "-q", "-o", f"net_{k}.ranges",
                       f"{name}=seen.npy")
            without_rounded(f"net_{k}.ranges", f"nearest_{k}.ranges")


def dtln(b):
    net = Dtln(b)
    noisy = b.sound("denoiser/noisy.wav")
    sounds = [b.sound("voice_activity/people.wav"), b.data("silero_safetensors/ref/audio_16k.npy")]
    f32 = lambda k: ("--precision", "f32")
    ref, seen, found = net.clean(noisy, f32), net.blocks(np.concatenate(sounds), f32), {}
    for precision in ("w8", "i16", "i8", "i16x16"):
        net.calibrate(precision, seen)
        for column, stem in ((precision, "net"), (f"{precision} nearest", "nearest")):
            if column not in COLUMNS:
                continue
            error = net.clean(noisy, lambda k: ("--precision", precision, "--ranges", f"{stem}_{k}.ranges")) - ref
            found[column] = 10 * np.log10((ref ** 2).sum() / (error ** 2).sum())
    return found


def g2p(b):
    """The decoder: phonemes of the published words one after the other, from the states of two of them."""
    phonemes = b.data("g2p/ref/dec_logits_concat.npy").argmax(axis=1).astype(np.int32)
    states = b.data("g2p/ref/enc_last_hidden.npy").astype(np.float32)
    n = len(phonemes) // 3 * 2
    seen, unseen = ({"phoneme": p, "h": states[k]} for p, k in ((phonemes[:n], 0), (phonemes[n:], 30)))
    return b.ratios(b.written("g2p_decoder"), seen, unseen, ["--weights", os.path.join(b.models, "g2p/checkpoint20.npz")])


def denoiser(b):
    """The first half is heard in calibration."""
    return b.ratios(b.example("denoiser/denoiser.grus"), *halves("pcm", b.sound("denoiser/noisy.wav")[:, None]))


MODELS = [("gesture, LSTM 24", gesture), ("Japanese vowels, GRU 32 in both directions", vowels),
          ("wake word, GRU 24", wake_word), ("MNIST by rows, LSTM 20", mnist),
          ("RNNoise 0.1, GRU 24, 48, 96", rnnoise), ("RNNoise-nu, GRU 24, 48, 96", rnnoise_nu),
          ("Silero, convolutions and LSTM 128", silero), ("DTLN, sound, four LSTM 128, transforms in f32", dtln),
          ("g2p decoder, GRU 256", g2p), ("denoiser, GRU 72", denoiser), ("amplifier ht11, LSTM 32", amplifier("ht1-ht11")),
          ("amplifier ht13, GRU 32", amplifier("ht1-ht13")), ("pedal muff1, LSTM 32", amplifier("muff-muff1")),
          ("pedal muff4, GRU 64", amplifier("muff-muff4")), ("Klon centaur 0, GRU 8", centaur("centaur_0")),
          ("Klon centaur 50, GRU 8", centaur("centaur_50")), ("Klon centaur 100, GRU 8", centaur("centaur_100"))]


def floors(page):
    """{model: [dB]} of the table in a page of documentation."""
    with open(page) as file:
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in file if line.startswith("| ")]
    known = {name for name, _ in MODELS}
    return {row[0]: [float(x) for x in row[1:]] for row in rows if row[0] in known and len(row) == len(COLUMNS) + 1}


def main(grus, models, page=None, *names):
    if page and not names and not os.path.isdir(models):
        print(f"skipped: {models} is not there")
        sys.exit(77)
    bench, failed = Bench(grus, models), False
    least = floors(page) if page else {}
    print("| model |" + "".join(f" {c} |" for c in COLUMNS))
    print("|---|" + "---:|" * len(COLUMNS))
    for name, measure in MODELS:
        if names and not name.startswith(names):
            continue
        found = in_folder(measure, bench)
        print(f"| {name} |" + "".join(f" {found[c]:.1f} |" for c in COLUMNS), flush=True)
        if page and not (name in least and all(found[c] >= x - 0.5 for c, x in zip(COLUMNS, least[name]))):
            print(f"{name}: the page has {least.get(name)}", flush=True)
            failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main(*sys.argv[1:])
