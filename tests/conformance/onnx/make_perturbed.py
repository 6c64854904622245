# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/perturbed/: cells and norms written out in small steps, alone and in a Loop, each with one thing changed: an
operator, a number, an operand, where it is cut. What is no such cell any more must be refused or give what
onnxruntime gives, recorded for 6 calls; a stream's state goes from call to call.

    python make_perturbed.py                 writes a part of all changes, most of them every 24th
    python make_perturbed.py GRUS FOLDER     tries all of them with the compiler GRUS, in FOLDER
"""
import copy
import os
import re
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper as h, numpy_helper as nh

from make_onnx import HERE, init, port, weights

FOLDER = os.path.join(HERE, "perturbed")
CALLS, EVERY, T, D, U = 6, 24, 5, 3, 4
OTHER = {"Add": ["Sub", "Mul"], "Sub": ["Add"], "Mul": ["Add", "Sub"], "Div": ["Mul"], "Sigmoid": ["Tanh", "HardSigmoid"], "Tanh": ["Sigmoid", "Relu", "Identity"],
         "Max": ["Min"], "Min": ["Max"], "Sqrt": ["Exp"], "Less": ["Greater"], "Pow": ["Mul"], "ReduceMean": ["ReduceMax"], "Gather": []}


# ---- what is changed: {name: (model, {state in: state out})} ----


def model(name, nodes, ins, outs, inits):
    graph = h.make_graph(nodes, name, ins, outs, inits)
    return h.make_model(graph, opset_imports=[h.make_opsetid("", 13)], ir_version=8, producer_name="make_perturbed")


def cell_nodes(kind, x, state, p=""):
    """Nodes and constants of a step from x [1, d] and state; names of what it makes: p + h_next, p + cell_next."""
    N = h.make_node
    if kind.startswith("lstm"):
        inits = [init(p + "w", weights(D, 4 * U)), init(p + "r", weights(U, 4 * U)), init(p + "b", weights(4 * U))]
        nodes = [N("MatMul", [x, p + "w"], [p + "xw"]), N("MatMul", [state[0], p + "r"], [p + "hr"]), N("Add", [p + "hr", p + "xw"], [p + "s0"]), N("Add", [p + "s0", p + "b"], [p + "s"])]
        if kind == "lstm_slice":
            for k, g in enumerate("ifco"):
                inits += [init(p + f"from{g}", np.array([k * U])), init(p + f"to{g}", np.array([k * U + U])), ]
                nodes.append(N("Slice", [p + "s", p + f"from{g}", p + f"to{g}", p + "axis", p + "step"], [p + g]))
            inits += [init(p + "axis", np.array([1])), init(p + "step", np.array([1]))]
        else:
            nodes.append(N("Split", [p + "s"], [p + g for g in "ifco"], axis=1))
        if kind == "lstm_hard":
            inits += [init(p + "slope", np.float32(0.2)), init(p + "half", np.float32(0.5)), init(p + "low", np.float32(0)), init(p + "high", np.float32(1))]
            for g in "ifo":
                nodes += [N("Mul", [p + g, p + "slope"], [p + g + "1"]), N("Add", [p + g + "1", p + "half"], [p + g + "2"]), N("Min", [p + g + "2", p + "high"], [p + g + "3"]),
                          N("Max", [p + g + "3", p + "low"], [p + g + "a"])]
        else:
            nodes += [N("Sigmoid", [p + g], [p + g + "a"]) for g in "ifo"]
        nodes += [N("Tanh", [p + "c"], [p + "ca"]), N("Mul", [state[1], p + "fa"], [p + "k"]), N("Mul", [p + "ca", p + "ia"], [p + "n"]), N("Add", [p + "n", p + "k"], [p + "cell_next"]),
                  N("Tanh", [p + "cell_next"], [p + "ct"]), N("Mul", [p + "ct", p + "oa"], [p + "h_next"])]
        return nodes, inits
    inits = sum([[init(p + "w" + g, weights(D, U)), init(p + "u" + g, weights(U, U)), init(p + "b" + g, weights(U)), init(p + "c" + g, weights(U))] for g in "zrn"], [])
    inits.append(init(p + "one", np.float32(1)))
    nodes = []
    for g in "zr":
        nodes += [N("MatMul", [x, p + "w" + g], [p + "x" + g]), N("MatMul", [state[0], p + "u" + g], [p + "h" + g]), N("Add", [p + "x" + g, p + "h" + g], [p + "s" + g]),
                  N("Add", [p + "s" + g, p + "b" + g], [p + "p" + g]), N("Sigmoid", [p + "p" + g], [p + g])]
    nodes += [N("MatMul", [x, p + "wn"], [p + "xn"]), N("Add", [p + "xn", p + "bn"], [p + "xb"])]
    if kind == "gru_after":
        nodes += [N("MatMul", [state[0], p + "un"], [p + "hn"]), N("Add", [p + "hn", p + "cn"], [p + "hc"]), N("Mul", [p + "r", p + "hc"], [p + "rh"])]
    else:
        nodes += [N("Mul", [p + "r", state[0]], [p + "rr"]), N("MatMul", [p + "rr", p + "un"], [p + "rh"])]
    nodes += [N("Add", [p + "xb", p + "rh"], [p + "pn"]), N("Tanh", [p + "pn"], [p + "n"]), N("Sub", [p + "one", p + "z"], [p + "iz"]), N("Mul", [p + "iz", p + "n"], [p + "new"]),
              N("Mul", [p + "z", state[0]], [p + "old"]), N("Add", [p + "new", p + "old"], [p + "h_next"])]
    return nodes, inits


def step(kind):
    lstm = kind.startswith("lstm")
    nodes, inits = cell_nodes(kind, "x", ["h", "cell"])
    ins, outs = [port("x", [1, D]), port("h", [1, U])], [port("h_next", [1, U])]
    states = {"h": "h_next"}
    if lstm:
        ins.append(port("cell", [1, U]))
        outs.append(port("cell_next", [1, U]))
        states["cell"] = "cell_next"
    return model(kind, nodes, ins, outs, inits), states


def loop(kind):
    """As tf2onnx writes a while loop: a counter, an array read at it, states, and the states of all turns."""
    lstm = kind.startswith("lstm")
    N = h.make_node
    nodes, inits = cell_nodes(kind, "x_t", ["h_in", "cell_in"], "t_")
    nodes = [N("Gather", ["x", "at"], ["x_t"], axis=0)] + nodes
    nodes += [N("Add", ["at", "t_step"], ["at_next"]), N("Less", ["at_next", "t_limit"], ["go"]), N("Identity", ["t_h_next"], ["seen"])]
    inits += [init("t_step", np.array(1)), init("t_limit", np.array(T))]
    states = ["h", "cell"] if lstm else ["h"]
    ins = [port("turn", [], 7), port("go_in", [], 9), port("at", [], 7)] + [port(s + "_in", [1, U]) for s in states]
    outs = [port("go", [], 9), port("at_next", [], 7)] + [port("t_" + s + "_next", [1, U]) for s in states] + [port("seen", [1, U])]
    body = h.make_graph(nodes, "body", ins, outs, inits)
    outer = [init("most", np.array(T)), init("yes", np.array(True)), init("zero", np.array(0)), init("start", np.zeros((1, U), np.float32))]
    node = N("Loop", ["most", "yes", "zero"] + ["start"] * len(states), ["at_end"] + [s + "_end" for s in states] + ["y"], name="while", body=body)
    return model("loop_" + kind, [node], [port("x", [T, 1, D])], [port("y", [T, 1, U]), port("h_end", [1, U])], outer), {}


def norm():
    N = h.make_node
    inits = [init("two", np.float32(2)), init("eps", np.float32(1e-3)), init("g", weights(6)), init("b", weights(6))]
    nodes = [N("ReduceMean", ["x"], ["m"], axes=[-1]), N("Sub", ["x", "m"], ["d"]), N("Pow", ["d", "two"], ["q"]), N("ReduceMean", ["q"], ["v"], axes=[-1]), N("Add", ["v", "eps"], ["e"]),
             N("Sqrt", ["e"], ["s"]), N("Div", ["d", "s"], ["n"]), N("Mul", ["n", "g"], ["k"]), N("Add", ["k", "b"], ["y"])]
    return model("norm", nodes, [port("x", [1, 4, 6])], [port("y", [1, 4, 6])], inits), {}


def bases():
    found = {kind: step(kind) for kind in ["lstm_split", "lstm_slice", "lstm_hard", "gru_after", "gru_before"]}
    found |= {"loop_" + kind: loop(kind) for kind in ["lstm_split", "gru_after"]}
    return found | {"norm": norm()}


# ---- one thing changed ----


def graph_of(m):
    """The graph with the cell: the body of a loop, or the whole."""
    for node in m.graph.node:
        for a in node.attribute:
            if a.name == "body":
                return a.g
    return m.graph


def changes(base):
    """(label, model with one thing changed)."""
    graph = graph_of(base)
    names = [i.name for i in graph.input] + [o for n in graph.node for o in n.output]
    for k, node in enumerate(graph.node):
        for op in OTHER.get(node.op_type, []):
            m = copy.deepcopy(base)
            graph_of(m).node[k].op_type = op
            yield f"{node.output[0]}_{op}", m
        if node.op_type in ("Sub", "Div", "Less"):
            m = copy.deepcopy(base)
            n = graph_of(m).node[k]
            a, b = n.input
            n.input[0], n.input[1] = b, a
            yield f"{node.output[0]}_exchanged", m
        for i in range(len(node.input)):
            for other in names:
                if other != node.input[i] and other not in node.output:
                    m = copy.deepcopy(base)
                    graph_of(m).node[k].input[i] = other
                    yield f"{node.output[0]}_{i}_{other}", m
        if node.op_type == "Split":
            for label, parts in [("halves", 2), ("eighths", 8)]:
                m = copy.deepcopy(base)
                g = graph_of(m)
                p = node.output[0][:-1]
                outs = [f"{p}part{j}" for j in range(parts)]
                new = [h.make_node("Split", list(node.input), outs, axis=1)]
                if parts == 2:
                    new += [h.make_node("Split", [outs[0]], list(node.output[:2]), axis=1), h.make_node("Split", [outs[1]], list(node.output[2:]), axis=1)]
                else:  # the left half of each gate, twice
                    new += [h.make_node("Concat", [outs[2 * j], outs[2 * j]], [node.output[j]], axis=1) for j in range(4)]
                nodes = list(g.node[:k]) + new + list(g.node[k + 1 :])
                del g.node[:]
                g.node.extend(nodes)
                yield f"{node.output[0]}_{label}", m
    for k, t in enumerate(graph.initializer):
        array = nh.to_array(t)
        for label, delta in [("more", 1), ("less", -1)]:
            changed = array.copy()
            changed.flat[changed.size // 2] += np.asarray(delta, array.dtype)
            m = copy.deepcopy(base)
            graph_of(m).initializer[k].CopyFrom(init(t.name, changed))
            yield f"{t.name}_{label}", m
        if t.data_type == 7 and array.size == 1:
            m = copy.deepcopy(base)
            graph_of(m).initializer[k].CopyFrom(init(t.name, array * 2))
            yield f"{t.name}_twice", m
        elif array.ndim == 1 and array.size > 1:  # one number for all of a vector
            m = copy.deepcopy(base)
            graph_of(m).initializer[k].CopyFrom(init(t.name, array[:1]))
            yield f"{t.name}_single", m


def record(m, states):
    """Inputs and outputs of 6 calls; None: no model, or not of these shapes."""
    quiet = ort.SessionOptions()
    # as the nodes say: fusions take x - m and m - x, d / s and s / d, for the same LayerNorm
    quiet.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    quiet.log_severity_level = 4
    try:
        onnx.checker.check_model(m, full_check=True)
        session = ort.InferenceSession(m.SerializeToString(), quiet, providers=["CPUExecutionProvider"])
        shapes = {i.name: i.shape for i in session.get_inputs()}
        state = {k: np.zeros(shapes[k], np.float32) for k in states}
        ins, outs = {k: [] for k in shapes}, {o.name: [] for o in session.get_outputs()}
        for _ in range(CALLS):
            feed = state | {k: weights(*s, scale=1) for k, s in shapes.items() if k not in states}
            out = dict(zip(outs, session.run(None, feed)))
            state = {k: out[v] for k, v in states.items()}
            for k in ins:
                ins[k].append(feed[k])
            for k in outs:
                outs[k].append(out[k])
        wanted = {o.name: [d.dim_value for d in o.type.tensor_type.shape.dim] for o in m.graph.output}
        if any(list(np.shape(v[0])) != wanted[k] or not np.isfinite(v).all() or np.abs(v).max() > 1e3 for k, v in outs.items()):
            return None
    except Exception:
        return None
    return {"in_" + k: np.stack(v) for k, v in ins.items()}, {"out_" + k: np.stack(v) for k, v in outs.items()}


def write(name, m, found):
    path = os.path.join(FOLDER, name + ".onnx")
    onnx.save(m, path)
    np.savez(path[:-5] + ".npz", **found[0], **found[1])


def write_started():
    """Loops whose state starts at a constant other than zero."""
    for kind in ["lstm_split", "gru_after"]:
        m = loop(kind)[0]
        for t in m.graph.initializer:
            if t.name == "start":
                t.CopyFrom(init("start", weights(1, U)))
        write(f"loop_{kind}_started", m, record(m, {}))


# ---- all of them, with a compiler ----


def try_it(grus, folder, m, found):
    """What became of it: "refused", "same", or what is wrong."""
    ins, outs = found
    path = os.path.join(folder, "m.onnx")
    onnx.save(m, path)
    r = subprocess.run([grus, "import", path, "-o", folder + "/m.grus", "--diagnostics=short"], capture_output=True, text=True)
    if r.returncode:
        return "refused" if re.search(r"error\[E", r.stderr) else f"BROKE: {r.stderr[-300:]}"
    text = open(folder + "/m.grus").read()
    stream, args = "time .." in text, []
    for name, array in ins.items():
        shape = re.search(rf"\bin +{name[3:]} +: f32\[([^]]*)\]", text)
        if not shape:
            continue  # a state that is kept
        steps = [int(s.split()[-1]) for s in shape.group(1).split(",") if ".." not in s]
        np.save(f"{folder}/{name}.npy", array.reshape([CALLS, *steps]))
        args.append(f"{name[3:]}={folder}/{name}.npy")
    r = subprocess.run([grus, "run", folder + "/m.grus", *args, "--out", folder + "/out"], capture_output=True, text=True)
    if r.returncode:
        return f"BROKE: {r.stderr[-400:]}"
    for name, want in outs.items():
        if re.search(rf"\bout +{name[4:]} ", text):
            got = np.load(f"{folder}/out/{name[4:]}.npy")
            if got.size != want.size or np.abs(got.flatten() - want.flatten()).max() > 1e-5:
                return f"WRONG {name}"
    return "same"


if __name__ == "__main__":
    count, tally = 0, {}
    os.makedirs(FOLDER if len(sys.argv) < 3 else sys.argv[2], exist_ok=True)
    for name, (base, states) in bases().items():
        for label, m in [("as_it_is", base), *changes(base)]:
            found = record(m, states)
            if not found or (name, label) == ("norm", "n_exchanged"):  # divides by differences that may be next to nothing
                continue
            count += 1
            if len(sys.argv) > 2:
                how = try_it(sys.argv[1], sys.argv[2], m, found)
                tally[how.split()[0]] = tally.get(how.split()[0], 0) + 1
                if label == "as_it_is" or how not in ("refused", "same"):
                    print(name, label, how, flush=True)
            elif label == "as_it_is" or re.search("halves|eighths|single|exchanged", label) or count % EVERY == 0:
                write(f"{name}_{label}", m, found)
    if len(sys.argv) == 1:
        write_started()
    print(count, "changes", tally)
