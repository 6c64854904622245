# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""batch_peers.py GRUS [UNITS...]: an LSTM in f32, bf16 and 8 bits by grus and by oneDNN, in one run.

In:  the program grus, on a processor with AVX512_BF16; torch. UNITS: units and inputs (default 128 256).
Out: a table in Markdown: microseconds of a step of one sequence, for batches of 1, 16 and 64 on one core, the least of
     several rounds in which all take turns. grus: compiled by LLVM for x86-64-v4-bf16, `grus bench`. oneDNN: the LSTM of
     torch, with weights and values in bf16, and after quantize_dynamic with the engine `onednn`. Then the
     signal-to-noise ratio in dB of both in bf16 to f32. Status 77: something is not installed.
"""
import os
import re
import subprocess
import sys
import time

from folder import in_folder

os.environ.setdefault("OMP_NUM_THREADS", "1")
try:
    import numpy as np
    import torch
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

ROUNDS, CALLS, BATCHES = 5, 40, (1, 16, 64)
STEPS = {1: 100, 16: 12, 64: 4}  # calls of a few milliseconds, which other processes seldom interrupt
TARGET = "x86-64-v4-bf16"
NAMES = ("grus f32", "grus bf16", "grus i8", "oneDNN f32", "oneDNN bf16", "oneDNN int8")
torch.set_num_threads(1)


def grus_says(grus, *words):
    done = subprocess.run([grus, *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def write_model(lstm, units, steps):
    np.savez("lstm.npz", **{name: value.detach().numpy() for name, value in lstm.named_parameters()})
    with open("lstm.grus", "w") as file:
        file.write(f"""grus 1

model lstm {{
  weights torch "lstm.npz"
  in  x : f32[time {steps}, {units}]
  out y : f32[time {steps}, {units}] = x |> LSTM({units}, from="weight_ih_l0 weight_hh_l0 bias_ih_l0 bias_hh_l0")
}}
""")


def calibrate(grus, units):
    np.save("c.npy", torch.randn(STEPS[1], units).numpy())
    grus_says(grus, "calibrate", "lstm.grus", "x=c.npy", "--precision", "i8", "-q", "-o", "lstm.ranges")


def by_grus(grus, precision, batch):
    ranges = ["--ranges", "lstm.ranges"] if precision == "i8" else []
    said = grus_says(grus, "bench", "lstm.grus", "--target", TARGET, "--precision", precision, "--batch", str(batch),
                     *ranges, "--json", "-q")
    return float(re.search(r'"ns_per_call":\{"min":([0-9.]+)', said)[1]) / 1000


def by_torch(lstm, x):
    best = float("inf")
    with torch.no_grad():
        for _ in range(CALLS):
            start = time.perf_counter()
            lstm(x)
            best = min(best, time.perf_counter() - start)
    return best * 1e6


def decibels(truth, got):
    return 10 * np.log10((truth ** 2).sum() / ((truth - got) ** 2).sum())


def errors(grus, lstm, narrow, units):
    steps = STEPS[1]
    write_model(lstm, units, steps)
    x = torch.randn(steps, 1, units)
    with torch.no_grad():
        truth = lstm(x)[0][:, 0].numpy()
        theirs = narrow(x.bfloat16())[0][:, 0].float().numpy()
    np.save("x.npy", x[:, 0].numpy())
    grus_says(grus, "run", "lstm.grus", "x=x.npy", "-q", "-o", "out", "--target", TARGET, "--precision", "bf16")
    return decibels(truth, np.load("out/y.npy")), decibels(truth, theirs)


def measure(grus, units):
    torch.manual_seed(units)
    lstm = torch.nn.LSTM(units, units)
    narrow = torch.nn.LSTM(units, units)
    narrow.load_state_dict(lstm.state_dict())
    narrow = narrow.bfloat16()
    torch.backends.quantized.engine = "onednn"
    bytewise = torch.ao.quantization.quantize_dynamic(torch.nn.Sequential(lstm), {torch.nn.LSTM}, dtype=torch.qint8)[0]
    found = {}
    write_model(lstm, units, STEPS[1])
    calibrate(grus, units)
    for _ in range(ROUNDS):
        for batch in BATCHES:
            write_model(lstm, units, STEPS[batch])
            x = torch.randn(STEPS[batch], batch, units)
            times = [by_grus(grus, precision, batch) for precision in ("f32", "bf16", "i8")]
            times += [by_torch(lstm, x), by_torch(narrow, x.bfloat16()), by_torch(bytewise, x)]
            for name, took in zip(NAMES, times):
                key, each = (name, batch), took / STEPS[batch] / batch
                found[key] = min(each, found.get(key, each))
    found["dB"] = errors(grus, lstm, narrow, units)
    return found


def main(grus, *sizes):
    grus, sizes = os.path.abspath(grus), [int(n) for n in sizes] or [128, 256]
    columns = [in_folder(measure, grus, units) for units in sizes]
    print("| microseconds a step of a sequence |" + "".join(f" {n}, batch {b} |" for n in sizes for b in BATCHES))
    print("|---|" + "---:|" * (len(sizes) * len(BATCHES)))
    for name in NAMES:
        print(f"| {name} |" + "".join(f" {c[name, b]:.2f} |" for c in columns for b in BATCHES))
    for n, c in zip(sizes, columns):
        print(f"{n} units in bf16 to f32: grus {c['dB'][0]:.1f} dB, oneDNN {c['dB'][1]:.1f} dB")


if __name__ == "__main__":
    main(*sys.argv[1:])
