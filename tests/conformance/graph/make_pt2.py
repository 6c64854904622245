# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small programs in the format of torch.export (.pt2), and what they compute, worked out here in NumPy.

    make_pt2.py FOLDER

The files are written by hand: PyTorch is not needed, and what is expected does not come from it."""
import json, sys, zipfile
import numpy as np

FLOAT, LONG = 7, 5


def meta(shape, dtype=FLOAT):
    fixed = all(isinstance(n, int) for n in shape)
    strides = [int(np.prod(shape[i + 1:])) for i in range(len(shape))] if fixed else []
    size = lambda n: {"as_int": n} if isinstance(n, int) else {"as_expr": {"expr_str": n, "hint": None}}
    return {"dtype": dtype, "sizes": [size(n) for n in shape], "strides": [{"as_int": n} for n in strides],
            "storage_offset": {"as_int": 0}, "requires_grad": False, "device": {"type": "cpu", "index": None}, "layout": 7}


class Program:
    def __init__(self):
        self.weights, self.inputs, self.outputs, self.nodes, self.sizes, self.n = {}, [], [], [], {}, 0

    def input(self, name, shape, dtype=FLOAT):
        self.sizes[name] = meta(shape, dtype)
        self.inputs.append({"user_input": {"arg": {"as_tensor": {"name": name}}}})
        return name

    def weight(self, name, array, kind="parameter"):
        value = "p_" + name.replace(".", "_")
        self.sizes[value] = meta(list(array.shape))
        self.weights[name] = array.astype("<f4")
        spec = {"arg": {"name": value}, kind + "_name": name}
        if kind == "buffer": spec["persistent"] = True
        self.inputs.append({kind: spec})
        return value

    def call(program, op, shape, n_out=1, /, **args):
        def arg(v):
            if v is None: return {"as_none": True}
            if isinstance(v, dict): return v
            if isinstance(v, bool): return {"as_bool": v}
            if isinstance(v, int): return {"as_int": v}
            if isinstance(v, float): return {"as_float": v}
            if isinstance(v, str): return {"as_tensor": {"name": v}}
            if v and isinstance(v[0], str): return {"as_tensors": [{"name": x} for x in v]}
            if any(isinstance(x, dict) for x in v): return {"as_sym_ints": [x if isinstance(x, dict) else {"as_int": x} for x in v]}
            return {"as_ints": list(v)}
        names = []
        for k in range(n_out):
            names.append(f"v{program.n}")
            program.n += 1
        shapes = shape if n_out > 1 else [shape]
        for name, s in zip(names, shapes): program.sizes[name] = meta(s)
        program.nodes.append({"target": f"torch.ops.aten.{op}", "inputs": [{"name": k, "arg": arg(v), "kind": 1} for k, v in args.items()],
                           "outputs": [{"as_tensor": {"name": x}} for x in names], "metadata": {}})
        return names[0] if n_out == 1 else names

    def size(self, x, dim):
        name = f"sym_size_{self.n}"
        self.n += 1
        self.nodes.append({"target": "torch.ops.aten.sym_size.int", "inputs": [{"name": "self", "arg": {"as_tensor": {"name": x}}, "kind": 1}, {"name": "dim", "arg": {"as_int": dim}, "kind": 1}],
                           "outputs": [{"as_sym_int": {"as_name": name}}], "metadata": {}})
        return {"as_name": name}

    def output(self, value): self.outputs.append({"user_output": {"arg": {"as_tensor": {"name": value}}}})

    def keep(self, buffer, value): self.outputs.insert(0, {"buffer_mutation": {"arg": {"name": value}, "buffer_name": buffer}})

    def save(self, path):
        graph = {"inputs": [], "outputs": [], "nodes": self.nodes, "tensor_values": self.sizes, "sym_int_values": {}}
        root = {"graph_module": {"graph": graph, "signature": {"input_specs": self.inputs, "output_specs": self.outputs}}, "opset_version": {"aten": 10},
                "schema_version": {"major": 8, "minor": 20}, "torch_version": "written by hand"}
        config = {k: {"path_name": f"weight_{i}", "is_param": True, "use_pickle": False, "tensor_meta": meta(list(v.shape))} for i, (k, v) in enumerate(self.weights.items())}
        with zipfile.ZipFile(path, "w") as z:
            def put(name, data): z.writestr(zipfile.ZipInfo("m/" + name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED if name.endswith("json") else None)
            put("models/model.json", json.dumps(root))
            put("data/weights/model_weights_config.json", json.dumps({"config": config}))
            for i, v in enumerate(self.weights.values()): put(f"data/weights/weight_{i}", v.tobytes())


sigmoid = lambda x: 1 / (1 + np.exp(-x))


def gru(x, h, wi, wh, bi, bh):
    """x [T, N, d] -> [T, N, u], last; gates r z n."""
    out = []
    for t in x:
        a, b = t @ wi.T + bi, h @ wh.T + bh
        (ar, az, an), (br, bz, bn) = np.split(a, 3, -1), np.split(b, 3, -1)
        r, z = sigmoid(ar + br), sigmoid(az + bz)
        h = (1 - z) * np.tanh(an + r * bn) + z * h
        out.append(h)
    return np.stack(out), h


def lstm(x, h, c, wi, wh, bi, bh, reverse=False):
    out = [None] * len(x)
    for k in range(len(x)):
        t = len(x) - 1 - k if reverse else k
        i, f, g, o = np.split(x[t] @ wi.T + bi + h @ wh.T + bh, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        out[t] = h
    return np.stack(out), h, c


def finish(p, folder, name, inputs, outputs):
    """outputs in the order of those of the program that are no buffers"""
    p.save(f"{folder}/{name}.pt2")
    names = [o["user_output"]["arg"]["as_tensor"]["name"] for o in p.outputs if "user_output" in o]
    arrays = {"in_" + k: v for k, v in inputs.items()} | {"out_" + k: np.asarray(v).astype("f4") for k, v in zip(names, outputs, strict=True)}
    with zipfile.ZipFile(f"{folder}/{name}.npz", "w") as z:
        for k, v in arrays.items():
            with z.open(zipfile.ZipInfo(k + ".npy", (1980, 1, 1, 0, 0, 0)), "w") as f: np.lib.format.write_array(f, np.ascontiguousarray(v))


def two_layers(folder, f4):
    """two layers of GRU from zeros, the last step, Linear, softmax"""
    p = Program()
    x = p.input("x", [2, 5, 3])
    w = [[f4(12, 3 if l == 0 else 4), f4(12, 4), f4(12), f4(12)] for l in range(2)]
    names = [p.weight(f"gru.{k}_l{l}", w[l][i]) for l in range(2) for i, k in enumerate(["weight_ih", "weight_hh", "bias_ih", "bias_hh"])]
    fw, fb = f4(2, 4), f4(2)
    h = p.call("zeros.default", [2, 2, 4], size=[2, 2, 4])
    y, last = p.call("gru.input", [[2, 5, 4], [2, 2, 4]], 2, input=x, hx=h, params=names, has_biases=True, num_layers=2, dropout=0.0, train=False, bidirectional=False, batch_first=True)
    s = p.call("select.int", [2, 4], self=y, dim=1, index=-1)
    s = p.call("linear.default", [2, 2], input=s, weight=p.weight("fc.weight", fw), bias=p.weight("fc.bias", fb))
    p.output(p.call("softmax.int", [2, 2], self=s, dim=-1))
    p.output(last)
    xs = f4(2, 5, 3)
    a, h0 = gru(xs.transpose(1, 0, 2), np.zeros((2, 4)), *w[0])
    b, h1 = gru(a, np.zeros((2, 4)), *w[1])
    e = np.exp(b[-1] @ fw.T + fb)
    finish(p, folder, "gru_two_layers", {"x": xs}, [e / e.sum(-1, keepdims=True), np.stack([h0, h1])])


def both_directions(folder, f4):
    """a bidirectional LSTM over an open batch and an open number of steps"""
    p = Program()
    x = p.input("x", ["s0", "s1", 3])
    w = [[f4(16, 3), f4(16, 4), f4(16), f4(16)] for _ in range(2)]
    names = [p.weight(f"lstm.{k}_l0{end}", w[d][i]) for d, end in enumerate(["", "_reverse"]) for i, k in enumerate(["weight_ih", "weight_hh", "bias_ih", "bias_hh"])]
    n = p.size(x, 0)
    h = p.call("zeros.default", [2, "s0", 4], size=[2, n, 4])
    y, h_n, c_n = p.call("lstm.input", [["s0", "s1", 8], [2, "s0", 4], [2, "s0", 4]], 3, input=x, hx=[h, h], params=names, has_biases=True, num_layers=1, dropout=0.0, train=False, bidirectional=True, batch_first=True)
    p.output(y)
    p.output(c_n)
    xs, zero = f4(3, 6, 3), np.zeros((3, 4))
    a, b = [lstm(xs.transpose(1, 0, 2), zero, zero, *w[d], reverse=d == 1) for d in range(2)]
    finish(p, folder, "lstm_both", {"x": xs}, [np.concatenate([a[0], b[0]], -1).transpose(1, 0, 2), np.stack([a[2], b[2]])])


def state_in_buffer(folder, f4):
    """one step whose state is a buffer that changes: h = tanh(W x + U h)"""
    p = Program()
    x = p.input("x", [1, 3])
    w, u, start = f4(4, 3), f4(4, 4), f4(1, 4)
    h = p.weight("state", start, "buffer")
    a = p.call("linear.default", [1, 4], input=x, weight=p.weight("w", w))
    b = p.call("linear.default", [1, 4], input=h, weight=p.weight("u", u))
    new = p.call("tanh.default", [1, 4], self=p.call("add.Tensor", [1, 4], self=a, other=b))
    p.keep("state", new)
    p.output(p.call("mul.Tensor", [1, 4], self=new, other=2.0))
    xs, now, ys = f4(5, 1, 3), start, []
    for step in xs:
        now = np.tanh(step @ w.T + now @ u.T)
        ys.append(2 * now)
    finish(p, folder, "state_in_buffer", {"x": xs}, [np.stack(ys)])


def many(folder, f4):
    """operators one after the other"""
    p = Program()
    x = p.input("x", [2, 4, 10])
    w, b = f4(6, 2, 3), f4(6)
    scale, center, mean, variance = f4(6), f4(6), f4(6), np.abs(f4(6)) + np.float32(0.5)
    y = p.call("conv1d.default", [2, 6, 5], input=x, weight=p.weight("conv.weight", w), bias=p.weight("conv.bias", b), stride=[2], padding=[1], dilation=[1], groups=2)
    y = p.call("batch_norm.default", [2, 6, 5], input=y, weight=p.weight("bn.weight", scale), bias=p.weight("bn.bias", center), running_mean=p.weight("bn.running_mean", mean, "buffer"),
               running_var=p.weight("bn.running_var", variance, "buffer"), training=False, momentum=0.1, eps=1e-5, cudnn_enabled=False)
    y = p.call("relu_.default", [2, 6, 5], self=y)
    pool = p.call("avg_pool1d.default", [2, 6, 3], self=y, kernel_size=[3], stride=[2], padding=[1])
    y = p.call("permute.default", [2, 3, 6], self=pool, dims=[0, 2, 1])
    lw, lb = f4(6), f4(6)
    y = p.call("layer_norm.default", [2, 3, 6], input=y, normalized_shape=[6], weight=p.weight("ln.weight", lw), bias=p.weight("ln.bias", lb), eps=1e-5)
    y = p.call("glu.default", [2, 3, 3], self=y, dim=-1)
    z = p.call("slice.Tensor", [2, 3, 2], self=y, dim=2, start=0, end=-1)
    z = p.call("rsub.Scalar", [2, 3, 2], self=z, other=1, alpha=2)
    y = p.call("cat.default", [2, 3, 5], tensors=[y, z], dim=-1)
    y = p.call("clamp.default", [2, 3, 5], self=y, min=-0.5, max=0.75)
    p.output(p.call("flatten.using_ints", [2, 15], self=y, start_dim=1))
    m = p.call("mean.dim", [2, 5], self=y, dim=[1])
    t = p.call("stack.default", [2, 2, 5], tensors=[m, p.call("amax.default", [2, 5], self=y, dim=[1])], dim=1)
    p.output(p.call("cumsum.default", [2, 2, 5], self=t, dim=2))
    xs = f4(2, 4, 10)
    padded = np.pad(xs.astype("f8"), ((0, 0), (0, 0), (1, 1)))
    c = np.stack([np.stack([(padded[:, 2 * (o // 3):2 * (o // 3) + 2, 2 * t:2 * t + 3] * w[o]).sum((1, 2)) + b[o] for t in range(5)], -1) for o in range(6)], 1)
    c = np.maximum(0, (c - mean[:, None]) / np.sqrt(variance[:, None] + 1e-5) * scale[:, None] + center[:, None])
    q = np.pad(c, ((0, 0), (0, 0), (1, 1)))
    q = np.stack([q[:, :, 2 * t:2 * t + 3].mean(-1) for t in range(3)], -1).transpose(0, 2, 1)
    q = (q - q.mean(-1, keepdims=True)) / np.sqrt(q.var(-1, keepdims=True) + 1e-5) * lw + lb
    q = q[..., :3] * sigmoid(q[..., 3:])
    q = np.clip(np.concatenate([q, 1 - 2 * q[..., :2]], -1), -0.5, 0.75)
    finish(p, folder, "many", {"x": xs}, [q.reshape(2, 15), np.cumsum(np.stack([q.mean(1), q.max(1)], 1), 2)])


def main(folder):
    r = np.random.default_rng(0)
    f4 = lambda *shape: r.standard_normal(shape).astype("f4") * np.float32(0.5)
    for make in two_layers, both_directions, state_in_buffer, many: make(folder, f4)


if __name__ == "__main__": main(sys.argv[1])
