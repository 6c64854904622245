# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/arranged/: small ONNX files with moves that no stage of the language is in one, and what they compute,
worked out here in NumPy.

    python make_arranged.py            (numpy)

The messages are written by ../graph/make_onnx.py, byte by byte. Where time is, a GRU says. One file more, of axes without
names, goes to fixtures/tf2onnx."""
import os
import numpy as np
from make_axes import Gru, HERE, ends_in_gru, random
from make_onnx import Graph, finish

FOLDER = os.path.join(HERE, "fixtures", "arranged")


def save(name, g, x, y, opset=18): finish(g, FOLDER, name, {k: v for k, v in x.items()}, y, opset=opset)
def ints(g, *values): return g.constant(list(values), "i8")


def starts(steps=6, d=3, shape=None):
    g, x = Graph(), random(1, *(shape or (steps, d)), scale=1)
    g.input("x", list(x.shape))
    return g, x


def encoder_decoder():
    """the last state of one GRU at every step of the next: Tile of an axis of 1"""
    g, x = starts()
    first = Gru(3, 4)
    y = g.call("Transpose", g.call("Squeeze", first.call(g, g.call("Transpose", "x", perm=[1, 0, 2])), ints(g, 1)), perm=[1, 0, 2])
    last = g.call("Gather", y, g.constant(5, "i8"), axis=1)
    run = ends_in_gru(g, g.call("Tile", g.call("Unsqueeze", last, ints(g, 1)), ints(g, 1, 6, 1)), 4, 6)
    v = first.run(x.transpose(1, 0, 2))[-1, 0]
    save("encoder_decoder", g, {"x": x}, {"y": run(np.repeat(v[:, None], 6, 1))})


def interleaved():
    """every feature twice, and every step three times, as exporters write repeat_interleave; all features side by side twice"""
    g, x = starts()
    f = g.call("Reshape", g.call("Tile", g.call("Unsqueeze", "x", ints(g, 3)), ints(g, 1, 1, 1, 2)), ints(g, 1, 6, 6))
    f = g.call("Tile", f, ints(g, 1, 1, 2))
    t = g.call("Reshape", g.call("Tile", g.call("Unsqueeze", f, ints(g, 2)), ints(g, 1, 1, 3, 1)), ints(g, 1, 18, 12))
    run = ends_in_gru(g, t, 12, 18)
    save("interleaved", g, {"x": x}, {"y": run(np.tile(x.repeat(2, 2), (1, 1, 2)).repeat(3, 1))})


def resized(name, where, nearest, **more):
    """the nearest step, of twice as many, and the nearest feature, of three times as many"""
    g, x = starts()
    scales = g.constant([1, 2, 3], "f4") if not more else ""
    sizes = [] if not more else [ints(g, 1, 12, 9)]
    y = g.call("Resize", "x", "", scales, *sizes, mode="nearest", coordinate_transformation_mode=where, nearest_mode=nearest, **more)
    run = ends_in_gru(g, y, 9, 12)
    save(name, g, {"x": x}, {"y": run(x.repeat(2, 1).repeat(3, 2))})


def ordered():
    """features and steps in other orders, some of them twice; places of two axes"""
    g, x = starts(d=5)
    f = g.call("Gather", "x", ints(g, 4, 0, -2, 3, 1, 2), axis=-1)
    t = g.call("GatherND", g.call("Transpose", f, perm=[1, 0, 2]), g.constant([[0], [3], [1], [1], [5], [4]], "i8"))
    t = g.call("Gather", g.call("Reshape", t, ints(g, 36)), g.constant(np.arange(36).reshape(6, 6), "i8"), axis=0)
    run = ends_in_gru(g, g.call("Reshape", t, ints(g, 1, 6, 6)), 6, 6)
    save("ordered", g, {"x": x}, {"y": run(x[:, :, [4, 0, 3, 3, 1, 2]][:, [0, 3, 1, 1, 5, 4]])})


def framed():
    """windows of 4 steps, 2 apart, by a table of places; and as cuts that are joined, of 3 features in each of them"""
    g, x = starts(steps=11, d=2)
    table = [[i, i + 1, i + 2, i + 3] for i in range(0, 8, 2)]
    w = g.call("Reshape", g.call("Transpose", g.call("Gather", "x", g.constant(table, "i8"), axis=1), perm=[0, 1, 3, 2]), ints(g, 1, 4, 8))
    cuts = [g.call("Slice", w, ints(g, k), ints(g, k + 3), ints(g, 2)) for k in (0, 2, 4)]
    cuts = [g.call("Unsqueeze", g.call("Transpose", c, perm=[0, 2, 1]), ints(g, 1)) for c in cuts]
    y = g.call("Reshape", g.call("Transpose", g.call("Concat", *cuts, axis=1), perm=[0, 3, 1, 2]), ints(g, 1, 4, 9))
    run = ends_in_gru(g, y, 9, 4)
    v = x[:, table].transpose(0, 1, 3, 2).reshape(1, 4, 8)
    save("framed", g, {"x": x}, {"y": run(np.concatenate([v[..., k:k + 3] for k in (0, 2, 4)], 2))})


def joined():
    """two sequences one after the other, of which the second is a part of the first; and steps moved round"""
    g, x = starts()
    last, first = (g.call("Slice", "x", ints(g, a), ints(g, b), ints(g, 1)) for a, b in ((4, 6), (0, 4)))
    y = g.call("Concat", last, first, g.call("Tanh", "x"), axis=1)
    run = ends_in_gru(g, y, 3, 12)
    save("joined", g, {"x": x}, {"y": run(np.concatenate([np.roll(x, 2, 1), np.tanh(x.astype("f8"))], 1))})


def shuffled(mode):
    """depth to space within each step"""
    g, x = starts(d=16)
    y = g.call("DepthToSpace", g.call("Reshape", "x", ints(g, 6, 8, 1, 2)), blocksize=2, mode=mode)
    run = ends_in_gru(g, g.call("Reshape", y, ints(g, 1, 6, 16)), 16, 6)
    v = x.reshape(6, 2, 2, 2, 1, 2) if mode == "DCR" else x.reshape(6, 2, 2, 2, 1, 2).transpose(0, 2, 3, 1, 4, 5)
    v = v.transpose(0, 3, 4, 1, 5, 2).reshape(1, 6, 16) # n, b, b, c, h, w
    save("shuffled_" + mode.lower(), g, {"x": x}, {"y": run(v)})


def wrong_order():
    """the newest row is kept first, so that what goes out is no state: it comes in and goes out in every call"""
    g, x, kept, w = Graph(), random(1, 3, 1), random(1, 3, 2), random(4, 3, 3)
    g.input("x", [1, 3, 1]), g.input("kept", [1, 3, 2])
    g.call("Conv", g.call("Concat", "kept", "x", axis=2), g.constant(w), out="y", kernel_shape=[3])
    g.call("Concat", "x", g.call("Slice", "kept", ints(g, 0), ints(g, 1), ints(g, 2)), out="next", axis=2)
    g.output("y"), g.output("next")
    rows = np.concatenate([kept, x], 2)
    save("wrong_order", g, {"x": x, "kept": kept}, {"y": np.einsum("ock,ck->o", w.astype("f8"), rows[0])[None, :, None],
                                                   "next": np.concatenate([x, kept[:, :, :1]], 2)})


def averaged():
    """means of 3 steps, of zeros around the sequence too, and of 2 features, of a zero in front of them too"""
    g, x = starts()
    t = g.call("Transpose", "x", perm=[0, 2, 1])
    t = g.call("AveragePool", t, kernel_shape=[3], pads=[1, 1], count_include_pad=1)
    f = g.call("AveragePool", g.call("Transpose", t, perm=[0, 2, 1]), kernel_shape=[2], pads=[1, 0], count_include_pad=1)
    v = np.pad(x.astype("f8"), ((0, 0), (1, 1), (0, 0)))
    v = np.pad((v[:, :-2] + v[:, 1:-1] + v[:, 2:]) / 3, ((0, 0), (0, 0), (1, 0)))
    run = ends_in_gru(g, f, 3, 6)
    save("averaged", g, {"x": x}, {"y": run((v[..., 1:] + v[..., :-1]) / 2)})


def chosen():
    """one of two values by a condition that is constant, one of them repeated"""
    g, x = starts()
    no, yes = g.constant(np.array(False)), g.constant(np.ones((1, 6, 1), bool))
    mean = g.call("ReduceMean", "x", ints(g, 2), keepdims=1)
    y = g.call("Where", no, "x", g.call("Where", yes, mean, g.call("Tanh", "x")))
    run = ends_in_gru(g, g.call("Concat", y, "x", axis=2), 6, 6)
    save("chosen", g, {"x": x}, {"y": run(np.concatenate([x.mean(2, keepdims=True).repeat(3, 2), x], 2))})


def powers():
    """powers of 2 and of a tenth"""
    g, x = starts()
    y = g.call("Add", g.call("Pow", g.constant(2, "f4"), "x"), g.call("Pow", g.constant([0.1], "f4"), "x"))
    run = ends_in_gru(g, y, 3, 6)
    v = x.astype("f8")
    save("powers", g, {"x": x}, {"y": run(2 ** v + np.float64(np.float32(0.1)) ** v)})


def normed():
    """statistics over the steps: of each feature, of groups of two, and of all"""
    g, x = starts(d=4)
    scale, shift, wide = random(4), random(4), random(6, 4)
    standard = lambda v, *axes: (v - v.mean(axes, keepdims=True)) / np.sqrt(v.var(axes, keepdims=True) + np.float32(1e-3))
    t = g.call("Transpose", "x", perm=[0, 2, 1])
    t = g.call("InstanceNormalization", t, g.constant(scale), g.constant(shift), epsilon=1e-3)
    t = g.call("GroupNormalization", g.call("Tanh", t), g.constant(scale), g.constant(shift), num_groups=2, epsilon=1e-3)
    y = g.call("LayerNormalization", g.call("Transpose", g.call("Tanh", t), perm=[0, 2, 1]), g.constant(wide), axis=1, epsilon=1e-3)
    run = ends_in_gru(g, y, 4, 6)
    v = np.tanh(standard(x.astype("f8"), 1) * scale + shift)
    v = np.tanh(standard(v.reshape(1, 6, 2, 2), 1, 3).reshape(1, 6, 4) * scale + shift)
    save("normed", g, {"x": x}, {"y": run(standard(v, 1, 2) * wide)}, opset=21)


def fed():
    """each feature twice, read by a GRU at once"""
    g, x = starts()
    y = g.call("Tile", g.call("Unsqueeze", "x", ints(g, 3)), ints(g, 1, 1, 1, 2))
    run = ends_in_gru(g, g.call("Reshape", y, ints(g, 1, 6, 6)), 6, 6)
    save("fed", g, {"x": x}, {"y": run(x.repeat(2, 2))})


def stepped():
    """every second feature of some, every third step of some from the last to the first, and every second place of a table"""
    g, x = starts(steps=14, d=9)
    y = g.call("Slice", "x", ints(g, 1, -2), ints(g, 6, 2), ints(g, 2, 1), ints(g, 2, -3))
    y = g.call("Gather", g.call("Slice", y, ints(g, 2), ints(g, 0), ints(g, 1), ints(g, -1)), ints(g, 0, 2), axis=2)
    run = ends_in_gru(g, y, 2, 2)
    save("stepped", g, {"x": x}, {"y": run(x[:, -2:2:-3, 1:6:2][:, 2:0:-1, [0, 2]])})


def listed():
    """the elements of a sequence, joined along an axis that is counted from the end"""
    g, x = starts()
    y = g.call("ConcatFromSequence", g.call("SequenceConstruct", "x", g.call("Tanh", "x")), axis=-1)
    y = g.call("Reshape", g.call("ConcatFromSequence", g.call("SequenceConstruct", y, y), axis=-1, new_axis=1), ints(g, 1, 6, 12))
    run = ends_in_gru(g, y, 12, 6)
    v = np.concatenate([x, np.tanh(x.astype("f8"))], 2)
    save("listed", g, {"x": x}, {"y": run(np.stack([v, v], 3).reshape(1, 6, 12))})


def scanned():
    """a Scan whose axes are counted from the end, over the steps from the last to the first"""
    g, x = starts()
    g.input("c", [1, 3])
    body = Graph()
    body.input("s", [1, 3]), body.input("e", [1, 3])
    body.call("Tanh", body.call("Add", "s", "e"), out="t"), body.call("Identity", "t", out="u")
    body.output("t"), body.output("u")
    _, y = g.call("Scan", "c", "x", n=2, body=body, num_scan_inputs=1, scan_input_axes=[-2], scan_input_directions=[1], scan_output_axes=[-2])
    g.call("Identity", y, out="y"), g.output("y")
    s, v = random(1, 3, scale=1), []
    start = s
    for t in reversed(range(6)):
        s = np.tanh(s.astype("f8") + x[:, t])
        v.append(s)
    save("scanned", g, {"x": x, "c": start}, {"y": np.stack(v, 1)})


def resized_rows():
    """the nearest step, of twice as many, of rows that are features: their steps become time after a Transpose"""
    g, x = starts()
    y = g.call("Resize", g.call("Transpose", "x", perm=[0, 2, 1]), "", g.constant([1, 1, 2], "f4"), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    run = ends_in_gru(g, g.call("Transpose", y, perm=[0, 2, 1]), 3, 12)
    save("resized_rows", g, {"x": x}, {"y": run(x.repeat(2, 1))})


def named():
    """an axis without a name, as exporters of TensorFlow's graphs number them, is the batch where it is the first one alone"""
    g, x, w = Graph(), random(1, 6, 6, scale=1), random(4, 6, 1)
    g.input("x", ["s0", 6, "unk__2"])
    g.call("Transpose", g.call("Tanh", g.call("Conv", "x", g.constant(w))), out="y", perm=[0, 2, 1]), g.output("y")
    finish(g, os.path.join(FOLDER, "..", "tf2onnx"), "named_open_last", {"x": x}, {"y": np.tanh(x[0].astype("f8").T @ w[:, :, 0].T)[None]}, opset=18)


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    encoder_decoder(), interleaved(), ordered(), framed(), joined(), shuffled("DCR"), shuffled("CRD"), wrong_order()
    for k, (where, nearest) in enumerate([("asymmetric", "floor"), ("half_pixel", "round_prefer_floor"), ("half_pixel_symmetric", "round_prefer_ceil")]):
        resized(f"resized_{k}", where, nearest)
    resized("resized_to", "pytorch_half_pixel", "round_prefer_floor", keep_aspect_ratio_policy="stretch")
    averaged(), chosen(), powers(), normed(), named(), fed(), stepped(), listed(), scanned(), resized_rows()
