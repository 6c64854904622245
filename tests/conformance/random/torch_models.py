# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random modules of PyTorch by three exporters: `torch_script` and `torch_dynamo` write ONNX, `torch_export` .pt2.
Recurrent layers of one and two levels, both ways, batch first or second; cells in a loop; convolutions between
transposes; weight norms, norms, functions, joins, views; a batch that is open or fixed, a time that is open or fixed."""
import io, logging, os, warnings
warnings.filterwarnings("ignore")
import numpy as np
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from case import Case, Port

torch.set_num_threads(1)
for name in ("torch.onnx", "torch.export", "torch._export", "onnxscript"): logging.getLogger(name).setLevel(logging.ERROR)


class Unmade(Exception): pass


class Recurrent(nn.Module):
    """[N, T, d] -> [N, T, u], or the last state."""
    def __init__(self, kind, d, u, both, levels, first, how):
        super().__init__()
        self.rnn = kind(d, u, levels, batch_first=first, bidirectional=both)
        self.first, self.how = first, how

    def forward(self, x):
        y, state = self.rnn(x if self.first else x.transpose(0, 1))
        if self.how == "state":
            h = state[0] if isinstance(state, tuple) else state
            return h[-1] if not self.rnn.bidirectional else torch.cat([h[-2], h[-1]], -1)
        if not self.first: y = y.permute(1, 0, 2)
        return y[:, -1] if self.how == "last" else y


class Loop(nn.Module):
    def __init__(self, kind, d, u):
        super().__init__()
        self.cell, self.u = kind(d, u), u

    def forward(self, x):
        h, out = torch.zeros(x.shape[0], self.u), []
        c = torch.zeros(x.shape[0], self.u)
        for t in range(x.shape[1]):
            if isinstance(self.cell, nn.LSTMCell): h, c = self.cell(x[:, t], (h, c))
            else: h = self.cell(x[:, t], h)
            out.append(h)
        return torch.stack(out, 1)


class Conv(nn.Module):
    def __init__(self, d, m, k, dilation, groups, padding, norm, activation, two, weights):
        super().__init__()
        self.two, self.pad = two, (k - 1) * dilation if padding == "causal" else 0
        zeros = 0 if padding == "causal" else (k - 1) * dilation // 2
        self.conv = (nn.Conv2d(d, m, (k, 1), dilation=(dilation, 1), groups=groups, padding=(zeros, 0)) if two else
                     nn.Conv1d(d, m, k, dilation=dilation, groups=groups, padding=zeros))
        if weights: self.conv = weights(self.conv)
        self.norm = (nn.BatchNorm2d if two else nn.BatchNorm1d)(m) if norm else nn.Identity()
        if norm:
            nn.init.uniform_(self.norm.running_mean, -0.5, 0.5)
            nn.init.uniform_(self.norm.running_var, 0.5, 2)
            nn.init.uniform_(self.norm.bias, -0.5, 0.5)
        self.activation = activation

    def forward(self, x):
        x = x.transpose(1, 2)
        if self.pad: x = nn.functional.pad(x, (self.pad, 0))
        if self.two: x = x.unsqueeze(-1)
        x = self.activation(self.norm(self.conv(x)))
        if self.two: x = x.squeeze(-1)
        return x.transpose(1, 2)


class Residual(nn.Module):
    def __init__(self, inner, how):
        super().__init__()
        self.inner, self.how = inner, how

    def forward(self, x):
        y = self.inner(x)
        if self.how == "concat": return torch.cat([x, y], -1)
        if self.how == "mul": return x * torch.sigmoid(y)
        return x + y


class Cut(nn.Module):
    def __init__(self, how, k):
        super().__init__()
        self.how, self.k = how, k

    def forward(self, x):
        if self.how == "chunk":
            a, b = x.chunk(2, dim=-1)
            return a * torch.tanh(b)
        if self.how == "glu": return nn.functional.glu(x, dim=-1)
        if self.how == "front": return x[..., :self.k]
        return x[..., self.k:] if self.k < x.shape[-1] else x


class End(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.how = how

    def forward(self, x):
        if self.how == "mean": return x.mean(1)
        if self.how == "max": return x.max(dim=1)[0] if x.shape[1] > 0 else x
        if self.how == "last": return x[:, -1, :]
        if self.how == "flatten": return x.flatten(1)
        if self.how == "pool": return nn.functional.adaptive_avg_pool1d(x.transpose(1, 2), 1).squeeze(-1)
        return x


# Functions of [N, T, d] by name, and how many features the result has.
SAME = {
    "log1p": lambda x: torch.log1p(x.abs()), "expm1": torch.expm1, "log2": lambda x: torch.log2(x.abs() + 1),
    "logaddexp": lambda x: torch.logaddexp(x, -x), "hypot": lambda x: torch.hypot(x, x + 1), "sinh": torch.sinh, "cosh": torch.cosh,
    "addcmul": lambda x: torch.addcmul(x, x, x.tanh(), value=0.5), "addcdiv": lambda x: torch.addcdiv(x, x, x.abs() + 1),
    "lerp": lambda x: torch.lerp(x, x.sigmoid(), 0.25), "logit": lambda x: torch.logit(torch.sigmoid(x), 1e-3), "sinc": torch.sinc,
    "var": lambda x: x * x.var(-1, unbiased=False, keepdim=True), "norm": lambda x: nn.functional.normalize(x, dim=-1),
    "vector norm": lambda x: x / (1 + torch.linalg.vector_norm(x, 1, -1, keepdim=True)),
    "cosine": lambda x: x * nn.functional.cosine_similarity(x, x.tanh() + 0.5, -1).unsqueeze(-1), "roll": lambda x: torch.roll(x, 1, -1),
    "swapaxes": lambda x: x.swapaxes(1, 2).relu().swapaxes(1, 2), "movedim": lambda x: x.movedim(1, 2).tanh().movedim(1, 2),
    "amax": lambda x: x - x.amax(-1, keepdim=True), "expand": lambda x: x + x.mean(-1, keepdim=True).expand_as(x)}
TWICE = {"repeat": lambda x: x.repeat_interleave(2, -1), "tile": lambda x: x.tile(1, 1, 2)}
SEVERAL = {"std": lambda x: (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 0.1)}


class Function(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.how = how

    def forward(self, x): return {**SAME, **TWICE, **SEVERAL}[self.how](x)


class Einsum(nn.Module):
    def __init__(self, d, m):
        super().__init__()
        self.w = nn.Parameter(torch.randn(d, m) * 0.5)

    def forward(self, x): return torch.einsum("btf,fg->btg", x, self.w)


class Channels(nn.Module):
    """A norm of [N, d, T]."""
    def __init__(self, norm):
        super().__init__()
        self.norm = norm

    def forward(self, x): return self.norm(x.transpose(1, 2)).transpose(1, 2)


class Words(nn.Module):
    def __init__(self, inner, d):
        super().__init__()
        self.table, self.inner = nn.Embedding(11, d), inner

    def forward(self, x): return self.inner(self.table(x))


class Turned(nn.Module):
    """The input with axes in another order, or without its feature."""
    def __init__(self, inner, how):
        super().__init__()
        self.inner, self.how = inner, how

    def forward(self, x):
        if self.how == "time first": return self.inner(x.transpose(0, 1)).transpose(0, 1)
        if self.how == "channels first": return self.inner(x.permute(0, 2, 1))
        return self.inner(x.unsqueeze(-1))


class Build:
    def __init__(self, rng): self.rng, self.what = rng, []
    def chance(self, p): return self.rng.random() < p
    def pick(self, *these): return these[self.rng.integers(len(these))]

    def recurrent(self, d, how="all"):
        kind, u, both = self.pick(nn.GRU, nn.LSTM, nn.RNN), int(self.pick(1, 2, 3, 4, 6)), self.chance(0.25)
        levels = int(self.pick(1, 1, 1, 2))
        self.what.append(f"{kind.__name__}({u}{', both' * both}{f', {levels} levels' * (levels > 1)}, {how})")
        return Recurrent(kind, d, u, both, levels, self.chance(0.6), how), u * (1 + both)

    def layer(self, d):
        """(module, features of the result): [N, T, d] -> [N, T, ..]"""
        which = self.pick("recurrent", "recurrent", "dense", "conv", "norm", "activation", "residual", "cut", "loop", "function", "function", "einsum")
        if which == "loop" and self.open_time: which = "dense"
        if which == "recurrent": return self.recurrent(d)
        self.what.append(which)
        if which == "dense":
            m = int(self.pick(1, 2, 3, 5))
            return nn.Linear(d, m, bias=self.chance(0.8)), m
        if which == "loop":
            u = int(self.pick(2, 3, 4))
            return Loop(self.pick(nn.GRUCell, nn.LSTMCell, nn.RNNCell), d, u), u
        if which == "conv":
            m, k, dilation = int(self.pick(1, 2, 4)), int(self.pick(1, 3, 3, 5)), int(self.pick(1, 1, 2))
            groups = 2 if d % 2 == 0 and m % 2 == 0 and self.chance(0.3) else 1
            return Conv(d, m, k, dilation, groups, self.pick("causal", "same"), self.chance(0.4),
                        self.pick(nn.Identity(), nn.ReLU(), nn.Tanh(), nn.SiLU()), self.chance(0.2), self.pick(None, None, nn.utils.weight_norm, weight_norm)), m
        if which == "norm":
            over_time = not self.open_time and self.steps > 1
            how = self.pick("layer", "layer", "rms", "group" if over_time else "layer", "instance" if over_time else "layer")
            self.what.append(how)
            if how == "rms": return nn.RMSNorm(d, eps=1e-3), d
            if how == "group": return Channels(nn.GroupNorm(d, d)), d
            if how == "instance": return Channels(nn.InstanceNorm1d(d, affine=self.chance(0.5))), d
            return nn.LayerNorm(d, eps=self.pick(1e-5, 1e-3)), d
        if which == "einsum":
            m = int(self.pick(1, 2, 3, 5))
            return Einsum(d, m), m
        if which == "function":
            how = self.pick(*SAME, *TWICE, *(SEVERAL if d > 1 else ()))
            self.what.append(how)
            return Function(how), 2 * d if how in TWICE else d
        if which == "activation":
            return self.pick(nn.ReLU(), nn.Tanh(), nn.GELU(), nn.LeakyReLU(0.1), nn.ELU(), nn.Softmax(-1), nn.Hardtanh(-0.5, 0.5), nn.Dropout(0.2), nn.PReLU(),
                             nn.Sigmoid(), nn.SiLU(), nn.Softplus(), nn.LogSigmoid(), nn.Softsign(), nn.Softshrink(0.1), nn.Tanhshrink(), nn.CELU(0.5),
                             nn.SELU(), nn.Hardswish(), nn.Mish(), nn.RReLU(), nn.Threshold(0.1, 0.1)), d
        if which == "cut":
            if d % 2 == 0 and self.chance(0.5): return Cut(self.pick("chunk", "glu"), 0), d // 2
            k = int(self.rng.integers(1, d + 1))
            how = self.pick("front", "back")
            return Cut(how, k), (k if how == "front" else d - k if k < d else d)
        inner, m = self.layer(d)
        if self.chance(0.4): return Residual(inner, "concat"), d + m
        if m != d: inner = nn.Sequential(inner, nn.Linear(m, d))
        return Residual(inner, self.pick("add", "add", "mul")), d

    def stack(self, d, open_time, steps):
        self.open_time, self.steps, parts = open_time, steps, []
        for _ in range(int(self.rng.integers(0, 3))):
            part, d = self.layer(d)
            parts.append(part)
        how = self.pick("all", "all", "last", "state", "mean", "max", "flatten", "pool")
        if how == "flatten" and open_time: how = "mean"
        part, d = self.recurrent(d, how if how in ("last", "state", "all") else "all")
        parts.append(part)
        if how in ("mean", "max", "flatten", "pool"):
            parts.append(End(how))
            self.what.append(how)
        elif how == "all" and self.chance(0.6):
            part, d = self.layer(d)
            parts.append(part)
        return parts, d, how


def options_of_dynamo(path, axis, steps):
    """--time where the exporter kept time open. It may have fixed it; or written an RNN out for these steps, whose
    length is then open in name alone: a size to be given, as grus asks."""
    import onnx
    graph = onnx.load(path, load_external_data=False).graph
    name = graph.input[0].type.tensor_type.shape.dim[axis].dim_param
    if not name: return []
    written_out = any(node.op_type == "SplitToSequence" for node in graph.node)
    return ["--set", f"{name}={steps}"] if written_out else ["--time", str(steps)]


def make(rng, folder, kind):
    b = Build(rng)
    torch.manual_seed(int(rng.integers(1 << 30)))
    batch, open_time = b.pick("open", "open", "one", "fixed"), b.chance(0.3)
    steps, d, samples = int(b.pick(2, 3, 5, 6, 8)), int(b.pick(1, 1, 2, 3, 4)), {"open": 2, "one": 1, "fixed": 3}[batch]
    if not open_time and b.chance(0.1): steps = 1
    parts, m, how = b.stack(d, open_time, steps)
    if b.chance(0.7):
        if how == "flatten": m *= steps
        k = int(b.pick(1, 2, 4))
        parts += [nn.Linear(m, k)] + ([b.pick(nn.Sigmoid(), nn.Softmax(-1))] if b.chance(0.5) else [])
        b.what.append(f"dense({k})")
    model, shape, at = nn.Sequential(*parts), [samples, steps, d], 0
    out_at = 0
    turned = b.pick(None, None, None, "time first", "channels first", "series", "words")
    if turned == "words": model, shape = Words(model, d), [samples, steps]
    elif turned == "time first" and how == "all": model, shape, at, out_at = Turned(model, turned), [steps, samples, d], 1, 1
    elif turned == "channels first": model, shape = Turned(model, turned), [samples, d, steps]
    elif turned == "series" and d == 1: model, shape = Turned(model, turned), [samples, steps]
    model = model.eval()
    words = isinstance(model, Words)
    x = torch.from_numpy(rng.integers(0, 11, shape)) if words else torch.from_numpy(rng.uniform(-1.5, 1.5, shape).astype("f4"))
    with torch.no_grad(): y = model(x)
    time_at = shape.index(steps, 0) if not isinstance(model, Turned) else {"time first": 0, "channels first": 2}.get(turned, 1)
    if not isinstance(model, Turned): time_at = 1
    dims = {}
    if batch == "open": dims[at] = "batch"
    if open_time: dims[time_at] = "time"
    options = ["--time", str(steps)] if open_time else []
    path = os.path.join(folder, "model.pt2" if kind == "torch_export" else "model.onnx")
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind == "torch_script":
                torch.onnx.export(model, (x,), path, dynamo=False, input_names=["x"], output_names=["y"], dynamic_axes={"x": dims} if dims else None)
            else:
                shapes = ({k: torch.export.Dim.AUTO for k in dims},) if dims else None
                if kind == "torch_dynamo":
                    torch.onnx.export(model, (x,), path, dynamo=True, input_names=["x"], output_names=["y"], dynamic_shapes=shapes, verbose=False)
                else:
                    torch.export.save(torch.export.export(model, (x,), dynamic_shapes=shapes), path)
    except Exception as problem: raise Unmade(f"{type(problem).__name__}: {problem}".split("\n")[0][:120])
    if kind == "torch_dynamo" and open_time: options = options_of_dynamo(path, time_at, steps)
    return Case(path, [Port("x", x.numpy(), at)], [Port("y", y.numpy(), out_at)], options, f"{batch} batch, {shape}, {turned}: " + " ".join(b.what))
