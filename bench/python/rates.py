# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""rates.py [ROWS]: rows per second of processor time of grus, onnxruntime and torch, one thread, in one run.

The model: 32 steps of 16 numbers, LSTM(64), the last step, Dense(8), softmax, with weights of torch. All three
answer the same rows, in turns, and the best of five turns counts. Also: the time of a call and of a step that compute
next to nothing, of a pickle, the rate of a stream, and two threads against one by the clock, which needs two free
processors (`chrt -f 5` where others compute). Prints a table in Markdown; answers are compared first. From
the source tree calls go by ctypes; the installed wheel has the extension.
"""

import os
import pickle
import sys
import time

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import grus
import numpy as np
import onnxruntime
import torch
from grus import _short

BATCHES, TURNS = (1, 16, 256, 4096), 5
CALL_TURNS, CALLS = 200, 500  # short, so that some have the processor for themselves on a busy machine

SOURCE = """grus 1

model score {
  weights torch "weights.safetensors"
  in  x : f32[time 32, feature 16]
  out p : f32[8] = x |> LSTM(64, from="lstm") |> last |> Dense(8, from="fc") |> softmax
}
"""
STREAM = """grus 1

model follow {
  in  x : f32[time .., 16]
  out y : f32[time .., 16] = x |> GRU(48) |> Dense(16)
}
"""


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.fc = torch.nn.LSTM(16, 64, batch_first=True), torch.nn.Linear(64, 8)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1]).softmax(-1)


def to_onnx(net):
    """The same by one LSTM node; onnxruntime's own order of gates is i, o, f, c."""
    from onnx import TensorProto, helper, numpy_helper

    def gates(w):
        i, f, c, o = w.detach().numpy().reshape(4, 64, -1)
        return np.concatenate([i, o, f, c]).squeeze()

    lstm = net.lstm
    tensors = {
        "w": gates(lstm.weight_ih_l0)[None], "r": gates(lstm.weight_hh_l0)[None],
        "b": np.concatenate([gates(lstm.bias_ih_l0), gates(lstm.bias_hh_l0)])[None],
        "fw": net.fc.weight.detach().numpy().T.copy(), "fb": net.fc.bias.detach().numpy(), "axis": np.array([0]),
    }
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2]), helper.make_node("LSTM", ["t", "w", "r", "b"], ["", "h"], hidden_size=64),
        helper.make_node("Squeeze", ["h", "axis"], ["s"]), helper.make_node("MatMul", ["s", "fw"], ["m"]),
        helper.make_node("Add", ["m", "fb"], ["a"]), helper.make_node("Softmax", ["a"], ["p"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes, "score", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 32, 16])],
        [helper.make_tensor_value_info("p", TensorProto.FLOAT, ["n", 8])], [numpy_helper.from_array(v, k) for k, v in tensors.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def cost(function, turns=TURNS):
    """Seconds of processor time, least of the turns."""
    best = float("inf")
    for _ in range(turns):
        start = time.process_time()
        function()
        best = min(best, time.process_time() - start)
    return best


def wall(function):
    """Seconds by the clock."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main(rows):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    net = Net().eval()
    session = to_onnx(net)
    model = grus.compile(SOURCE, weights=net.state_dict())
    x = np.random.default_rng(0).standard_normal((rows, 32, 16), dtype=np.float32)

    def by_torch(part):
        with torch.no_grad():
            return net(torch.from_numpy(part)).numpy()

    peers = {"grus": model, "onnxruntime": lambda part: session.run(None, {"x": part})[0], "torch": by_torch}
    expected = by_torch(x[:500])
    for name, peer in peers.items():
        worst = np.abs(peer(x[:500]) - expected).max()
        assert worst < 1e-5, (name, worst)
    print(f"grus {grus.__version__} on {model.processor}, onnxruntime {onnxruntime.__version__}, torch {torch.__version__}\n")
    print("| batch | grus, rows/s | onnxruntime | torch | grus to the better |\n|---|---|---|---|---|")
    for batch in BATCHES:
        count = max(batch, min(rows, 2000 if batch == 1 else rows))
        parts = [x[i : i + batch] for i in range(0, count - batch + 1, batch)]
        rate = {name: len(parts) * batch / cost(lambda: [peer(p) for p in parts]) for name, peer in peers.items()}
        print(f"| {batch} | {rate['grus']:,.0f} | {rate['onnxruntime']:,.0f} | {rate['torch']:,.0f} | "
              f"{rate['grus'] / max(rate['onnxruntime'], rate['torch']):.2f} |")
    one, two = (min(wall(lambda: model(x, threads=n)) for _ in range(4 * TURNS)) for n in (1, 2))
    print(f"\n{rows:,} rows in one call: {rows / one:,.0f} rows/s on one thread, {rows / two:,.0f} on two, by the clock: {one / two:.2f} times")
    tiny = grus.compile("grus 1\n\nmodel tiny {\n  in x : f32[2]\n  out y : f32[2] = x |> tanh\n}\n")
    flow = grus.compile("grus 1\n\nmodel flow {\n  in x : f32[time .., 2]\n  out y : f32[time .., 2] = x |> tanh\n}\n").stream()
    one = np.ones(2, np.float32)
    calls, steps, whole = (cost(lambda: [f(one) for _ in range(CALLS)], CALL_TURNS) / CALLS * 1e6 for f in (tiny, flow.step, lambda x: tiny(x, threads=2)))
    follow = grus.compile(STREAM, weights="random:1").stream()
    block = np.ones((20000, 16), np.float32)
    data = pickle.dumps(model)
    print(f"\na model of two numbers, by {'ctypes' if _short.extension is None else 'the extension'}: a call {calls:.2f} µs, a step {steps:.2f} µs, "
          f"a call the whole way {whole:.1f} µs")
    print(f"a stream in blocks: {20000 / cost(lambda: follow.block(block)):,.0f} steps/s, "
          f"one by one: {2000 / cost(lambda: [follow.step(block[0]) for _ in range(2000)]):,.0f} steps/s")
    print(f"a pickle: {len(data):,} bytes, made and read in {1e3 * cost(lambda: pickle.loads(pickle.dumps(model))):.2f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8192)
