# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/: small ONNX files with random weights, and what onnxruntime makes of random inputs.

    python make_onnx.py            (onnx, onnxruntime, torch, onnxscript, numpy from PyPI)

NAME.onnx, NAME.npz: arrays in_NAME and out_NAME, as the graph has them; a stream's are [steps, ...] of
calls whose state went from output to input. refused/NAME_CODE.onnx must be refused with that code.
"""
import os
import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper as h, numpy_helper as nh

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
rng = np.random.default_rng(7)
F = TensorProto.FLOAT


def weights(*shape, scale=0.5):
    return (rng.uniform(-scale, scale, shape)).astype(np.float32)


def init(name, array):
    return nh.from_array(np.asarray(array), name)


def port(name, shape, elem=F):
    return h.make_tensor_value_info(name, elem, shape)


def save(name, nodes, ins, outs, inits, opset=17, feeds=None, folder=""):
    graph = h.make_graph(nodes, name, ins, outs, inits)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=8, producer_name="make_onnx")
    path = os.path.join(HERE, folder, name + ".onnx")
    onnx.save(model, path)
    if feeds is None:
        return
    record(path, feeds)


def record(path, feeds):
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    out = session.run(None, feeds)
    arrays = {"in_" + k: v for k, v in feeds.items()}
    arrays |= {"out_" + o.name: v for o, v in zip(session.get_outputs(), out)}
    np.savez(path[:-5] + ".npz", **arrays)


def cell(kind, name, dirs="forward", d=3, u=4, t=5, opset=17, bias=True, states=False, peephole=False, zero=False, **attributes):
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    n = 2 if dirs == "bidirectional" else 1
    inits = [init("W", weights(n, gates * u, d)), init("R", weights(n, gates * u, u))]
    names = ["X", "W", "R", "", "", "", "", ""]
    ins, feeds = [port("X", [t, 1, d])], {"X": weights(t, 1, d, scale=1)}
    if bias:
        inits.append(init("B", weights(n, 2 * gates * u)))
        names[3] = "B"
    for i, s in enumerate(["h0", "c0"][: 2 if kind == "LSTM" else 1]):
        if states:
            ins.append(port(s, [n, 1, u]))
            feeds[s] = weights(n, 1, u, scale=0.9)
        if zero:
            inits.append(init(s, np.zeros((n, 1, u), np.float32)))
        if states or zero:
            names[5 + i] = s
    if peephole:
        inits.append(init("P", weights(n, 3 * u)))
        names[7] = "P"
    while not names[-1]:
        names.pop()
    outs = [port("Y", [t, n, 1, u]), port("Yh", [n, 1, u])] + ([port("Yc", [n, 1, u])] if kind == "LSTM" else [])
    node = h.make_node(kind, names, [o.name for o in outs], name=kind.lower() + "_node", hidden_size=u, direction=dirs, **attributes)
    save(name, [node], ins, outs, inits, opset, feeds)


def cells():
    for kind in ["LSTM", "GRU", "RNN"]:
        k = kind.lower()
        for dirs in ["forward", "reverse", "bidirectional"]:
            cell(kind, f"{k}_{dirs}", dirs)
        cell(kind, f"{k}_opset7", opset=7)
        cell(kind, f"{k}_no_bias", bias=False)
        cell(kind, f"{k}_states", states=True)
        cell(kind, f"{k}_states_both", "bidirectional", states=True)
        cell(kind, f"{k}_zero_states", zero=True)
        cell(kind, f"{k}_clip", clip=0.3)
        n = {"LSTM": 3, "GRU": 2, "RNN": 1}[kind]
        for activation in ["Relu", "Softsign", "HardSigmoid", "Elu", "Softplus"]:
            usual = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}[kind]
            extra = {"activation_alpha": [0.2], "activation_beta": [0.5]} if activation == "HardSigmoid" else {}
            if activation == "Elu":
                extra = {"activation_alpha": [1.0]}
            usual[0 if activation == "HardSigmoid" else -1] = activation
            cell(kind, f"{k}_{activation.lower()}", activations=usual, **extra)
    cell("GRU", "gru_after", linear_before_reset=1)
    cell("GRU", "gru_after_both", "bidirectional", linear_before_reset=1)
    cell("LSTM", "lstm_peephole", peephole=True)
    cell("LSTM", "lstm_peephole_both", "bidirectional", peephole=True)


def constant_starts():
    """Start states among the weights, given in part, and beside others that are inputs."""
    def start(kind, name, constant, given=(), dirs="forward", u=4, d=3, t=5, zeros=(), folder=""):
        gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
        n = 2 if dirs == "bidirectional" else 1
        inits = [init("W", weights(n, gates * u, d)), init("R", weights(n, gates * u, u)), init("B", weights(n, 2 * gates * u))]
        ins, feeds, names = [port("X", [t, 1, d])], {"X": weights(t, 1, d, scale=1)}, ["X", "W", "R", "B", "", "", ""]
        for i, s in enumerate(["h0", "c0"]):
            if s in constant or s in zeros:
                inits.append(init(s, np.zeros((n, 1, u), np.float32) if s in zeros else weights(n, 1, u, scale=0.9)))
            if s in given:
                ins.append(port(s, [n, 1, u]))
                feeds[s] = weights(n, 1, u, scale=0.9)
            names[5 + i] = s if s in (*constant, *given, *zeros) else ""
        while not names[-1]:
            names.pop()
        outs = [port("Y", [t, n, 1, u]), port("Yh", [n, 1, u])]
        node = h.make_node(kind, names, ["Y", "Yh"], name=kind.lower() + "_node", hidden_size=u, direction=dirs)
        save(name, [node], ins, outs, inits, feeds=None if folder else feeds, folder=folder)

    for kind in ["LSTM", "GRU", "RNN"]:
        for dirs in ["forward", "reverse", "bidirectional"]:
            start(kind, f"{kind.lower()}_start_{dirs}", ["h0", "c0"][:2 if kind == "LSTM" else 1], dirs=dirs)
    start("LSTM", "lstm_start_h", ["h0"])
    start("LSTM", "lstm_start_c_both", ["c0"], dirs="bidirectional")
    start("LSTM", "lstm_start_h_given", [], ["h0"])
    start("LSTM", "lstm_start_c_given", [], ["c0"], dirs="bidirectional", zeros=["h0"])
    start("LSTM", "start_mixed_E902", ["c0"], ["h0"], folder="refused")


def dense_and_conv():
    x = {"x": weights(1, 6, 3, scale=1)}
    inits = [init("w", weights(3, 5)), init("b", weights(5)), init("g", weights(5)), init("s", np.float32(0.5))]
    nodes = [h.make_node("MatMul", ["x", "w"], ["m"]), h.make_node("Add", ["m", "b"], ["a"]), h.make_node("Tanh", ["a"], ["t"]),
             h.make_node("Mul", ["t", "g"], ["k"]), h.make_node("Sub", ["s", "k"], ["y"])]
    save("dense", nodes, [port("x", [1, 6, 3])], [port("y", [1, 6, 5])], inits, feeds=x)
    x = {"x": weights(1, 3, 14, scale=1)}
    inits = [init("w", weights(4, 3, 3)), init("b", weights(4)), init("w2", weights(4, 2, 2)), init("scale", weights(4)), init("center", weights(4)),
             init("mean", weights(4)), init("var", np.abs(weights(4)) + 0.5)]
    nodes = [h.make_node("Conv", ["x", "w", "b"], ["c"], kernel_shape=[3], pads=[2, 0]), h.make_node("BatchNormalization", ["c", "scale", "center", "mean", "var"], ["n"]),
             h.make_node("Relu", ["n"], ["r"]), h.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2], strides=[2]),
             h.make_node("Conv", ["p", "w2"], ["y"], group=2, dilations=[2])]
    save("conv", nodes, [port("x", [1, 3, 14])], [port("y", [1, 4, 5])], inits, feeds=x)
    inits = [init("table", weights(7, 3)), init("w", weights(3 * 4, 2)), init("shape", np.array([1, -1], np.int64))]
    nodes = [h.make_node("Gather", ["table", "i"], ["e"]), h.make_node("Reshape", ["e", "shape"], ["f"]), h.make_node("MatMul", ["f", "w"], ["m"]),
             h.make_node("Softmax", ["m"], ["y"])]
    save("embedding", nodes, [port("i", [1, 4], TensorProto.INT64)], [port("y", [1, 2])], inits, feeds={"i": np.array([[0, 6, 3, 3]])})


def norm():
    x = {"x": weights(1, 4, 6, scale=1)}
    inits = [init("two", np.float32(2)), init("eps", np.float32(1e-3)), init("g", weights(6)), init("b", weights(6))]
    nodes = [h.make_node("ReduceMean", ["x"], ["m"], axes=[-1]), h.make_node("Sub", ["x", "m"], ["d"]), h.make_node("Pow", ["d", "two"], ["q"]),
             h.make_node("ReduceMean", ["q"], ["v"], axes=[-1]), h.make_node("Add", ["v", "eps"], ["e"]), h.make_node("Sqrt", ["e"], ["r"]),
             h.make_node("Div", ["d", "r"], ["n"]), h.make_node("Mul", ["n", "g"], ["k"]), h.make_node("Add", ["k", "b"], ["y"])]
    save("norm_written_out", nodes, [port("x", [1, 4, 6])], [port("y", [1, 4, 6])], inits, feeds=x)


def lstm_step(order="ifco", name="lstm_written_out", gemm=False, swap=None, u=4, d=3):
    """One step, gates packed in one product; swap: two gates exchanged, which is no LSTM any more."""
    w, r, b = weights(d, 4 * u), weights(u, 4 * u), weights(4 * u)
    inits = [init("w", w), init("r", r), init("b", b)]
    nodes = [h.make_node("MatMul", ["x", "w"], ["xw"]), h.make_node("MatMul", ["h", "r"], ["hr"]), h.make_node("Add", ["hr", "xw"], ["s0"]),
             h.make_node("Add", ["s0", "b"], ["s"])]
    if gemm:
        inits = [init("w", w.T.copy()), init("r", r.T.copy()), init("b", b), init("b2", weights(4 * u))]
        nodes = [h.make_node("Gemm", ["x", "w", "b"], ["xw"], transB=1), h.make_node("Gemm", ["h", "r", "b2"], ["hr"], transB=1), h.make_node("Add", ["xw", "hr"], ["s"])]
    nodes.append(h.make_node("Split", ["s"], [g for g in order], axis=1))
    act = {"i": "Sigmoid", "f": "Sigmoid", "o": "Sigmoid", "c": "Tanh"}
    if swap:
        act["c"], act["f"] = "Sigmoid", "Tanh"
    nodes += [h.make_node(act[g], [g], [g + "a"]) for g in "ifoc"]
    nodes += [h.make_node("Mul", ["cell", "fa"], ["k"]), h.make_node("Mul", ["ca", "ia"], ["n"]), h.make_node("Add", ["n", "k"], ["cell_next"]),
              h.make_node("Tanh", ["cell_next"], ["ct"]), h.make_node("Mul", ["ct", "oa"], ["h_next"])]
    ins = [port("x", [1, d]), port("h", [1, u]), port("cell", [1, u])]
    outs = [port("h_next", [1, u]), port("cell_next", [1, u])]
    if swap:
        save(name, nodes, ins, outs, inits, 13, {"x": weights(1, d), "h": weights(1, u), "cell": weights(1, u)})
    else:
        save(name, nodes, ins, outs, inits, 13)
        stream(name, {"x": [1, d]}, {"h": "h_next", "cell": "cell_next"}, ["h_next"])


def stream(name, inputs, states, results, steps=6):
    path = os.path.join(HERE, name + ".onnx")
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    shapes = {i.name: i.shape for i in session.get_inputs()}
    state = {k: np.zeros(shapes[k], np.float32) for k in states}
    xs = {k: weights(steps, *s, scale=1) for k, s in inputs.items()}
    ys = {k: [] for k in results}
    names = [o.name for o in session.get_outputs()]
    for t in range(steps):
        out = dict(zip(names, session.run(None, state | {k: v[t] for k, v in xs.items()})))
        state = {k: out[v] for k, v in states.items()}
        for k in results:
            ys[k].append(out[k])
    np.savez(path[:-5] + ".npz", **{"in_" + k: v for k, v in xs.items()}, **{"out_" + k: np.stack(v) for k, v in ys.items()})


def gru_step(after, name, u=4, d=3):
    names = ["z", "r", "n"]
    inits = sum([[init("w" + g, weights(d, u)), init("u" + g, weights(u, u)), init("b" + g, weights(u)), init("c" + g, weights(u))] for g in names], [])
    inits.append(init("one", np.float32(1)))
    nodes = []
    for g in "zr":
        nodes += [h.make_node("MatMul", ["x", "w" + g], ["x" + g]), h.make_node("MatMul", ["h", "u" + g], ["h" + g]), h.make_node("Add", ["x" + g, "h" + g], ["s" + g]),
                  h.make_node("Add", ["s" + g, "b" + g], ["p" + g]), h.make_node("Sigmoid", ["p" + g], [g])]
    nodes += [h.make_node("MatMul", ["x", "wn"], ["xn"]), h.make_node("Add", ["xn", "bn"], ["xb"])]
    if after:
        nodes += [h.make_node("MatMul", ["h", "un"], ["hn"]), h.make_node("Add", ["hn", "cn"], ["hc"]), h.make_node("Mul", ["r", "hc"], ["rh"])]
    else:
        nodes += [h.make_node("Mul", ["r", "h"], ["rr"]), h.make_node("MatMul", ["rr", "un"], ["rh"])]
    nodes += [h.make_node("Add", ["xb", "rh"], ["pn"]), h.make_node("Tanh", ["pn"], ["n"]), h.make_node("Sub", ["one", "z"], ["iz"]), h.make_node("Mul", ["iz", "n"], ["new"]),
              h.make_node("Mul", ["z", "h"], ["old"]), h.make_node("Add", ["new", "old"], ["h_next"])]
    save(name, nodes, [port("x", [1, d]), port("h", [1, u])], [port("h_next", [1, u])], inits, 13)
    stream(name, {"x": [1, d]}, {"h": "h_next"}, ["h_next"])


def packed_states():
    """Two layers, one step; both states in one tensor [1, 2, u, 2] as h and c in its last axis."""
    u, d = 4, 3
    inits = [init(f"{n}{k}", weights(1, 4 * u, (d, u)[k] if n == "W" else u)) for n in "WR" for k in (0, 1)] + [init(f"B{k}", weights(1, 8 * u)) for k in (0, 1)]
    nodes = []
    for k in (0, 1):
        for j, s in enumerate("hc"):
            inits += [init(f"from{k}{s}", np.array([0, k, 0, j])), init(f"to{k}{s}", np.array([9, k + 1, 99, j + 1]))]
            nodes += [h.make_node("Slice", ["state", f"from{k}{s}", f"to{k}{s}"], [f"cut{k}{s}"]), h.make_node("Reshape", [f"cut{k}{s}", "three"], [f"start{k}{s}"])]
    inits += [init("three", np.array([1, 1, u])), init("two", np.array([1, 1, u])), init("four", np.array([1, 1, u, 1]))]
    previous = "x"
    for k in (0, 1):
        nodes += [h.make_node("LSTM", [previous, f"W{k}", f"R{k}", f"B{k}", "", f"start{k}h", f"start{k}c"], [f"y{k}", f"h{k}", f"c{k}"], hidden_size=u),
                  h.make_node("Reshape", [f"y{k}", "two"], [f"s{k}"]), h.make_node("Reshape", [f"h{k}", "four"], [f"h4{k}"]), h.make_node("Reshape", [f"c{k}", "four"], [f"c4{k}"]),
                  h.make_node("Concat", [f"h4{k}", f"c4{k}"], [f"p{k}"], axis=3)]
        previous = f"s{k}"
    nodes.append(h.make_node("Concat", ["p0", "p1"], ["state_next"], axis=1))
    nodes.append(h.make_node("Identity", ["s1"], ["y"]))
    save("packed_states", nodes, [port("x", [1, 1, d]), port("state", [1, 2, u, 2])], [port("y", [1, 1, u]), port("state_next", [1, 2, u, 2])], inits)
    stream("packed_states", {"x": [1, 1, d]}, {"state": "state_next"}, ["y"])


class Net(torch.nn.Module):
    def __init__(self, kind, **options):
        super().__init__()
        self.rnn = getattr(torch.nn, kind)(3, 4, **options)
        self.out = torch.nn.Linear(4 * (2 if options.get("bidirectional") else 1), 2)

    def forward(self, x):
        y, _ = self.rnn(x)
        return torch.sigmoid(self.out(y))


def torch_nets():
    torch.manual_seed(1)
    for kind in ["LSTM", "GRU", "RNN"]:
        for label, options in [("one", {}), ("two", {"num_layers": 2}), ("both", {"bidirectional": True, "num_layers": 2}), ("no_bias", {"bias": False})]:
            for first in (True, False):
                net = Net(kind, batch_first=first, **options).eval()
                x = torch.randn(1, 5, 3) if first else torch.randn(5, 1, 3)
                name = f"torch_{kind.lower()}_{label}" + ("" if first else "_time_first")
                path = os.path.join(HERE, name + ".onnx")
                torch.onnx.export(net, (x,), path, dynamo=False, input_names=["x"], output_names=["y"], opset_version=17)
                record(path, {"x": x.numpy()})


def refused():
    x = [port("x", [1, 5, 3])]
    w = [init("w", weights(3, 2))]
    save("cycle_E901", [h.make_node("Add", ["x", "b"], ["a"]), h.make_node("Tanh", ["a"], ["b"])], x, [port("b", [1, 5, 3])], [], folder="refused")
    save("unknown_operator_E902", [h.make_node("Unique", ["x", "w"], ["y"])], x, [port("y", [1, 5, 2])], w, folder="refused")
    save("attention_E902", [h.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 1]), h.make_node("MatMul", ["x", "t"], ["y"])], x, [port("y", [1, 5, 5])], [], folder="refused")
    save("lengths_E902", [h.make_node("RNN", ["x", "W", "R", "", "n"], ["y"], hidden_size=4)], [port("x", [5, 1, 3])], [port("y", [5, 1, 1, 4])],
         [init("W", weights(1, 4, 3)), init("R", weights(1, 4, 4)), init("n", np.array([3], np.int32))], folder="refused")
    save("no_length_E904", [h.make_node("RNN", ["x", "W", "R"], ["y"], hidden_size=4)], [port("x", ["T", 1, 3])], [port("y", ["T", 1, 1, 4])],
         [init("W", weights(1, 4, 3)), init("R", weights(1, 4, 4))], folder="refused")
    save("width_E902", [h.make_node("RNN", ["x", "W", "R"], ["y"], hidden_size=4)], [port("x", [5, 1, 2])], [port("y", [5, 1, 1, 4])],
         [init("W", weights(1, 4, 3)), init("R", weights(1, 4, 4))], folder="refused")
    outside = nh.from_array(weights(3, 2), "w")
    outside.ClearField("raw_data")
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="../../make_onnx.py")
    save("outside_E901", [h.make_node("MatMul", ["x", "w"], ["y"])], x, [port("y", [1, 5, 2])], [outside], folder="refused")
    


if __name__ == "__main__":
    os.makedirs(os.path.join(HERE, "refused"), exist_ok=True)
    cells()
    dense_and_conv()
    norm()
    lstm_step()
    lstm_step(name="gates_exchanged", swap=True)
    lstm_step("oifc", "lstm_written_out_gemm", gemm=True)
    gru_step(True, "gru_written_out_after")
    gru_step(False, "gru_written_out_before")
    packed_states()
    torch_nets()
    refused()
    constant_starts()
