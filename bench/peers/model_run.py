# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times a model compiled by grus and the ONNX file it comes from in onnxruntime, in one process, in
turn; started by bench/compare --models with the Python that has numpy and onnxruntime.

In, on standard input: a JSON object
  onnx, library   the file, and the model behind net_start, net_calls, net_time (models.py)
  stream          a call is one step; what else the file reads is a state that comes back
  inputs, outputs name and axes of one call, as grus has them
  settled         scalar inputs of the file that the import settled
  seconds, rounds, block_ns
  floors, bytes   path of the library that reads memory and multiplies (floors.c); bytes of the weights
Out: nanoseconds a call of both (least and median of the blocks), of a call of onnxruntime that does nothing, of reading
the weights once, multiply-adds a nanosecond from registers, and the largest difference of the outputs over CALLS calls,
relative to the largest output, at least 1.

onnxruntime has one thread; all values are bound once (IOBinding), states change places from call to call."""
import ctypes
import itertools
import json
import math
import re
import sys
import time

import numpy as np
import onnx
import onnxruntime

CALLS = 50  # compared


def folded(name):
    return re.sub(r"\W", "_", name).lower().strip("_")


class Library:
    """The model of grus. arrays: [call, ...] for each input."""

    def __init__(self, path, arrays, outputs):
        self.loaded = ctypes.CDLL(path)
        self.loaded.net_time.restype = ctypes.c_double
        self.arrays = [np.ascontiguousarray(a, np.float32) for a in arrays]
        self.outs = [np.zeros(o["dims"] or [1], np.float32) for o in outputs]
        self.steps = ctypes.c_long(len(self.arrays[0]))
        pointers = lambda list_: (ctypes.c_void_p * len(list_))(*[a.ctypes.data for a in list_])
        self.into, self.out = pointers(self.arrays), pointers(self.outs)

    def run(self):
        """[call, ...] for each output."""
        self.loaded.net_start()
        rows = []
        for k in range(self.steps.value):
            self.loaded.net_calls(ctypes.c_long(k), ctypes.c_long(1), self.steps, self.into, self.out)
            rows.append([o.copy() for o in self.outs])
        return [np.stack(column) for column in zip(*rows)]

    def time(self, calls):
        return self.loaded.net_time(ctypes.c_long(calls), self.steps, self.into, self.out)


def session_of(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def idle_session():
    value = lambda name: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "idle", [value("x")], [value("y")])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    return session_of(model.SerializeToString())


def shape_of(value, count):
    """The axes of a value of the file; those that are open share what `count` leaves, the last one first."""
    dims = [d if isinstance(d, int) else None for d in value.shape]
    rest = (count or 1) // max(1, math.prod(d for d in dims if d))
    for i in reversed(range(len(dims))):
        if dims[i] is None:
            dims[i], rest = max(1, rest), 1
    return dims


def orders(dims, shape):
    """Orders of the axes of `shape` (grus) that give `dims` (the file), axes of 1 aside; as they are, if they can be, first."""
    of_file, of_grus = [d for d in dims if d != 1], [d for d in shape if d != 1]
    found = [p for p in itertools.permutations(range(len(of_grus))) if [of_grus[i] for i in p] == of_file]
    return found or [None]


def turned(array, shape, order, dims):
    """[call, grus axes] -> [call, axes of the file]"""
    if order is None:
        return array.reshape([len(array)] + dims)
    flat = array.reshape([len(array)] + [d for d in shape if d != 1])
    return np.ascontiguousarray(flat.transpose([0] + [i + 1 for i in order]).reshape([len(array)] + dims))


class OnnxRuntime:
    def __init__(self, job, arrays):
        self.session, self.idle = session_of(job["onnx"]), idle_session()
        self.make = onnxruntime.OrtValue.ortvalue_from_numpy
        self.job, self.arrays = job, arrays
        self.names = {folded(v["name"]): k for k, v in enumerate(job["inputs"])}
        self.outs = {folded(v["name"]): k for k, v in enumerate(job["outputs"])}
        read, given = self.session.get_inputs(), self.session.get_outputs()
        for parts, values in ((self.names, read), (self.outs, given)):  # a name that is no name in grus: what is left of both
            odd = [v for v in values if folded(v.name) not in parts]
            lost = [n for n in parts if n not in [folded(v.name) for v in values]]
            if len(odd) == len(lost) == 1:
                parts[folded(odd[0].name)] = parts.pop(lost[0])
        self.read = [v for v in read if folded(v.name) in self.names]
        self.constants = {v.name: job["settled"][v.name] for v in read if v.name in job["settled"]}
        self.states = [v for v in read if folded(v.name) not in self.names and v.name not in self.constants]
        self.given = [v for v in given if folded(v.name) in self.outs]
        left = [v for v in given if folded(v.name) not in self.outs]
        if len(self.read) != len(job["inputs"]) or len(self.given) != len(job["outputs"]) or len(left) < len(self.states):
            raise ValueError("the file and the model have other inputs and outputs")
        self.back = []
        for state in self.states:  # the first output that is left, of the same shape
            same = [v for v in left if shape_of(v, 1) == shape_of(state, 1)] or left
            self.back.append(same[0])
            left.remove(same[0])

    def choices(self):
        """All orders of axes of all inputs; one of them is that of the file."""
        each = []
        for v in self.read:
            shape = self.job["inputs"][self.names[folded(v.name)]]["dims"]
            each.append(orders(shape_of(v, math.prod(shape)), shape))
        return itertools.product(*each)

    def bind(self, choice):
        self.keep, self.turn = [], 0
        self.bindings = []
        calls = len(self.arrays[0])
        pair = [[self.make(np.zeros(shape_of(s, 1), np.float32)) for s in self.states] for _ in range(2)]
        fixed = {n: self.make(np.array(value, np.int64)) for n, value in self.constants.items()}
        rows = []
        for v, order in zip(self.read, choice):
            k = self.names[folded(v.name)]
            shape = self.job["inputs"][k]["dims"]
            rows.append(turned(self.arrays[k], shape, order, shape_of(v, math.prod(shape))))
        first = {v.name: r[0] for v, r in zip(self.read, rows)}
        first.update({v.name: np.zeros(shape_of(v, 1), np.float32) for v in self.states})
        first.update({n: value.numpy() for n, value in fixed.items()})
        outs = [self.make(y) for y in self.session.run([v.name for v in self.given], first)]
        for k in range(calls + calls % 2):  # an even number: the states change places
            made, x = self.session.io_binding(), [self.make(r[k % calls]) for r in rows]
            for v, value in zip(self.read, x):
                made.bind_ortvalue_input(v.name, value)
            for name, value in fixed.items():
                made.bind_ortvalue_input(name, value)
            for v, back, a, b in zip(self.states, self.back, pair[k % 2], pair[1 - k % 2]):
                made.bind_ortvalue_input(v.name, a)
                made.bind_ortvalue_output(back.name, b)
            for v, value in zip(self.given, outs):
                made.bind_ortvalue_output(v.name, value)
            self.keep.append(x)
            self.bindings.append(made)
        self.keep += [pair, outs, fixed]
        self.pair, self.y = pair, outs

    def call(self):
        self.session.run_with_iobinding(self.bindings[self.turn % len(self.bindings)])
        self.turn += 1

    def run(self):
        """[call, ...] for each output, in the order of grus."""
        self.turn = 0
        for value in self.pair[0]:
            value.update_inplace(np.zeros(value.shape(), np.float32))
        rows = []
        for _ in range(len(self.arrays[0])):
            self.call()
            rows.append([y.numpy().copy() for y in self.y])
        columns = [np.stack(column) for column in zip(*rows)]
        at = {self.outs[folded(v.name)]: c for v, c in zip(self.given, columns)}
        return [at[k] for k in range(len(columns))]

    def time(self, calls):
        start = time.perf_counter_ns()
        for _ in range(calls):
            self.call()
        return time.perf_counter_ns() - start

    def time_nothing(self, calls):
        one = self.idle.io_binding()
        x, y = self.make(np.zeros(1, np.float32)), self.make(np.zeros(1, np.float32))
        one.bind_ortvalue_input("x", x)
        one.bind_ortvalue_output("y", y)
        start = time.perf_counter_ns()
        for _ in range(calls):
            self.idle.run_with_iobinding(one)
        return time.perf_counter_ns() - start


def difference(grus, peer, outputs):
    """The largest, over all outputs, of the order of axes that fits best; NaN counts as infinite."""
    worst = 0.0
    for a, b, value in zip(grus, peer, outputs):
        dims, scale = list(b.shape[1:]), max(1.0, float(np.abs(b).max()))
        far = min(float(np.abs(turned(a, value["dims"], order, dims) - b).max()) / scale
                  for order in orders(dims, value["dims"]))
        worst = max(worst, far if far == far else math.inf)
    return worst


def calls_of(peer, block_ns):
    calls = 1
    while True:
        ns = peer.time(calls)
        if ns >= block_ns / 2 or calls >= 1 << 20:
            return max(1, round(calls * block_ns / ns))
        calls *= 2


def measure(job):
    generator = np.random.default_rng(1)
    calls = CALLS if job["stream"] else 2
    arrays = [generator.uniform(-1, 1, [calls] + v["dims"]).astype(np.float32) for v in job["inputs"]]
    grus, peer = Library(job["library"], arrays, job["outputs"]), OnnxRuntime(job, arrays)
    found, least = grus.run(), (math.inf, None)
    for choice in peer.choices():
        peer.bind(choice)
        far = difference(found, peer.run(), job["outputs"])
        if far < least[0]:
            least = (far, choice)
        if far < 1e-4:
            break
    if least[1] is None:
        raise ValueError("the outputs are not numbers")
    peer.bind(least[1])
    peers = {"grus": grus, "onnxruntime": peer}
    result = {"difference": least[0], "peers": {name: {} for name in peers}}
    peer.time_nothing(500)
    result["peers"]["onnxruntime"]["nothing"] = min(peer.time_nothing(500) for _ in range(9)) / 500
    block = {name: calls_of(p, job["block_ns"]) for name, p in peers.items()}
    floors = ctypes.CDLL(job["floors"])
    floors.floors_reading.restype = floors.floors_multiply_adds.restype = ctypes.c_double
    readings, rates = [], []
    blocks, end = {name: [] for name in peers}, time.perf_counter() + job["seconds"]
    for count in range(job["rounds"]):
        if count >= 3 and time.perf_counter() > end:
            break
        for name, p in peers.items():
            p.time(max(1, block[name] // 8))  # its weights and code back into the caches
            blocks[name].append(p.time(block[name]) / block[name])
        if count < 5:
            readings.append(floors.floors_reading(ctypes.c_long(job["bytes"])))
            rates.append(floors.floors_multiply_adds())
    result["reading"], result["multiply_adds"] = float(np.median(readings)), max(rates)
    for name, ns in blocks.items():
        result["peers"][name].update(least=min(ns), median=float(np.median(ns)), blocks=len(ns), calls=block[name])
    return result


json.dump(measure(json.load(sys.stdin)), sys.stdout)
