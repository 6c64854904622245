# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the fixtures beside it: state dicts of PyTorch as .safetensors or .npz, the layers that a person writes for
them in NAME.grus, and NAME.io.npz with inputs x0, x1 ... and outputs y0, y1 ... of PyTorch (three samples).

    python -m venv env && env/bin/pip install torch==2.13.0 safetensors numpy
    env/bin/python make_torch.py"""
import os

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
TIME, WIDTH, UNITS = 5, 3, 4
torch.manual_seed(20)


def randomise(module):
    with torch.no_grad():
        for name, p in list(module.named_parameters()) + list(module.named_buffers()):
            if p.dtype.is_floating_point:
                p.copy_(torch.rand(p.shape) + 0.3 if "running_var" in name else torch.randn(p.shape) * 0.5)
    module.eval()


def write(name, text, module, inputs, outputs, suffix, rename=lambda n: n):
    state = {rename(n): t.contiguous() for n, t in module.state_dict().items()}
    path = os.path.join(FOLDER, f"{name}.{suffix}")
    if suffix == "safetensors":
        save_file(state, path)
    else:
        np.savez(path, **{n: t.numpy() for n, t in state.items()})
    with open(os.path.join(FOLDER, f"{name}.grus"), "w") as file:
        file.write(text)
    arrays = {f"x{i}": x.numpy() for i, x in enumerate(inputs)}
    arrays.update({f"y{i}": y.detach().numpy() for i, y in enumerate(outputs)})
    np.savez(os.path.join(FOLDER, f"{name}.io.npz"), **arrays)


def model(name, suffix, about, ins, outs, allow=""):
    lines = [f"## {about}", f"model {name} {{", f'  weights torch "{name}.{suffix}"']
    lines += [f"  in  {n} : {t}" for n, t in ins] + [f"  out {n} : {t} = {e}" for n, t, e in outs]
    return "grus 1\n\n" + "\n".join(lines + ([f"  allow {allow}"] if allow else [])) + "\n}\n"


def stacks(name, make, stage, suffix):
    """1 to 3 layers, one direction and both, with biases and without: the sequence of each."""
    nets, outs, results = nn.ModuleDict(), [], []
    x = torch.randn(3, TIME, WIDTH)
    for layers in (1, 2, 3):
        for both in (False, True):
            for bias in (True, False):
                key = f"l{layers}{'_both' if both else ''}{'' if bias else '_free'}"
                net = make(WIDTH, UNITS, layers, bidirectional=both, bias=bias, batch_first=True)
                randomise(net)
                nets[key] = net
                options = f"{', direction=both' if both else ''}{'' if bias else ', bias=false'}"
                chain = " |> ".join(f'{stage}{options}, from="{key}{f"[{k}]" if k else ""}")' for k in range(layers))
                outs.append((key, f"f32[time {TIME}, {UNITS * (2 if both else 1)}]", f"x |> {chain}"))
                results.append(net(x)[0])
    text = model(name, suffix, f"{name}: stacks of PyTorch's layers.", [("x", f"f32[time {TIME}, {WIDTH}]")], outs,
                 "odd_weights")
    write(name, text, nets, [x], results, suffix)


def cells():
    """One step at a time, as a loop in Python runs them."""
    nets = nn.ModuleDict({"lstm": nn.LSTMCell(WIDTH, UNITS), "gru": nn.GRUCell(WIDTH, UNITS), "rnn": nn.RNNCell(WIDTH, UNITS),
                          "relu": nn.RNNCell(WIDTH, UNITS, nonlinearity="relu"), "free": nn.LSTMCell(WIDTH, UNITS, bias=False),
                          "free_gru": nn.GRUCell(WIDTH, UNITS, bias=False)})
    randomise(nets)
    x = torch.randn(3, TIME, WIDTH)
    stages = {"lstm": f"LSTM({UNITS}", "gru": f"GRU({UNITS}", "rnn": f"RNN({UNITS}", "relu": f"RNN({UNITS}, activation=relu", "free": f"LSTM({UNITS}, bias=false",
              "free_gru": f"GRU({UNITS}, bias=false"}
    outs, results = [], []
    for key, net in nets.items():
        state, steps = None, []
        for t in range(TIME):
            state = net(x[:, t], state)
            steps.append(state[0] if isinstance(state, tuple) else state)
        outs.append((f"{key}_all", f"f32[time {TIME}, {UNITS}]", f'x |> {stages[key]}, from="{key}")'))
        results.append(torch.stack(steps, 1))
    write("cells", model("cells", "safetensors", "Cells of PyTorch.", [("x", f"f32[time {TIME}, {WIDTH}]")], outs), nets, [x], results, "safetensors")


def layers():
    """Layers without a state, with and without what they may have."""
    nets = nn.ModuleDict({
        "linear": nn.Linear(WIDTH, 2), "linear_free": nn.Linear(WIDTH, 2, bias=False), "conv": nn.Conv1d(WIDTH, 4, 2, stride=2),
        "conv_free": nn.Conv1d(WIDTH, 4, 2, dilation=2, bias=False), "groups": nn.Conv1d(4, 6, 2, groups=2), "same": nn.Conv1d(WIDTH, 2, 3, padding="same"),
        "norm": nn.BatchNorm1d(WIDTH, eps=1e-3), "norm_plain": nn.BatchNorm1d(WIDTH, affine=False), "layer": nn.LayerNorm(WIDTH),
        "layer_plain": nn.LayerNorm(WIDTH, eps=1e-2, elementwise_affine=False), "layer_free": nn.LayerNorm(WIDTH, bias=False),
        "prelu": nn.PReLU(WIDTH), "prelu_one": nn.PReLU()})
    randomise(nets)
    x, wide = torch.randn(3, TIME, WIDTH), torch.randn(3, TIME, 4)

    def over(key, value):  # PyTorch has features before time
        return nets[key](value.transpose(1, 2)).transpose(1, 2)

    rows = [("linear", 2, "Dense(2, from=\"linear\")", nets["linear"](x)), ("linear_free", 2, "Dense(2, bias=false, from=\"linear_free\")", nets["linear_free"](x)),
            ("conv", 4, "Conv1D(4, 2, stride=2, from=\"conv\")", over("conv", x)),
            ("conv_free", 4, "Conv1D(4, 2, dilation=2, bias=false, from=\"conv_free\")", over("conv_free", x)),
            ("same", 2, "Conv1D(2, 3, padding=same, from=\"same\")", over("same", x)),
            ("norm", WIDTH, "BatchNorm(eps=0.001, from=\"norm\")", over("norm", x)),
            ("norm_plain", WIDTH, "BatchNorm(eps=0.00001, scale=false, center=false, from=\"norm_plain\")", over("norm_plain", x)),
            ("layer", WIDTH, "LayerNorm(eps=0.00001, from=\"layer\")", nets["layer"](x)),
            ("layer_plain", WIDTH, "LayerNorm(eps=0.01, scale=false, center=false)", nets["layer_plain"](x)),
            ("layer_free", WIDTH, "LayerNorm(eps=0.00001, center=false, from=\"layer_free\")", nets["layer_free"](x)),
            ("prelu_each", WIDTH, "prelu(from=\"prelu\")", over("prelu", x)), ("prelu_one", WIDTH, "prelu(from=\"prelu_one\")", nets["prelu_one"](x))]
    outs = [(f"{key}_out", f"f32[time {y.shape[1]}, {width}]", f"x |> {stage}") for key, width, stage, y in rows]
    outs.append(("groups_out", f"f32[time {TIME - 1}, 6]", "wide |> Conv1D(6, 2, groups=2, from=\"groups\")"))
    results = [y for *_, y in rows] + [over("groups", wide)]
    text = model("layers", "npz", "Layers of PyTorch without a state.", [("x", f"f32[time {TIME}, {WIDTH}]"), ("wide", f"f32[time {TIME}, 4]")], outs,
                 "unused_tensor, dropped_tail, dense_per_step")
    write("layers", text, nets, [x, wide], results, "npz")


def axes():
    """What goes along axes that are named: transposed convolutions, norms, pools, functions. PyTorch has channels first."""
    nets = nn.ModuleDict({
        "up": nn.ConvTranspose1d(8, 6, 3, stride=2, padding=1), "groups": nn.ConvTranspose1d(8, 4, 4, stride=3, groups=2, bias=False),
        "wide": nn.ConvTranspose1d(8, 4, 3, dilation=2), "plane": nn.ConvTranspose2d(4, 6, (3, 4), stride=(1, 2), padding=(1, 1), groups=2),
        "each": nn.ConvTranspose2d(4, 4, 3, stride=2, groups=4, dilation=(1, 2)), "depth": nn.Conv2d(4, 4, 3, padding=1, groups=4),
        "group": nn.GroupNorm(2, 8), "instance": nn.InstanceNorm1d(8, affine=True), "rms": nn.RMSNorm(8), "both": nn.LayerNorm([6, 8])})
    randomise(nets)
    x, image, other = torch.randn(3, 6, 8), torch.randn(3, 5, 6, 4), torch.randn(3, 6, 8)

    def over(f, value):
        last = value.dim() - 1
        return f(value.movedim(last, 1)).movedim(1, last)

    along = "along=freq"
    rows = [("up", f"Conv1DTranspose(6, 3, stride=2, padding=(1, 1), {along}, from=\"up\")", over(nets["up"], x)),
            ("groups", f"Conv1DTranspose(4, 4, stride=3, groups=2, bias=false, {along}, from=\"groups\")", over(nets["groups"], x)),
            ("wide", f"Conv1DTranspose(4, 3, dilation=2, {along}, from=\"wide\")", over(nets["wide"], x)),
            ("group", "GroupNorm(2, from=\"group\")", over(nets["group"], x)), ("instance", "InstanceNorm(from=\"instance\")", over(nets["instance"], x)),
            ("rms", "RMSNorm(from=\"rms\")", nets["rms"](x)), ("both", "LayerNorm(along=(freq, features), from=\"both\")", nets["both"](x)),
            ("unit", "l2_normalize", nn.functional.normalize(x, dim=-1)), ("soft", f"softmax({along})", x.softmax(1)),
            ("log_soft", f"log_softmax({along})", x.log_softmax(1)), ("gated", "glu", nn.functional.glu(x, -1)), ("summed", f"cumsum({along})", x.cumsum(1)),
            ("most", f"max_pool(3, stride=2, padding=(1, 1), {along})", over(nn.MaxPool1d(3, 2, 1), x)),
            ("mean", f"mean_pool(3, stride=1, padding=(1, 1), {along})", over(lambda v: nn.functional.avg_pool2d(v[:, :, None], (1, 3), 1, (0, 1), count_include_pad=False)[:, :, 0], x)),
            ("erf", "erf", x.erf()), ("floor", "floor", x.floor()), ("sine", "sin", x.sin()), ("cosine", "cos", x.cos()), ("cube", "pow(3)", x ** 3)]
    planes = [("plane", "Conv2DTranspose(6, kernel=(3, 4), stride=(1, 2), padding=((1, 1), (1, 1)), groups=2, from=\"plane\")", over(nets["plane"], image)),
              ("each", "Conv2DTranspose(4, kernel=3, stride=2, dilation=(1, 2), groups=4, from=\"each\")", over(nets["each"], image)),
              ("depth", "Conv2D(4, kernel=3, padding=((1, 1), (1, 1)), groups=4, from=\"depth\")", over(nets["depth"], image)),
              ("pooled", "max_pool((2, 3), stride=(2, 1))", over(nn.MaxPool2d((2, 3), (2, 1)), image))]
    pairs = [("greater", "maximum(x, other)", torch.maximum(x, other)), ("lesser", "minimum(x, other)", torch.minimum(x, other)),
             ("angle", "atan2(x, other)", torch.atan2(x, other)), ("chosen", "select(x, other, x, x * 2)", torch.where(x > other, x, x * 2))]
    calls = [(key, f"x |> {stage}", y) for key, stage, y in rows] + [(key, f"image |> {stage}", y) for key, stage, y in planes] + pairs
    outs = [(f"{key}_out", "f32[" + ", ".join(str(n) for n in y.shape[1:]) + "]", call) for key, call, y in calls]
    text = model("axes", "safetensors", "Layers of PyTorch along axes.", [("x", "f32[freq 6, 8]"), ("image", "f32[row 5, column 6, 4]"), ("other", "f32[freq 6, 8]")],
                 outs, "dropped_tail")
    write("axes", text, nets, [x, image, other], [y for *_, y in calls], "safetensors")


def attention():
    """A MultiheadAttention: of a sequence to itself, to what was before, and to another sequence."""
    net = nn.MultiheadAttention(8, 2, batch_first=True)
    randomise(net)
    x, z = torch.randn(3, TIME, 8), torch.randn(3, 4, 8)
    before = torch.triu(torch.ones(TIME, TIME, dtype=torch.bool), 1)
    ys = [net(x, x, x, need_weights=False)[0], net(x, x, x, need_weights=False, attn_mask=before)[0]]
    parts = [nn.Linear(8, 8) for _ in range(3)]
    nets = nn.ModuleDict({"mha": net, **{key: part for key, part in zip("qkv", parts)}})
    for part in parts:
        randomise(part)
    q, k, v = parts[0](x), parts[1](z), parts[2](z)
    ys.append(nn.functional.scaled_dot_product_attention(q, k, v))
    lines = [f"in  x : f32[time {TIME}, 8]", "in  z : f32[time 4, 8]", 'let p = x |> Dense(24, from="mha.in_proj_weight mha.in_proj_bias")']
    lines += ["let q = p |> slice(0, 8)", "let k = p |> slice(8, 16)", "let v = p |> slice(16, 24)", "let a = attention(q, k, v, heads=2)"]
    lines += ["let b = attention(q, k, v, heads=2, mask=causal)", f'let both = concat(a |> reshape([time {TIME}, row 1, 8]), b |> reshape([time {TIME}, row 1, 8]), along=row)']
    lines += ['let o = both |> Dense(8, from="mha.out_proj")', f"out y : f32[time {TIME}, 8] = o |> first(along=row)", f"out causal : f32[time {TIME}, 8] = o |> last(along=row)"]
    lines += [f'out other : f32[time {TIME}, 8] = attention(x |> Dense(8, from="q"), z |> Dense(8, from="k"), z |> Dense(8, from="v"))']
    text = 'grus 1\n\n## Attention of PyTorch.\nmodel attention {\n  weights torch "attention.safetensors"\n' + "".join(f"  {line}\n" for line in lines) + "}\n"
    write("attention", text, nets, [x, z], ys, "safetensors")


class MinimalGatedUnit(nn.Module):
    """Zhou et al. 2016."""
    def __init__(self):
        super().__init__()
        self.fx, self.fh, self.nx, self.nh = (nn.Linear(n, UNITS, bias=n == WIDTH) for n in (WIDTH, UNITS, WIDTH, UNITS))

    def forward(self, x):
        h, steps = torch.zeros(x.shape[0], UNITS), []
        for t in range(x.shape[1]):
            f = torch.sigmoid(self.fx(x[:, t]) + self.fh(h))
            h = (1 - f) * h + f * torch.tanh(self.nx(x[:, t]) + self.nh(f * h))
            steps.append(h)
        return torch.stack(steps, 1)


class MultiplicativeLSTM(nn.Module):
    """Krause et al. 2016."""
    def __init__(self):
        super().__init__()
        self.mx, self.mh = nn.Linear(WIDTH, UNITS, bias=False), nn.Linear(UNITS, UNITS, bias=False)
        self.x, self.m = nn.ModuleList(nn.Linear(WIDTH, UNITS) for _ in range(4)), nn.ModuleList(nn.Linear(UNITS, UNITS, bias=False) for _ in range(4))

    def forward(self, x):
        h, c, steps = torch.zeros(x.shape[0], UNITS), torch.zeros(x.shape[0], UNITS), []
        for t in range(x.shape[1]):
            m = self.mx(x[:, t]) * self.mh(h)
            i, f, o, g = (self.x[k](x[:, t]) + self.m[k](m) for k in range(4))
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            steps.append(h)
        return torch.stack(steps, 1)


def own_cells():
    """Cells that PyTorch does not have, as loops in Python, and as states in grus."""
    nets = nn.ModuleDict({"mgu": MinimalGatedUnit(), "mlstm": MultiplicativeLSTM()})
    randomise(nets)
    x = torch.randn(3, TIME, WIDTH)

    def dense(value, name, bias=True):
        return f"({value} |> Dense({UNITS}{'' if bias else ', bias=false'}, from=\"{name}\"))"

    def gate(k, function):
        return f"{dense('x', f'mlstm.x.{k}')} + {dense('m', f'mlstm.m.{k}', False)} |> {function}"

    lines = [f"let h = x |> state({UNITS})", f"let f = {dense('x', 'mgu.fx')} + {dense('h', 'mgu.fh', False)} |> sigmoid",
             f"let n = {dense('x', 'mgu.nx')} + {dense('f * h', 'mgu.nh', False)} |> tanh",
             f"out y : f32[time {TIME}, {UNITS}] = (1 - f) * h + f * n |> keep(as=h)",
             f"let p = x |> state({UNITS})", f"let c = x |> state({UNITS})", f"let m = {dense('x', 'mlstm.mx', False)} * {dense('p', 'mlstm.mh', False)}",
             f"let c1 = ({gate(1, 'sigmoid')}) * c + ({gate(0, 'sigmoid')}) * ({gate(3, 'tanh')}) |> keep(as=c)",
             f"out z : f32[time {TIME}, {UNITS}] = ({gate(2, 'sigmoid')}) * (c1 |> tanh) |> keep(as=p)"]
    text = "grus 1\n\n## Cells of their own.\nmodel own_cells {\n  weights torch \"own_cells.npz\"\n" + f"  in  x : f32[time {TIME}, {WIDTH}]\n"
    write("own_cells", text + "".join(f"  {line}\n" for line in lines) + "}\n", nets, [x], [nets["mgu"](x), nets["mlstm"](x)], "npz")


def prefixed():
    """A whole network behind DataParallel and torch.compile: names with prefixes."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.rnn, self.fc = nn.Embedding(7, WIDTH), nn.GRU(WIDTH, UNITS, 2, batch_first=True), nn.Linear(UNITS, 2)

        def forward(self, tokens):
            return self.fc(self.rnn(self.table(tokens))[0][:, -1])

    net = Net()
    randomise(net)
    tokens = torch.randint(0, 7, (3, TIME))
    for name, prefix, suffix in (("prefixed", "module.", "safetensors"), ("compiled", "_orig_mod.net.", "npz")):
        text = model(name, suffix, "Names with a prefix.", [("tokens", f"index(7)[time {TIME}]")],
                     [("y", "f32[2]", f'tokens |> Embedding({WIDTH}, from="{prefix}table") |> GRU({UNITS}, from="{prefix}rnn") '
                       f'|> GRU({UNITS}, from="{prefix}rnn[1]") |> last |> Dense(2, from="{prefix}fc")')])
        write(name, text, net, [tokens], [net(tokens)], suffix, lambda n, p=prefix: p + n)


def refused():
    """NAME_CODE.grus: what the layers say is not what the tensors are."""
    x = torch.randn(3, TIME, WIDTH)
    cases = {
        "projection_E603": (nn.LSTM(WIDTH, UNITS, proj_size=2), f'LSTM({UNITS}, from="rnn")', UNITS),
        "cell_kind_E603": (nn.LSTM(WIDTH, UNITS), f'GRU({UNITS}, from="rnn")', UNITS),
        "units_E603": (nn.GRU(WIDTH, UNITS), f'GRU({UNITS + 1}, from="rnn")', UNITS + 1),
        "no_bias_E602": (nn.GRU(WIDTH, UNITS, bias=False), f'GRU({UNITS}, from="rnn")', UNITS),
        "one_direction_E602": (nn.GRU(WIDTH, UNITS), f'GRU({UNITS}, direction=both, from="rnn")', 2 * UNITS),
        "one_layer_E602": (nn.GRU(WIDTH, UNITS), f'GRU({UNITS}, from="rnn[1]")', UNITS),
        "inputs_E601": (nn.GRU(WIDTH + 1, UNITS), f'GRU({UNITS}, from="rnn")', UNITS)}
    for name, (net, stage, width) in cases.items():
        text = model(name, "npz", "Refused.", [("x", f"f32[time {TIME}, {WIDTH}]")], [("y", f"f32[time {TIME}, {width}]", f"x |> {stage}")], "unused_tensor")
        write(f"refused/{name}", text, nn.ModuleDict({"rnn": net}), [x], [], "npz")
        os.remove(os.path.join(FOLDER, f"refused/{name}.io.npz"))


if __name__ == "__main__":
    print("PyTorch", torch.__version__)
    os.makedirs(os.path.join(FOLDER, "refused"), exist_ok=True)
    stacks("lstm", nn.LSTM, f"LSTM({UNITS}", "safetensors")
    stacks("gru", nn.GRU, f"GRU({UNITS}", "npz")
    stacks("rnn_tanh", nn.RNN, f"RNN({UNITS}", "safetensors")
    stacks("rnn_relu", lambda *a, **k: nn.RNN(*a, nonlinearity="relu", **k), f"RNN({UNITS}, activation=relu", "npz")
    cells()
    layers()
    axes()
    own_cells()
    attention()
    prefixed()
    refused()
