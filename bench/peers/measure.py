# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times all peers on one layer in one case, in one process, in turn; started by bench/compare with
the Python that has numpy, onnxruntime and PyTorch.

In, on standard input: a JSON object
  task       kind (lstm, gru), in, hidden, steps, batch, one_step
  weights    path of w, u, bw, bu, x as float32, one after the other
  libraries  [name, path, variant] of peers that are shared libraries (peer.h)
  python     whether onnxruntime and PyTorch take part
  floors     path of the library that reads memory and multiplies; bytes: of the weights
  seconds, rounds, block_ns: when to stop, and how long a block of calls lasts
Out: a JSON object: for every peer nanoseconds per stream and step (least and median of the blocks), the
largest error of its outputs against the same formulas in float64, and how many blocks of how many
calls; nanoseconds to read the weights once, multiply-adds the core does in one; for onnxruntime and PyTorch the time of a call that does nothing."""
import ctypes
import json
import os
import sys
import time

import numpy as np

FLOATS = ctypes.POINTER(ctypes.c_float)


class Task(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("gru", "one_step", "in_", "hidden", "steps", "batch")]
    _fields_ += [(name, FLOATS) for name in ("w", "u", "bw", "bu", "x")]


def arrays_read(path, task):
    """w [gates*hidden, in], u [gates*hidden, hidden], bw, bu [gates*hidden], x [batch, steps, in]"""
    rows = (3 if task["kind"] == "gru" else 4) * task["hidden"]
    shapes = [(rows, task["in"]), (rows, task["hidden"]), (rows,), (rows,),
              (task["batch"], task["steps"], task["in"])]
    flat, arrays = np.fromfile(path, np.float32), []
    for shape in shapes:
        size = int(np.prod(shape))
        arrays.append(np.ascontiguousarray(flat[:size].reshape(shape)))
        flat = flat[size:]
    return arrays


def reference(kind, w, u, bw, bu, x):
    """y [batch, steps, hidden] in float64; the formulas are those of PyTorch's LSTM and GRU."""
    w, u, bw, bu, x = (a.astype(np.float64) for a in (w, u, bw, bu, x))
    def sigmoid(v):
        return 0.5 + 0.5 * np.tanh(0.5 * v)
    batch, steps, _ = x.shape
    hidden = u.shape[1]
    h = c = np.zeros((batch, hidden))
    y = np.empty((batch, steps, hidden))
    for t in range(steps):
        from_x, from_h = x[:, t] @ w.T + bw, h @ u.T + bu
        if kind == "gru":
            r, z, n = np.split(from_x, 3, axis=1)
            r_h, z_h, n_h = np.split(from_h, 3, axis=1)
            z = sigmoid(z + z_h)
            h = z * h + (1 - z) * np.tanh(n + sigmoid(r + r_h) * n_h)
        else:
            i, f, g, o = np.split(from_x + from_h, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        y[:, t] = h
    return y


class Library:
    """A peer of peer.h."""

    def __init__(self, path, variant, task, arrays):
        self.loaded = ctypes.CDLL(path, mode=os.RTLD_LOCAL | os.RTLD_NOW)
        self.loaded.peer_make.restype = ctypes.c_void_p
        self.loaded.peer_time.restype = ctypes.c_double
        self.task = Task(task["kind"] == "gru", task["one_step"], task["in"], task["hidden"],
                         task["steps"], task["batch"], *(a.ctypes.data_as(FLOATS) for a in arrays))
        made = self.loaded.peer_make(ctypes.byref(self.task), variant)
        if not made:
            raise NotImplementedError
        self.peer = ctypes.c_void_p(made)
        self.shape = (task["batch"], task["steps"], task["hidden"])

    def run(self):
        y = np.empty(self.shape, np.float32)
        self.loaded.peer_run(self.peer, y.ctypes.data_as(FLOATS))
        return y

    def time(self, calls):
        return self.loaded.peer_time(self.peer, ctypes.c_long(calls))


def timed(call, calls):
    start = time.perf_counter_ns()
    for _ in range(calls):
        call()
    return time.perf_counter_ns() - start


class OnnxRuntime:
    """One LSTM or GRU node, one thread. Inputs, outputs and states are bound once (IOBinding), states
    change places from call to call: the fastest way to call a session from Python."""

    def __init__(self, task, arrays):
        import onnx
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper
        w, u, bw, bu, x = arrays
        gru, hidden = task["kind"] == "gru", task["hidden"]
        order = [1, 0, 2] if gru else [0, 3, 1, 2]
        def ordered(a):
            return np.concatenate([np.split(a, len(order))[k] for k in order])[None]
        states = ["h"] if gru else ["h", "c"]
        self.steps = 1 if task["one_step"] else task["steps"]
        self.gru, self.task = gru, task
        constants = {"W": ordered(w), "R": ordered(u),
                     "B": np.concatenate([ordered(bw), ordered(bu)], axis=1)}
        options = {"linear_before_reset": 1} if gru else {}
        node = helper.make_node("GRU" if gru else "LSTM", ["x", "W", "R", "B", ""] + states,
                                ["y"] + [s + "_n" for s in states], hidden_size=hidden, **options)
        batch = task["batch"]
        def value(name, shape):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        graph = helper.make_graph(
            [node], "net", [value("x", [self.steps, batch, task["in"]])] +
            [value(s, [1, batch, hidden]) for s in states],
            [value("y", [self.steps, 1, batch, hidden])] +
            [value(s + "_n", [1, batch, hidden]) for s in states],
            [numpy_helper.from_array(a, name) for name, a in constants.items()])
        self.session = self.session_of(onnx, onnxruntime, graph)
        idle = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "idle",
                                 [value("x", [1])], [value("y", [1])])
        self.idle = self.session_of(onnx, onnxruntime, idle)
        zeros = np.zeros((1, batch, hidden), np.float32)
        make = onnxruntime.OrtValue.ortvalue_from_numpy
        self.x = [make(np.ascontiguousarray(part)) for part in
                  np.split(x.transpose(1, 0, 2), task["steps"] // self.steps)]
        self.y = make(np.zeros((self.steps, 1, batch, hidden), np.float32))
        self.states = [[make(zeros.copy()) for _ in states] for _ in range(2)]  # they own no copies
        self.bindings = [[self.binding(part, k, states) for k in range(2)] for part in self.x]
        idle_in, idle_out = make(np.zeros(1, np.float32)), make(np.zeros(1, np.float32))
        self.idle_binding = self.idle.io_binding()
        self.idle_binding.bind_ortvalue_input("x", idle_in)
        self.idle_binding.bind_ortvalue_output("y", idle_out)
        self.keep, self.turn = (idle_in, idle_out), 0

    @staticmethod
    def session_of(onnx, onnxruntime, graph):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
        return onnxruntime.InferenceSession(model.SerializeToString(), options,
                                            providers=["CPUExecutionProvider"])

    def binding(self, x, k, states):
        """From the k-th copy of the states to the other; whole sequences always start from the zeros."""
        made = self.session.io_binding()
        made.bind_ortvalue_input("x", x)
        made.bind_ortvalue_output("y", self.y)
        for n, name in enumerate(states):
            made.bind_ortvalue_input(name, self.states[k][n])
            made.bind_ortvalue_output(name + "_n", self.states[1 - k][n])
        return made

    def call(self):
        pair = self.bindings[self.turn % len(self.bindings)]
        self.session.run_with_iobinding(pair[self.turn & 1 if self.task["one_step"] else 0])
        self.turn += 1

    def run(self):
        parts, self.turn = [], 0
        for value in self.states[0]:
            value.update_inplace(np.zeros(value.shape(), np.float32))
        for _ in self.x:
            self.call()
            parts.append(self.y.numpy().copy())
        return np.concatenate(parts)[:, 0].transpose(1, 0, 2)

    def time(self, calls):
        return timed(self.call, calls)

    def time_nothing(self, calls):
        return timed(lambda: self.idle.run_with_iobinding(self.idle_binding), calls)


class PyTorch:
    """torch.nn.LSTM and GRU, or, one step a call, LSTMCell and GRUCell; eager, inference mode."""

    def __init__(self, task, arrays, cell):
        import torch
        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        if cell and not task["one_step"]:
            raise NotImplementedError
        w, u, bw, bu, x = (torch.from_numpy(a) for a in arrays)
        gru = task["kind"] == "gru"
        kinds = {(False, False): torch.nn.LSTM, (True, False): torch.nn.GRU,
                 (False, True): torch.nn.LSTMCell, (True, True): torch.nn.GRUCell}
        self.net = kinds[gru, cell](task["in"], task["hidden"]).eval()
        suffix = "" if cell else "_l0"
        for name, value in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), (w, u, bw, bu)):
            getattr(self.net, name + suffix).data.copy_(value)
        self.torch, self.task, self.cell, self.gru = torch, task, cell, gru
        steps = 1 if task["one_step"] else task["steps"]
        self.x = [part.contiguous()[0] if cell else part.contiguous()
                  for part in torch.split(x.transpose(0, 1), steps)]
        self.reset()

    def reset(self):
        """Step by step the state goes from call to call; a whole sequence starts from zero (None)."""
        self.turn, self.state, self.y = 0, None, None

    def call(self):
        x = self.x[self.turn % len(self.x)]
        self.turn += 1
        if self.cell:
            self.state = self.net(x, self.state)
            self.y = self.state if self.gru else self.state[0]
        elif self.task["one_step"]:
            self.y, self.state = self.net(x, self.state)
        else:
            self.y, _ = self.net(x)

    def run(self):
        with self.torch.inference_mode():
            self.reset()
            parts = []
            for _ in self.x:
                self.call()
                parts.append((self.y[None] if self.cell else self.y).numpy().copy())
        return np.concatenate(parts).transpose(1, 0, 2)

    def time(self, calls):
        with self.torch.inference_mode():
            return timed(self.call, calls)

    def time_nothing(self, calls):
        nothing = self.torch.nn.Identity()
        with self.torch.inference_mode():
            return timed(lambda: nothing(self.x[0]), calls)


def peers_make(job, arrays):
    """Pairs of name and peer; a peer that has no such case is left out."""
    task = job["task"]
    makers = [(name, lambda path=path, variant=variant: Library(path, variant, task, arrays))
              for name, path, variant in job["libraries"]]
    if job["python"]:
        makers += [("onnxruntime", lambda: OnnxRuntime(task, arrays)),
                   ("pytorch", lambda: PyTorch(task, arrays, False)),
                   ("pytorch cell", lambda: PyTorch(task, arrays, True))]
    peers = []
    for name, make in makers:
        try:
            peers.append((name, make()))
        except NotImplementedError:
            pass
    return peers


def calls_of(peer, block_ns):
    calls = 1
    while True:
        ns = peer.time(calls)
        if ns >= block_ns / 2 or calls >= 1 << 20:
            return max(1, round(calls * block_ns / ns))
        calls *= 2


def measure(job):
    task = job["task"]
    arrays = arrays_read(job["weights"], task)
    peers, result = peers_make(job, arrays), {"peers": {}}
    exact = reference(task["kind"], *arrays)
    floors = ctypes.CDLL(job["floors"])
    floors.floors_reading.restype = floors.floors_multiply_adds.restype = ctypes.c_double
    blocks, calls = {}, {}
    for name, peer in peers:
        error = float(np.max(np.abs(peer.run() - exact)))
        result["peers"][name] = {"error": error}
        blocks[name], calls[name] = [], calls_of(peer, job["block_ns"])
        if hasattr(peer, "time_nothing"):
            peer.time_nothing(500)
            result["peers"][name]["nothing"] = min(peer.time_nothing(500) for _ in range(9)) / 500
    readings, rates, end = [], [], time.perf_counter() + job["seconds"]
    for count in range(job["rounds"]):
        if count >= 3 and time.perf_counter() > end:
            break
        for name, peer in peers:
            peer.time(max(1, calls[name] // 8))  # its weights and code back into the caches
            blocks[name].append(peer.time(calls[name]) / calls[name])
        if count < 5:
            readings.append(floors.floors_reading(ctypes.c_long(job["bytes"])))
            rates.append(floors.floors_multiply_adds())
    each = task["batch"] * (1 if task["one_step"] else task["steps"])
    for name, ns in blocks.items():
        result["peers"][name].update(least=min(ns) / each, median=float(np.median(ns)) / each,
                                     blocks=len(ns), calls=calls[name])
    result["reading"] = float(np.median(readings))
    result["multiply_adds"] = max(rates)
    return result


def versions():
    import onnxruntime
    import torch
    return {"onnxruntime": onnxruntime.__version__, "pytorch": torch.__version__}


if sys.argv[1:] == ["--versions"]:
    json.dump(versions(), sys.stdout)
else:
    json.dump(measure(json.load(sys.stdin)), sys.stdout)
