# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/: the same two tensors, a [2, 3] and b.c [4], in every form in which PyTorch, pickle and NumPy write
them, and expected.npz; refused/NAME: damaged and hostile ones; and the corpus of tests/fuzz/pickle. PyTorch is not
needed: its functions stand here as names that pickle writes down.

    python3 make_pickles.py
"""

import collections
import io
import json
import os
import pickle
import struct
import sys
import types
import zipfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "fixtures")
CORPUS = os.path.join(HERE, "..", "..", "fuzz", "pickle", "corpus")
A = np.array([[0.5, -1.25, 2], [3.5, -4, 0.125]], np.float32)
B = np.array([1, -0.75, 8, -16], np.float32)


def module(name, *members):
    made = sys.modules.setdefault(name, types.ModuleType(name))
    for member in members:
        def function(*args):
            raise AssertionError("nothing is called")
        function.__module__, function.__qualname__, function.__name__ = name, member, member
        setattr(made, member, function)
    return made


torch = module("torch", "FloatStorage", "HalfStorage", "BFloat16Storage", "Size", "float32")
utils = module("torch._utils", "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter", "_rebuild_qtensor")
storages = module("torch.storage", "UntypedStorage", "_load_from_bytes")
script = module("__torch__", "Net")
net = module("__main__", "Net")


class Call:  # what pickle writes for a call: REDUCE, and BUILD if there is a state
    def __init__(self, function, *args, state=None):
        self.function, self.args, self.state = function, args, state

    def __reduce__(self):
        return (self.function, self.args, self.state) if self.state is not None else (self.function, self.args)


class Storage:
    def __init__(self, key, kind, data, count):
        self.key, self.kind, self.data, self.count = key, kind, data, count


class Writer(pickle.Pickler):
    def persistent_id(self, value):
        return ("storage", value.kind, value.key, "cpu", value.count) + self.more if isinstance(value, Storage) else None

    more = ()


def dumps(value, protocol=2, legacy=False):
    out = io.BytesIO()
    writer = Writer(out, protocol)
    writer.more = (None,) if legacy else ()
    writer.dump(value)
    return out.getvalue()


def storage(key, a, kind="FloatStorage"):
    a = np.ascontiguousarray(a)
    data = a.tobytes()
    if kind == "HalfStorage":
        data = a.astype(np.float16).tobytes()
    if kind == "BFloat16Storage":
        data = b"".join(struct.pack("<f", v)[2:] for v in a.ravel())
    return Storage(key, getattr(torch, kind), data, a.size)


def tensor(s, shape, stride=None, offset=0):
    stride = stride or tuple(int(np.prod(shape[i + 1:])) for i in range(len(shape)))
    return Call(utils._rebuild_tensor_v2, s, offset, shape, stride, False, collections.OrderedDict())


def archive(name, value, stored, folder="", more={}, order=b"little", protocol=2):
    with zipfile.ZipFile(os.path.join(FIXTURES, folder, name), "w") as z:
        for member, data in [("data.pkl", value if isinstance(value, bytes) else dumps(value, protocol)), ("byteorder", order),
                             *[(f"data/{s.key}", s.data) for s in stored], *more.items(), ("version", b"3\n")]:
            z.writestr(zipfile.ZipInfo("archive/" + member, (2020, 1, 1, 0, 0, 0)), data)


def legacy(value, stored):
    head = [pickle.dumps(0x1950a86a20f9469cfc6c, 2), pickle.dumps(1001, 2),
            pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}, 2)]
    data = b"".join(struct.pack("<q", s.count) + s.data for s in stored)
    return b"".join(head) + dumps(value, legacy=True) + pickle.dumps([s.key for s in stored], 2) + data


def write(name, data, folder=""):
    with open(os.path.join(FIXTURES, folder, name), "wb") as f:
        f.write(data)


def accepted():
    a, b = storage("0", A), storage("1", B)
    state = collections.OrderedDict([("a", tensor(a, (2, 3))), ("b.c", tensor(b, (4,)))])
    archive("plain.pt", state, [a, b])
    archive("nested.pt", {"a": tensor(a, (2, 3)), "b": {"c": tensor(b, (4,))}}, [a, b])
    narrow = storage("0", A, "BFloat16Storage"), storage("1", B, "HalfStorage")
    archive("narrow.bin", {"a": tensor(narrow[0], (2, 3)), "b.c": tensor(narrow[1], (4,))}, narrow)
    turned, long = storage("0", A.T), storage("1", np.concatenate([A.ravel(), np.repeat(B, 2)]))
    archive("strided.pt", {"a": tensor(turned, (2, 3), (1, 2)), "b.c": tensor(long, (4,), (2,), 6)}, [turned, long])
    adam = {"state": {0: {"step": 3, "exp_avg": tensor(a, (2, 3))}}, "param_groups": [{"lr": 0.001, "params": [0]}]}
    archive("checkpoint.ckpt", {"epoch": 3, "state_dict": state, "optimizer_state_dict": adam, "loss": 0.25, "best": None}, [a, b])
    parameter = lambda t: Call(utils._rebuild_parameter, t, True, collections.OrderedDict())
    archive("parameter.pt", {"a": parameter(tensor(a, (2, 3))), "b.c": parameter(tensor(b, (4,)))}, [a, b])
    inner = Call(net.Net, state={"training": False, "_parameters": {"c": parameter(tensor(b, (4,)))}, "_buffers": {}, "_modules": {}})
    archive("module.pt", Call(net.Net, state={"_parameters": {"a": parameter(tensor(a, (2, 3)))}, "_buffers": {}, "_modules": {"b": inner}}), [a, b])
    raw = Storage("0", storages.UntypedStorage, A.tobytes(), A.nbytes)
    archive("v3.pt", {"a": Call(utils._rebuild_tensor_v3, raw, 0, (2, 3), (3, 1), False, collections.OrderedDict(), torch.float32),
                      "b.c": tensor(b, (4,))}, [raw, b])
    archive("script.pt", Call(script.Net, state={"training": False, "a": tensor(a, (2, 3)), "b": Call(script.Net, state={"c": tensor(b, (4,))})}),
            [a, b], more={"constants.pkl": dumps((tensor(a, (2, 3)),)), "constants/0": a.data, "code/__torch__.py": b"nothing to run"})
    write("legacy.pth", legacy(state, [a, b]))
    for protocol in range(6):
        write(f"numpy_{protocol}.pkl", pickle.dumps({"a": A, "b": {"c": B}}, protocol))
    write("fortran.pkl", pickle.dumps({"a": np.asfortranarray(A), "b.c": B.astype(">f4")}, 4))
    length = lambda x, axis: np.sqrt((x.astype(float) ** 2).sum(axis, keepdims=True))  # both forms of weight_norm
    write("normed.pkl", pickle.dumps({"a_g": length(A, 1), "a_v": 2 * A, "b": {"parametrizations.c.original0": length(B, 0), "parametrizations.c.original1": 4 * B}}, 4))
    loose = lambda s: Call(storages._load_from_bytes, legacy(s, [s]))
    write("loose.pkl", dumps({"a": tensor(loose(a), (2, 3)), "b.c": tensor(loose(b), (4,))}, 4))
    np.save(os.path.join(FIXTURES, "object.npy"), np.array({"a": A, "b": {"c": B}}, dtype=object), allow_pickle=True)
    np.savez(os.path.join(FIXTURES, "object.npz"), a=A, b=np.array({"c": B}, dtype=object))
    np.savez(os.path.join(FIXTURES, "expected.npz"), **{"a": A, "b.c": B})
    return a, b, state


def refused(a, b, state):
    to = lambda name, value, stored=(a, b), **more: archive(name, value, stored, "refused", **more)
    to("big_endian.pt", state, order=b"big")
    to("no_storage.pt", state, [a])
    to("short_storage.pt", state, [a, Storage("1", b.kind, b.data[:8], 4)])
    to("beyond.pt", {"a": tensor(a, (2, 3), (3, 2))})
    to("negative.pt", {"a": tensor(a, (2, 3), (3, 1), -1)})
    to("rank.pt", {"a": tensor(a, (1,) * 9)})
    to("huge.pt", {"a": tensor(a, (1 << 40, 1 << 40), (0, 0))})
    to("bomb.pt", {str(i): tensor(a, (1 << 24,), (0,)) for i in range(64)})
    to("quantised.pt", {"a": Call(utils._rebuild_qtensor, a, 0, (2, 3), (3, 1), (), False, collections.OrderedDict())})
    to("runs.pt", b"cos\nsystem\n(S'touch grus_ran_a_pickle'\ntR.")
    to("empty.pt", b"")
    cycle = []
    cycle.append(cycle)
    write("cycle.pkl", pickle.dumps(cycle, 2), "refused")
    laughs = [np.zeros(1, np.float32)]
    for _ in range(40):
        laughs = [laughs, laughs]
    write("laughs.pkl", pickle.dumps(laughs, 2), "refused")
    write("deep.pkl", b"\x80\x02" + b"]" * 2000 + b"a" * 1999 + b".", "refused")
    write("unknown.pkl", b"\x80\x02\xff.", "refused")
    write("stack.pkl", b"\x80\x02R.", "refused")
    write("memo.pkl", b"\x80\x02h\x07.", "refused")
    write("far_memo.pkl", b"\x80\x02}r\xff\xff\xff\x7f.", "refused")
    write("two.pkl", b"\x80\x02}}.", "refused")
    write("text.pkl", b"\x80\x02X\xff\xff\xff\x7fabc.", "refused")
    write("mark.pkl", b"\x80\x02(((.", "refused")
    write("short.pth", legacy(state, [a, b])[:-3], "refused")
    write("foreign_key.pth", legacy(state, [a, b, Storage("9", b.kind, b.data, 4)]), "refused")
    write("shape.pkl", pickle.dumps({"a": A}, 2).replace(b"K\x02K\x03\x86", b"K\x02K\x09\x86"), "refused")


def exported(name, tensors, stored, folder="", config=None, order=None):
    """The weights of a program of torch.export: tensors as {name: (storage, sizes, strides, offset, type)}."""
    numbers = lambda values: [{"as_int": v} for v in values]
    listed = {k: {"path_name": path, "is_param": True, "use_pickle": False,
                  "tensor_meta": {"dtype": kind, "sizes": numbers(sizes), "strides": numbers(strides), "storage_offset": {"as_int": offset}}}
              for k, (path, sizes, strides, offset, kind) in tensors.items()}
    members = {"model_weights_config.json": config or json.dumps({"config": listed}), **stored}
    with zipfile.ZipFile(os.path.join(FIXTURES, folder, name), "w") as z:
        for member, data in members.items():
            z.writestr(zipfile.ZipInfo("net/data/weights/" + member, (2020, 1, 1, 0, 0, 0)), data)
        if order: z.writestr(zipfile.ZipInfo("net/byteorder", (2020, 1, 1, 0, 0, 0)), order)


def programs():
    f32, f16 = 7, 6
    both = {"weight_0": np.concatenate([A.T.ravel(), np.repeat(B, 2)]).tobytes()}
    whole = {"weight_0": A.tobytes(), "weight_1": B.astype("<f2").tobytes()}
    of = lambda path="weight_0", sizes=(2, 3), strides=(3, 1), offset=0, kind=f32: {"a": (path, sizes, strides, offset, kind)}
    exported("exported.pt2", {**of(), "b.c": ("weight_1", (4,), (1,), 0, f16)}, whole)
    exported("shared.pt2", {**of(strides=(1, 2)), "b.c": ("weight_0", (4,), (2,), 6, f32)}, both)
    for name, tensors in [("missing", of("weight_7")), ("beyond", of(strides=(3, 2))), ("before", of(offset=-1)), ("turned", of(strides=(-3, 1))),
                          ("rank", of(sizes=(1,) * 9, strides=(1,) * 9)), ("kind", of(kind=99)), ("uneven", of(strides=(1,))),
                          ("vast", of(sizes=(1 << 40, 1 << 40), strides=(0, 0)))]:
        exported(f"exported_{name}.pt2", tensors, whole, "refused")
    exported("exported_bomb.pt2", {str(i): ("weight_0", (1 << 24,), (0,), 0, f32) for i in range(64)}, whole, "refused")
    exported("exported_text.pt2", {}, whole, "refused", "{")
    exported("exported_none.pt2", {}, whole, "refused")
    exported("exported_big.pt2", of(), whole, "refused", order=b"big")


def corpus():
    os.makedirs(CORPUS, exist_ok=True)
    for folder in ("", "refused"):
        for name in sorted(os.listdir(os.path.join(FIXTURES, folder))):
            path = os.path.join(FIXTURES, folder, name)
            if name.endswith(".pkl") and os.path.getsize(path) < 3000:
                data = open(path, "rb").read()
            elif name.endswith((".pt", ".ckpt", ".bin")):
                data = zipfile.ZipFile(path).read("archive/data.pkl")
            else:
                continue
            with open(os.path.join(CORPUS, name.split(".")[0]), "wb") as f:
                f.write(data)


if __name__ == "__main__":
    os.makedirs(os.path.join(FIXTURES, "refused"), exist_ok=True)
    refused(*accepted())
    programs()
    corpus()
