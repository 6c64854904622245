# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""peers.py GRUS [UNITS...]: a step of an LSTM with 8-bit weights by grus, oneDNN and ONNX Runtime, in one run.

In:  the program grus; torch, onnx and onnxruntime. UNITS: units and inputs (default 64 128 256).
Out: a table in Markdown, microseconds of a step: the least of many calls on one core. grus: compiled by LLVM for this
     processor, `grus bench`. oneDNN: the LSTM of torch after quantize_dynamic, on sequences of 100 steps, with the
     engine `onednn`, and `fbgemm`. ONNX Runtime: DynamicQuantizeLSTM, on sequences of 100 steps.
     Then the signal-to-noise ratio in dB of the outputs of the same LSTM to f32, of each. Status 77: something is not installed.
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
    import onnx
    import onnxruntime
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

STEPS, CALLS = 100, 60
torch.set_num_threads(1)


def least(call):
    """Microseconds a step, of the quickest call."""
    best = float("inf")
    for _ in range(CALLS):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best * 1e6 / STEPS


def decibels(truth, got):
    return 10 * np.log10((truth ** 2).sum() / ((truth - got) ** 2).sum())


def weights_of(lstm, path):
    """The tensors of torch's LSTM as grus reads them."""
    np.savez(path, **{name: value.detach().numpy() for name, value in lstm.named_parameters()})


def by_grus(grus, lstm, x, units):
    """{precision: (microseconds, dB)}"""
    weights_of(lstm, "lstm.npz")
    with open("lstm.grus", "w") as file:
        file.write(f"""grus 1

model lstm {{
  weights torch "lstm.npz"
  in  x : f32[time .., {units}]
  out y : f32[time .., {units}] = x |> LSTM({units}, from="weight_ih_l0 weight_hh_l0 bias_ih_l0 bias_hh_l0")
  allow state_never_reset
}}
""")
    np.save("x.npy", x)
    os.makedirs("ref", exist_ok=True)
    np.save("ref/x.npy", x)
    run = lambda *words, ok=(0,): subprocess.run([grus, *words], capture_output=True, text=True)
    done = run("run", "lstm.grus", "x=x.npy", "-q", "-o", "ref", "--precision", "f32")
    if done.returncode:
        sys.exit(done.stderr)
    found = {}
    for precision in ("f32", "i16", "i8", "w8"):
        ranges = []
        if precision != "f32":
            run("calibrate", "lstm.grus", "x=x.npy", "--precision", precision, "-q", "-o", "lstm.ranges")
            ranges = ["--ranges", "lstm.ranges"]
        said = run("bench", "lstm.grus", "--precision", precision, *ranges, "--cpu", "native", "--json", "-q").stdout
        ns = float(re.search(r'"ns_per_call":\{"min":([0-9.]+)', said)[1])
        text = run("verify", "lstm.grus", "--precision", precision, *ranges, "--against", "ref", "--snr", "1dB").stdout
        db = re.search(r"compiled / recorded .*SNR ([-0-9.]+) dB", text)
        found[precision] = (ns / 1000, float(db[1]) if db else float("inf"))
    return found


def by_torch(lstm, x, truth):
    found, before = {}, torch.backends.quantized.engine
    with torch.no_grad():
        sequence = torch.from_numpy(x)[:STEPS, None]
        found["torch f32"] = (least(lambda: lstm(sequence)), float("inf"))
        for engine in ("onednn", "fbgemm"):
            torch.backends.quantized.engine = engine
            holder = torch.nn.Sequential(lstm)
            quantised = torch.ao.quantization.quantize_dynamic(holder, {torch.nn.LSTM}, dtype=torch.qint8)[0]
            y = quantised(torch.from_numpy(x)[:, None])[0][:, 0].numpy()
            found[f"torch int8, {engine}"] = (least(lambda: quantised(sequence)), decibels(truth, y))
    torch.backends.quantized.engine = before
    return found


def onnx_lstm(lstm, units):
    """Gates of torch are i f g o, of ONNX i o f c."""
    def rows(tensor):
        i, f, g, o = np.split(tensor.detach().numpy(), 4)
        return np.concatenate([i, o, f, g])[None]
    bias = np.concatenate([rows(lstm.bias_ih_l0), rows(lstm.bias_hh_l0)], axis=1)
    arrays = {"W": rows(lstm.weight_ih_l0), "R": rows(lstm.weight_hh_l0), "B": bias}
    node = onnx.helper.make_node("LSTM", ["x", "W", "R", "B"], ["y"], hidden_size=units)
    value = lambda name, shape: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
    graph = onnx.helper.make_graph([node], "lstm", [value("x", ["n", 1, units])], [value("y", ["n", 1, 1, units])],
                                   [onnx.numpy_helper.from_array(a, n) for n, a in arrays.items()])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    onnx.save(model, "lstm.onnx")


def by_onnxruntime(lstm, x, truth, units):
    onnx_lstm(lstm, units)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    found = {}
    for name, per_channel in (("f32", None), ("int8", False), ("int8, a scale a row", True)):
        path = "lstm.onnx"
        if per_channel is not None:
            path = "lstm.int8.onnx"
            quantize_dynamic("lstm.onnx", path, per_channel=per_channel, weight_type=QuantType.QInt8)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        y = session.run(None, {"x": x[:, None]})[0].reshape(len(x), units)
        sequence = {"x": x[:STEPS, None]}
        found[f"ONNX Runtime {name}"] = (least(lambda: session.run(None, sequence)), decibels(truth, y))
    return found


def measure(grus, units):
    torch.manual_seed(units)
    lstm = torch.nn.LSTM(units, units)
    for name, value in lstm.named_parameters():
        value.data *= 2
    x = np.random.default_rng(units).standard_normal((4 * units + 600, units)).astype(np.float32)
    with torch.no_grad():
        truth = lstm(torch.from_numpy(x)[:, None])[0][:, 0].numpy()
    found = {f"grus {k}": v for k, v in by_grus(grus, lstm, x, units).items()}
    return {**found, **by_torch(lstm, x, truth), **by_onnxruntime(lstm, x, truth, units)}


def main(grus, *sizes):
    grus, sizes = os.path.abspath(grus), [int(n) for n in sizes] or [64, 128, 256]
    columns = [in_folder(measure, grus, units) for units in sizes]
    print("| microseconds a step; dB |" + "".join(f" {n} |" for n in sizes))
    print("|---|" + "---:|" * len(sizes))
    for name in columns[0]:
        print(f"| {name} |" + "".join(f" {c[name][0]:.2f}; {c[name][1]:.1f} |" for c in columns))


if __name__ == "__main__":
    main(*sys.argv[1:])
