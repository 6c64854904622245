# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs in the format of torch.export (.pt2) with the operators of PyTorch, a family in each, and what PyTorch computes.

    python -m venv env && env/bin/pip install torch==2.13.0 numpy
    env/bin/python make_pt2_operators.py FOLDER [FAMILY...]

The files are written by make_pt2.py; each call is made by PyTorch as well, and its result is an output."""
import sys

import numpy as np
import torch

from make_pt2 import LONG, Program, finish, meta


class Both:
    """A program, and the same calls in PyTorch. Names of values are what calls take and give."""
    def __init__(self, **inputs):
        self.p, self.value, self.inputs, self.results = Program(), {}, inputs, []
        for name, array in inputs.items():
            self.value[self.p.input(name, list(array.shape), LONG if array.dtype == np.int64 else 7)] = torch.from_numpy(array)

    def weight(self, name, *shape, positive=False):
        array = (np.random.default_rng(len(name)).standard_normal(shape) * 0.5).astype("f4")
        value = self.p.weight(name, np.abs(array) + np.float32(0.5) if positive else array)
        self.value[value] = torch.from_numpy(self.p.weights[name].copy())
        return value

    def call(self, op, **args):
        """The values that torch.ops.aten.OP gives; `self` is called of here."""
        args = {("self" if k == "of" else k): v for k, v in args.items()}
        real = lambda v: self.meaning(v) if isinstance(v, dict) else self.value[v] if isinstance(v, str) else [self.value[x] for x in v] if isinstance(v, list) and v and isinstance(v[0], str) else v
        name, overload = op.split(".")
        got = getattr(getattr(torch.ops.aten, name), overload)(**{k: real(v) for k, v in args.items()})
        tensors = list(got) if isinstance(got, (tuple, list)) else [got]
        listed = isinstance(got, list)
        shapes = [list(t.shape) for t in tensors]
        names = self.p.call(op, shapes if len(tensors) > 1 else shapes[0], len(tensors), **args)
        names = [names] if isinstance(names, str) else names
        if listed:  # one output that is a list
            self.p.nodes[-1]["outputs"] = [{"as_tensors": [{"name": n} for n in names]}]
        for n, t in zip(names, tensors):
            self.value[n] = t
            if t.dtype == torch.int64: self.p.sizes[n] = meta(list(t.shape), LONG)
            if t.dtype == torch.bool: self.p.sizes[n] = meta(list(t.shape), 12)
        return names if len(names) > 1 or listed else names[0]

    def meaning(self, v):
        """What an argument that is written as JSON is in PyTorch: a type, a word, numbers, tensors of which some are left out."""
        kind, value = next(iter(v.items()))
        if kind == "as_scalar_type": return {7: torch.float32, LONG: torch.int64, 12: torch.bool}[value]
        if kind == "as_optional_tensors": return [None if "as_none" in x else self.value[x["as_tensor"]["name"]] for x in value]
        return [self.value[x["name"]] for x in value] if kind == "as_tensors" else float(value) if kind == "as_float" else value

    def out(self, op, **args):
        """A call of which each result that is a float is an output of the program; others are made floats by `where`."""
        names = self.call(op, **args)
        for name in [names] if isinstance(names, str) else names:
            t = self.value[name]
            if t.dtype == torch.bool: name = self.call("where.ScalarOther", condition=name, of=self.some(t), other=0.0)
            elif t.dtype == torch.int64: name = self.call("mul.Scalar", of=self.call("_to_copy.default", of=name, dtype={"as_scalar_type": 7}), other=1.0)
            self.p.output(name)
            self.results.append(self.value[name].numpy())
        return names

    def first_out(self):
        """The first result of the last call is an output; the others are what training needs."""
        name = self.p.nodes[-1]["outputs"][0]["as_tensor"]["name"]
        self.p.output(name)
        self.results.append(self.value[name].numpy())

    def weight_of_whole(self, name, numbers):
        """A constant of whole numbers."""
        value = self.p.weight(name, np.array(numbers, "f4"))
        self.value[value] = torch.tensor(numbers, dtype=torch.float32)
        return self.call("_to_copy.default", of=value, dtype={"as_scalar_type": LONG})

    def some(self, t):
        return self.call("full.default", size=list(t.shape), fill_value=2.0)

    def save(self, folder, name):
        # A type of PyTorch is a number in the file.
        finish(self.p, folder, name, self.inputs, self.results)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("f4")


def pointwise(folder):
    b = Both(x=numbers(2, 3, 4), y=numbers(2, 3, 4, seed=1))
    for op in "relu sigmoid tanh exp abs neg sin cos tan atan floor ceil erf silu mish square reciprocal sign isnan hardswish round rsqrt relu6 selu hardsigmoid".split():
        of = "x" if op != "rsqrt" else b.call("exp.default", of="x")
        b.out(op + ".default", of=of)
    size = b.call("exp.default", of="y")
    for op in "log sqrt".split(): b.out(op + ".default", of=size)
    b.out("softplus.default", of="x")
    b.out("softplus.default", of="x", beta=2, threshold=1)
    b.out("gelu.default", of="x")
    b.out("leaky_relu.default", of="x", negative_slope=0.1)
    b.out("elu.default", of="x")
    b.out("elu.default", of="x", alpha=0.5)
    b.out("celu.default", of="x", alpha=0.5)
    b.out("hardtanh.default", of="x", min_val=-0.5, max_val=0.25)
    b.out("clamp_min.default", of="x", min=-0.25)
    b.out("clamp_max.default", of="x", max=0.25)
    b.out("prelu.default", of="x", weight=b.weight("slopes", 3))
    b.out("prelu.default", of="x", weight=b.weight("slope", 1))
    b.out("pow.Tensor_Scalar", of="x", exponent=2)
    b.out("pow.Tensor_Scalar", of=size, exponent=0.5)
    b.out("pow.Scalar", of=2, exponent="x")
    b.out("glu.default", of="x", dim=-1)
    b.out("dropout.default", input="x", p=0.5, train=False)
    b.out("clone.default", of="x")
    b.save(folder, "operators_pointwise")


def binary(folder):
    b = Both(x=numbers(2, 3, 4), y=numbers(2, 3, 4, seed=1))
    b.out("add.Tensor", of="x", other="y", alpha=2)
    b.out("add.Scalar", of="x", other=0.5, alpha=3)
    b.out("sub.Tensor", of="x", other="y")
    b.out("sub.Scalar", of="x", other=2)
    b.out("mul.Tensor", of="x", other="y")
    b.out("mul.Scalar", of="x", other=0.25)
    b.out("div.Tensor", of="x", other="y")
    b.out("div.Scalar", of="x", other=3.0)
    b.out("remainder.Scalar", of="x", other=1.5)
    b.out("maximum.default", of="x", other="y")
    b.out("minimum.default", of="x", other="y")
    b.out("atan2.default", of="x", other="y")
    for op in "eq ne lt le gt ge".split(): b.out(op + ".Tensor", of="x", other="y")
    over, under = b.call("gt.Scalar", of="x", other=0.25), b.call("lt.Scalar", of="y", other=0.25)
    b.out("logical_and.default", of=over, other=under)
    b.out("logical_or.default", of=over, other=under)
    b.out("logical_not.default", of=over)
    b.out("where.self", condition=over, of="x", other="y")
    b.out("masked_fill.Scalar", of="x", mask=under, value=-1.5)
    b.save(folder, "operators_binary")


def products(folder):
    b = Both(x=numbers(2, 3, 4), y=numbers(2, 4, 5, seed=1), flat=numbers(3, 4, seed=2), v=numbers(4, seed=3), image=numbers(2, 4, 6, 7, seed=4),
             line=numbers(2, 4, 9, seed=5), at=np.array([[1, 0, 4], [2, 2, 3]]))
    b.out("matmul.default", of="x", other="y")
    b.out("bmm.default", of="x", mat2="y")
    b.out("mm.default", of="flat", mat2=b.weight("m", 4, 2))
    b.out("mv.default", of="flat", vec="v")
    b.out("linear.default", input="x", weight=b.weight("w", 5, 4))
    b.out("addmm.default", of=b.weight("bias", 2), mat1="flat", mat2=b.weight("mm", 4, 2))
    b.out("conv1d.default", input="line", weight=b.weight("conv", 6, 2, 3), bias=b.weight("convb", 6), stride=[2], padding=[1], dilation=[1], groups=2)
    b.out("conv2d.default", input="image", weight=b.weight("conv2", 6, 4, 3, 2), bias=b.weight("conv2b", 6), stride=[1, 2], padding=[1, 0], dilation=[2, 1])
    b.out("conv_transpose1d.default", input="line", weight=b.weight("up", 4, 3, 4), bias=b.weight("upb", 3), stride=[2], padding=[1])
    b.out("conv_transpose2d.input", input="image", weight=b.weight("up2", 4, 3, 2, 3), stride=[2, 1], padding=[0, 1])
    b.out("convolution.default", input="line", weight=b.weight("c", 4, 1, 3), bias=b.weight("cb", 4), stride=[1], padding=[2], dilation=[1], transposed=False, output_padding=[0], groups=4)
    b.out("convolution.default", input="line", weight=b.weight("ct", 4, 3, 3), bias=None, stride=[2], padding=[0], dilation=[1], transposed=True, output_padding=[1], groups=1)
    b.out("max_pool1d.default", of="line", kernel_size=[3], stride=[2], padding=[1])
    b.out("max_pool2d.default", of="image", kernel_size=[2, 3], stride=[2, 2])
    b.out("avg_pool1d.default", of="line", kernel_size=[2], stride=[2])
    b.out("avg_pool2d.default", of="image", kernel_size=[2, 2])
    b.out("adaptive_avg_pool1d.default", of="line", output_size=[1])
    b.out("adaptive_avg_pool2d.default", of="image", output_size=[1, 1])
    b.out("scaled_dot_product_attention.default", query="x", key=b.call("transpose.int", of="y", dim0=1, dim1=2), value=b.call("transpose.int", of="y", dim0=1, dim1=2))
    b.out("embedding.default", weight=b.weight("table", 5, 3), indices="at")
    b.save(folder, "operators_products")


def reductions(folder):
    b = Both(x=numbers(2, 4, 6), image=numbers(2, 4, 3, 5, seed=1))
    w, c = b.weight("w", 4), b.weight("c", 4)
    mean, variance = b.weight("mean", 4), b.weight("variance", 4, positive=True)
    b.out("batch_norm.default", input="image", weight=w, bias=c, running_mean=mean, running_var=variance, training=False, momentum=0.1, eps=1e-3, cudnn_enabled=False)
    b.out("layer_norm.default", input="x", normalized_shape=[6], weight=b.weight("lw", 6), bias=b.weight("lb", 6), eps=1e-5)
    b.out("layer_norm.default", input="x", normalized_shape=[4, 6], eps=1e-2)
    b.out("rms_norm.default", input="x", normalized_shape=[6], weight=b.weight("rw", 6), eps=1e-5)
    b.out("group_norm.default", input="x", num_groups=2, weight=w, bias=c, eps=1e-5)
    b.out("mean.dim", of="x", dim=[-1], keepdim=True)
    b.out("mean.default", of="x")
    b.out("sum.dim_IntList", of="x", dim=[1, 2])
    b.out("sum.default", of="x")
    b.out("amax.default", of="x", dim=[1])
    b.out("amin.default", of="x", dim=[2], keepdim=True)
    b.out("logsumexp.default", of="x", dim=[2])
    b.out("prod.dim_int", of="x", dim=1)
    b.out("max.dim", of="x", dim=1)
    b.out("min.dim", of="x", dim=2, keepdim=True)
    b.out("argmax.default", of="x", dim=2)
    b.out("argmin.default", of="x", dim=1, keepdim=True)
    b.out("cumsum.default", of="x", dim=1)
    b.out("softmax.int", of="x", dim=1)
    b.out("_softmax.default", of="x", dim=2, half_to_float=False)
    b.out("log_softmax.int", of="x", dim=-1)
    b.out("_log_softmax.default", of="x", dim=1, half_to_float=False)
    b.out("topk.default", of="x", k=2, dim=2)
    b.save(folder, "operators_reductions")


def moves(folder):
    b = Both(x=numbers(2, 4, 6), one=numbers(2, 1, 6, seed=1), flat=numbers(3, 4, seed=2), at=np.array([3, 0, 1]))
    b.out("view.default", of="x", size=[2, 24])
    b.out("reshape.default", of="x", shape=[2, 2, -1])
    b.out("_unsafe_view.default", of="x", size=[8, 6])
    b.out("flatten.using_ints", of="x", start_dim=0, end_dim=1)
    b.out("unflatten.int", of="x", dim=2, sizes=[2, 3])
    b.out("squeeze.dim", of="one", dim=1)
    b.out("squeeze.dims", of="one", dim=[1])
    b.out("squeeze.default", of="one")
    b.out("unsqueeze.default", of="x", dim=-1)
    b.out("transpose.int", of="x", dim0=1, dim1=-1)
    b.out("t.default", of="flat")
    b.out("permute.default", of="x", dims=[2, 0, 1])
    b.out("expand.default", of="one", size=[2, 4, -1])
    b.out("repeat.default", of="flat", repeats=[2, 1, 3])
    b.out("cat.default", tensors=["x", "one"], dim=1)
    b.out("stack.default", tensors=["x", "x"], dim=2)
    b.out("split.Tensor", of="x", split_size=3, dim=1)
    b.out("split_with_sizes.default", of="x", split_sizes=[1, 3, 2], dim=2)
    b.out("chunk.default", of="x", chunks=2, dim=2)
    b.out("unbind.int", of="flat", dim=1)
    b.out("select.int", of="x", dim=1, index=-1)
    b.out("slice.Tensor", of="x", dim=2, start=1, end=6, step=2)
    b.out("narrow.default", of="x", dim=1, start=1, length=2)
    b.out("index_select.default", of="x", dim=1, index="at")
    b.out("constant_pad_nd.default", of="x", pad=[1, 2, 0, 1], value=0.5)
    b.out("flip.default", of="x", dims=[1])
    b.out("tril.default", of="flat")
    b.out("triu.default", of="flat", diagonal=1)
    for op, more in (("zeros_like", {}), ("ones_like", {}), ("full_like", {"fill_value": 1.5})): b.out(op + ".default", of="x", **more)
    b.out("new_ones.default", of="x", size=[2, 3])
    b.out("new_zeros.default", of="x", size=[3])
    b.save(folder, "operators_moves")


def cells(folder):
    b = Both(x=numbers(2, 3), h=numbers(2, 4, seed=1), c=numbers(2, 4, seed=2), steps=numbers(5, 2, 3, seed=3), start=numbers(1, 2, 4, seed=4))
    for op, gates in (("lstm_cell", 4), ("gru_cell", 3), ("rnn_tanh_cell", 1), ("rnn_relu_cell", 1)):
        weights = {k: b.weight(f"{op}.{k}", *shape) for k, shape in (("w_ih", (4 * gates, 3)), ("w_hh", (4 * gates, 4)), ("b_ih", (4 * gates,)), ("b_hh", (4 * gates,)))}
        b.out(f"{op}.default", input="x", hx=["h", "c"] if gates == 4 else "h", **weights)
    for op in ("rnn_tanh", "rnn_relu"):
        weights = [b.weight(f"{op}.{i}", *shape) for i, shape in enumerate(((4, 3), (4, 4), (4,), (4,)))]
        b.out(op + ".input", input="steps", hx="start", params=weights, has_biases=True, num_layers=1, dropout=0.0, train=False, bidirectional=False, batch_first=False)
    b.save(folder, "operators_cells")


def word(text): return {"as_string": text}


def places(*names): return {"as_optional_tensors": [{"as_tensor": {"name": n}} if n else {"as_none": True} for n in names]}


def forms(folder):
    """Functions that are written in others."""
    b = Both(x=numbers(2, 3, 4), y=numbers(2, 3, 4, seed=1))
    size, unit = b.call("exp.default", of="y"), b.call("tanh.default", of="y")
    for op in "exp2 expm1 log_sigmoid sinh cosh asinh sinc trunc frac isinf isfinite hardshrink softshrink absolute rrelu rrelu.f erfc special_erfc".split():
        b.out(op.replace(".f", "") + ".default", of="x", **({"lower": 0.1, "upper": 0.5} if op == "rrelu.f" else {}))
    for op in "log1p log2 log10 special_log1p".split(): b.out(op + ".default", of=size)
    b.out("acosh.default", of=b.call("add.Scalar", of=size, other=1))
    b.out("atanh.default", of=unit)
    b.out("asin.default", of=unit)
    b.out("acos.default", of=unit)
    b.out("logit.default", of="y", eps=0.125)
    b.out("nan_to_num.default", of=b.call("log.default", of="x"), nan=3.5)
    b.out("threshold.default", of="x", threshold=0.25, value=0.25)
    b.out("threshold.default", of="x", threshold=0.0, value=0.0)
    b.out("threshold.default", of="x", threshold=0.125, value=-1.0)
    b.out("softshrink.default", of="x", lambd=0.25)
    b.out("clamp.default", of="x", min={"as_float": "-Infinity"}, max=0.5)
    b.out("logaddexp.default", of="x", other="y")
    b.out("hypot.default", of="x", other="y")
    b.out("fmod.Scalar", of="x", other=0.75)
    b.out("addcmul.default", of="x", tensor1="y", tensor2="x", value=0.5)
    b.out("addcdiv.default", of="x", tensor1="y", tensor2=size)
    b.out("lerp.Scalar", of="x", end="y", weight=0.25)
    b.out("lerp.Tensor", of="x", end="y", weight=size)
    b.out("xlogy.Tensor", of="x", other=size)
    b.out("div.Tensor_mode", of="x", other="y", rounding_mode=word("trunc"))
    over, under = b.call("gt.Scalar", of="x", other=0.25), b.call("lt.Scalar", of="y", other=0.25)
    for op in "bitwise_and bitwise_or bitwise_xor __and__ logical_xor".split(): b.out(f"{op}.{'default' if 'log' in op else 'Tensor'}", of=over, other=under)
    b.out("bitwise_not.default", of=over)
    b.out("masked_fill.Scalar", of="x", mask=under, value={"as_float": "-Infinity"})
    b.save(folder, "operators_forms")


def statistics(folder):
    b = Both(x=numbers(2, 4, 6), image=numbers(2, 4, 3, 5, seed=1), one=numbers(1, 4, 5, seed=2))
    w, c = b.weight("w", 4), b.weight("c", 4)
    for op in "var std".split():
        b.out(op + ".dim", of="x", dim=[1], keepdim=True)
        b.out(op + ".correction", of="x", dim=[1, 2], correction=0)
        b.out(op + ".default", of="x")
    b.out("var_mean.correction", of="x", dim=[-1], correction=2)
    b.out("std_mean.dim", of="x", dim=[0], unbiased=False, keepdim=True)
    b.out("linalg_vector_norm.default", of="x")
    for p in (1, 2.0, 3, 0, {"as_float": "Infinity"}, {"as_float": "-Infinity"}): b.out("linalg_vector_norm.default", of="x", ord=p, dim=[2], keepdim=True)
    b.out("norm.ScalarOpt_dim", of="x", p=2, dim=[1])
    b.out("instance_norm.default", input="x", weight=w, bias=c, running_mean=None, running_var=None, use_input_stats=True, momentum=0.1, eps=1e-3, cudnn_enabled=False)
    for x in ("x", "one"):
        b.call("_native_batch_norm_legit.no_stats", input=x, weight=w, bias=c, training=True, momentum=0.1, eps=1e-3)
        b.first_out()
    b.call("native_group_norm.default", input="image", weight=w, bias=c, N=2, C=4, HxW=15, group=2, eps=1e-3)
    b.first_out()
    b.out("group_norm.default", input="x", num_groups=2, weight=None, bias=c, eps=1e-5)
    b.out("_weight_norm.default", v=b.weight("v", 4, 3, 2), g=b.weight("g", 4, 1, 1, positive=True), dim=0)
    b.out("_weight_norm_interface.default", v=b.weight("last v", 3, 4), g=b.weight("last g", 1, 4, positive=True), dim=1)
    b.out("aminmax.default", of="x", dim=1)
    over = b.call("gt.Scalar", of="x", other=0.75)
    for op in "any all".split(): b.out(op + ".dim", of=over, dim=2)
    b.out("any.default", of="x")
    b.save(folder, "operators_statistics")


def indices(folder):
    """Views, orders and places."""
    b = Both(x=numbers(2, 4, 6), image=numbers(2, 4, 2, 4, seed=1), flat=numbers(3, 4, seed=2), row=numbers(1, 4, 1, seed=3), at=np.array([3, 0, 1]), other=np.array([[2], [-1]]), third=np.array([0, 5]))
    b.out("unfold.default", of="x", dimension=2, size=3, step=2)
    b.out("roll.default", of="x", shifts=[1, -2], dims=[1, 2])
    b.out("diff.default", of="x", n=2, dim=1)
    b.out("diff.default", of="flat", dim=0, prepend="flat")
    b.out("tile.default", of="flat", dims=[2])
    b.out("tile.default", of="flat", dims=[2, 1, 3])
    b.out("repeat_interleave.self_int", of="x", repeats=3, dim=1)
    b.out("expand_as.default", of="row", other="x")
    b.out("view_as.default", of="flat", other=b.call("zeros.default", size=[2, 6]))
    b.out("movedim.int", of="x", source=0, destination=-1)
    b.out("movedim.intlist", of="image", source=[0, 3], destination=[2, 0])
    b.out("swapaxes.default", of="x", axis0=0, axis1=2)
    b.out("swapdims.default", of="x", dim0=1, dim1=2)
    b.out("mT.default", of="x")
    b.out("numpy_T.default", of="flat")
    b.out("as_strided.default", of="x", size=[6, 2, 2, 2], stride=[1, 6, 24, 12])
    b.out("pixel_shuffle.default", of="image", upscale_factor=2)
    b.out("pixel_unshuffle.default", of="image", downscale_factor=2)
    b.out("channel_shuffle.default", of="x", groups=2)
    b.out("index.Tensor", of="x", indices=places(None, "at"))
    b.out("index.Tensor", of="x", indices=places(None, None, "other"))
    b.out("index.Tensor", of="x", indices=places(None, "other", "third"))
    b.out("index.Tensor", of="flat", indices={"as_tensors": [{"name": b.weight_of_whole("rows", [[2], [0]])}, {"name": b.weight_of_whole("columns", [1, -1, 3])}]})
    b.out("slice_scatter.default", of="x", src=b.call("ones.default", size=[2, 2, 6]), dim=1, start=-3, end=3)
    b.out("select_scatter.default", of="flat", src=b.call("ones.default", size=[3]), dim=1, index=-1)
    b.out("one_hot.default", of="at", num_classes=5)
    b.out("arange.default", end=4)
    b.out("arange.start_step", start=1, end=2.5, step=0.5)
    b.out("scalar_tensor.default", s=2.5)
    b.out("new_full.default", of="x", size=[2, 3], fill_value=1.5)
    b.out("fill.Scalar", of=b.call("empty.memory_format", size=[2, 2]), value=0.5)
    b.out("flip.default", of="x", dims=[0, -1])
    b.out("pad.default", of="x", pad=[2, 1, 0, 3], mode=word("circular"))
    b.out("index_select.default", of="x", dim=2, index=b.weight_of_whole("turned", [4, 5, 0, 1, 2, 3]))
    b.out("index.Tensor", of="x", indices=places(None, b.weight_of_whole("each twice", [0, 0, 1, 1, 2, 2, 3, 3])))
    b.save(folder, "operators_indices")


def more_products(folder):
    b = Both(x=numbers(2, 3, 4), y=numbers(2, 4, 5, seed=1), z=numbers(5, 3, seed=2), v=numbers(4, seed=3), line=numbers(2, 4, 6, seed=4), image=numbers(2, 3, 4, 6, seed=5))
    for equation, tensors in (("btf,bfg->btg", ["x", "y"]), ("btf,btf->bt", ["x", "x"]), ("bij,bjk,kl->bil", ["x", "y", "z"]), ("ij,jk", ["z", b.weight("m", 3, 2)]), ("...f,f->...", ["x", "v"]), ("bij->ji", ["x"])):
        b.out("einsum.default", equation=word(equation), tensors=tensors)
    b.out("baddbmm.default", of=b.weight("start", 2, 3, 5), batch1="x", batch2="y", beta=0.5, alpha=2)
    b.out("addmv.default", of=b.weight("bias", 5), mat=b.weight("matrix", 5, 4), vec="v")
    b.out("dot.default", of="v", tensor=b.weight("u", 4))
    b.out("outer.default", of="v", vec2=b.weight("vec", 3))
    b.out("bilinear.default", input1="x", input2="x", weight=b.weight("cube", 2, 4, 4), bias=b.weight("cubes", 2))
    b.out("cosine_similarity.default", x1="x", x2=b.call("exp.default", of="x"), dim=-1)
    b.out("upsample_nearest1d.vec", input="line", output_size=None, scale_factors={"as_floats": [2.0]})
    b.out("upsample_nearest1d.default", of="line", output_size=[18])
    b.out("upsample_nearest2d.vec", input="image", output_size=[8, 6], scale_factors=None)
    for op, size in (("avg_pool1d", [3]), ("avg_pool2d", [2, 1]), ("avg_pool2d", [4, 2])): b.out(f"adaptive_{op}.default", of="line" if "1d" in op else "image", output_size=size)
    b.call("adaptive_max_pool1d.default", of="line", output_size=[2])
    b.first_out()
    b.call("max_pool2d_with_indices.default", of="image", kernel_size=[2, 3])
    b.first_out()
    b.save(folder, "operators_more_products")


def single(folder):
    """What works on one sample without a batch; an ELU whose exponent is scaled."""
    b = Both(x=numbers(3, 8), image=numbers(3, 6, 8, seed=1))
    w, plane = b.weight("w", 4, 3, 3), b.weight("plane", 4, 3, 2, 3)
    b.out("conv1d.default", input="x", weight=w, bias=b.weight("bias", 4), stride=[2], padding=[1])
    b.out("conv2d.default", input="image", weight=plane, bias=None)
    b.out("conv_transpose1d.default", input="x", weight=b.weight("back", 3, 2, 3), stride=[2])
    b.out("max_pool1d.default", of="x", kernel_size=[2])
    b.out("avg_pool1d.default", of="x", kernel_size=[3], stride=[1], padding=[1])
    b.out("avg_pool2d.default", of="image", kernel_size=[2, 2])
    b.out("adaptive_avg_pool1d.default", of="x", output_size=[4])
    b.out("adaptive_avg_pool2d.default", of="image", output_size=[1, 2])
    b.out("elu.default", of="x", alpha=0.75, scale=1.5, input_scale=0.5)
    b.save(folder, "operators_single")


if __name__ == "__main__":
    families = pointwise, binary, products, reductions, moves, cells, forms, statistics, indices, more_products, single
    for family in families:
        if not sys.argv[2:] or family.__name__ in sys.argv[2:]: family(sys.argv[1])
