# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small TorchScript archives (.pt), traced and scripted, and what PyTorch computes with them.

    make_script.py FOLDER        needs torch

The archives are written again without what depends on the day and the machine (places in the source, dates).
NAME.npz has in_INPUT and out_OUTPUT; a first axis more than those of the input counts calls. refused/ has
archives that cannot be models, or that leave something open."""
import io, os, sys, zipfile
from typing import Dict, List, Optional, Tuple
import numpy as np
import torch
from torch import nn, Tensor

torch.manual_seed(1)


class LastStep(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(3, 5, 2, batch_first=True), nn.Linear(5, 2)

    def forward(self, x):
        y, _ = self.lstm(x)
        return self.fc(y[:, -1, :])


class EveryStep(nn.Module):
    """Steps first, both directions."""
    def __init__(self):
        super().__init__()
        self.gru, self.fc = nn.GRU(4, 3, bidirectional=True), nn.Linear(6, 2)

    def forward(self, x):
        y, _ = self.gru(x)
        return torch.sigmoid(self.fc(y))


class Filters(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(4, 6, 3, padding=1), nn.BatchNorm1d(6), nn.ReLU(inplace=True))
        self.gru, self.fc = nn.GRU(6, 5, batch_first=True), nn.Linear(5, 3)
        with torch.no_grad():
            self.conv[1].running_mean.uniform_(-1, 1)
            self.conv[1].running_var.uniform_(0.5, 2)

    def forward(self, x):
        y, h = self.gru(self.conv(x).transpose(1, 2))
        return torch.log_softmax(self.fc(h.squeeze(0)), -1)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.rnn, self.fc = nn.Embedding(11, 4), nn.RNN(4, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, ids):
        y, _ = self.rnn(self.table(ids))
        return self.fc(y.mean(1))


class Policy(nn.Module):
    """A policy of a robot: a step for each call, and the state of its memory in buffers."""
    def __init__(self):
        super().__init__()
        self.memory, self.actor = nn.LSTM(7, 4), nn.Sequential(nn.Linear(4, 8), nn.ELU(), nn.Linear(8, 3))
        self.register_buffer("hidden", torch.zeros(1, 1, 4))
        self.register_buffer("cell", torch.zeros(1, 1, 4))

    def forward(self, x):
        y, (h, c) = self.memory(x.unsqueeze(0), (self.hidden, self.cell))
        self.hidden[:] = h
        self.cell[:] = c
        return self.actor(y.squeeze(0))

    @torch.jit.export
    def reset_memory(self):
        self.hidden[:] = 0.
        self.cell[:] = 0.


class Encoder(nn.Module):
    """Parts of a vector, a norm, functions by name, and numbers of the module."""
    scale: float

    def __init__(self):
        super().__init__()
        self.estimator = nn.Sequential(nn.Linear(12, 8), nn.ELU(), nn.Linear(8, 7))
        self.actor, self.scale, self.act, self.n = nn.Linear(4 + 7, 2), 0.25, "tanh", 2
        self.register_buffer("mean", torch.randn(12))
        self.register_buffer("std", torch.rand(12) + 0.5)

    def activate(self, x):
        if self.act == "relu":
            return torch.relu(x)
        elif self.act == "tanh":
            return torch.tanh(x) * self.scale
        return x

    def forward(self, obs):
        obs = (obs - self.mean) / self.std
        parts = self.estimator(obs)
        z = nn.functional.normalize(parts[..., 3:], p=2.0, dim=-1)
        out = torch.cat([obs[:, :4], parts[:, :3], z], dim=1)
        for i in range(self.n):
            out = self.activate(out)
        return self.actor(out)


class Lazy(nn.Module):
    """A state that is empty before the first call."""
    h: Optional[Tensor]

    def __init__(self):
        super().__init__()
        self.cell, self.fc, self.h, self.calls = nn.GRUCell(3, 4), nn.Linear(4, 2), None, 0

    def forward(self, x):
        h = self.h
        if h is None:
            h = torch.zeros(x.size(0), 4)
        h = self.cell(x, h)
        self.h = h
        self.calls = 1
        return self.fc(h)


class Several(nn.Module):
    """A state as an argument, results in a tuple, and lists."""
    def __init__(self):
        super().__init__()
        self.lstm, self.heads = nn.LSTM(5, 4, batch_first=True), nn.ModuleList([nn.Linear(4, 2), nn.Linear(4, 3)])

    def forward(self, x, state: Tuple[Tensor, Tensor]):
        y, state = self.lstm(x, state)
        out: List[Tensor] = []
        for head in self.heads:
            out.append(head(y))
        both: Dict[str, Tensor] = {"first": torch.softmax(out[0], -1), "second": out[1]}
        return both, state


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.norm = nn.Linear(6, 6), nn.Linear(6, 6), nn.LayerNorm(6)

    def forward(self, x):
        y = self.a(x)
        y += x
        y = torch.nn.functional.gelu(self.norm(y)).clamp(-1.5, 2)
        left, right = y.chunk(2, -1)
        return self.b(torch.cat((left * 2 + 1, torch.max(left, right)), -1)) - y.pow(2).sum(-1, keepdim=True)


class Places(nn.Module):
    """Some joints of a robot, each at its place, and a dropout."""
    def __init__(self):
        super().__init__()
        self.fc, self.drop, self.joints = nn.Linear(10, 4), nn.Dropout(0.5), torch.tensor([0, 5, 2, -1])

    def forward(self, x):
        steps = x.view(2, 5)
        y = torch.zeros(1, 8)
        y[:, self.joints] = self.fc(self.drop(torch.tanh(steps).flatten()))
        left, right = torch.broadcast_tensors(y, x.sum())
        return left * right


class Strict(nn.Module):
    def forward(self, x):
        return x * 2 if x.sum() > 0 else x


class Loop(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(3, 4)

    def forward(self, x):
        h = torch.zeros(x.size(0), 4)
        for t in range(x.size(1)):
            h = self.cell(x[:, t], h)
        return h


class Rate(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x, rate: int):
        if rate != 16000:
            raise ValueError("only 16000")
        return self.fc(x)


class Spectrum(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(5, 2)

    def forward(self, x):
        return self.fc(torch.fft.rfft(x, 8).abs())


class Sorted(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, x):
        return torch.sort(self.fc(x))[0]


class Pixels(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(1, 2, 3), nn.Linear(8, 3)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))


class Either(nn.Module):
    """Two sizes fit."""
    def __init__(self):
        super().__init__()
        self.fc, self.other = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, x):
        if x.size(-1) == 4:
            x = self.fc(x)
        return self.other(x)


class Growing(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)
        self.register_buffer("past", torch.zeros(1, 3))

    def forward(self, x):
        self.past = torch.cat([self.past, x])
        return self.fc(self.past.mean(0, keepdim=True))


class Listed(nn.Module):
    """A state in a list."""
    past: List[Tensor]

    def __init__(self):
        super().__init__()
        self.fc, self.past = nn.Linear(3, 2), [torch.zeros(1, 3)]

    def forward(self, x):
        self.past.append(x)
        return self.fc(self.past[0] + self.past[-1])


class Warm(nn.Module):
    """The first call does not begin with zeros."""
    h: Optional[Tensor]

    def __init__(self):
        super().__init__()
        self.fc, self.h = nn.Linear(3, 3), None

    def forward(self, x):
        h = self.h
        if h is None:
            h = torch.ones(1, 3)
        h = torch.tanh(self.fc(x) + h)
        self.h = h
        return h


class Turns(nn.Module):
    """States that take their next value from each other, and one from the input."""
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)
        for name in ("first", "second", "last"): self.register_buffer(name, torch.zeros(1, 4))

    def forward(self, x):
        turn, change = self.first, x - self.last
        self.first = self.second
        self.second = turn * 0.5 + x
        self.last = x
        return self.fc(change + self.first * 2 - self.second)


class Texts(nn.Module):
    """Branches by texts that the program makes, and parts of one size and of several."""
    def __init__(self):
        super().__init__()
        self.fc, self.n = nn.Linear(6, 3), 3

    def forward(self, x):
        if "{}_{}".format("fc", self.n) == "fc_3" and str(self.n) != "4":
            x = x * 2
        left, right = x.split([2, 4], 1)
        third = x.split(4, dim=-1)[1]
        return self.fc(torch.cat([right, left + third], 1))


class Cells(nn.Module):
    """Cells as tracing without gradients writes them: activations in place on parts of the products."""
    def __init__(self):
        super().__init__()
        self.lstm, self.gru = nn.LSTMCell(3, 4), nn.GRUCell(4, 2)

    def forward(self, x, state: Tuple[Tensor, Tensor]):
        h, c = self.lstm(x, state)
        return self.gru(h), h, c


class Shared(nn.Module):
    """A state that is changed in place, and seen through another attribute."""
    def __init__(self):
        super().__init__()
        self.register_buffer("now", torch.zeros(1, 3))
        self.register_buffer("before", torch.zeros(1, 3))

    def forward(self, x):
        self.now.add_(x)
        change = self.now - self.before
        self.before = self.now
        return change


class Twice(nn.Module):
    """Two names of one state that is changed in place."""
    def __init__(self):
        super().__init__()
        self.register_buffer("one", torch.zeros(1, 3))
        self.register_buffer("two", self.one)

    def forward(self, x):
        self.one.add_(x)
        return self.two + x


class Typed(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.ones(3, dtype=torch.float64))

    def forward(self, x):
        return x - self.mean if self.mean.dtype == torch.float64 else x


class Rated(nn.Module):
    def forward(self, x):
        return x * 2 if "{}".format(0.5) == "0.5" else x


class Counted(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = 0

    def forward(self, x):
        self.n += 1
        return x * self.n


class Half(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.register_buffer("h", torch.zeros(1, 3))

    def forward(self, x):
        self.h = torch.tanh(self.fc(x) + self.h)
        return self.h


class Pair(nn.Module):
    """One module under two names has one state."""
    def __init__(self):
        super().__init__()
        self.one = self.two = torch.jit.script(Half())

    def forward(self, x):
        return self.two(self.one(x)) + 1


class Plain(nn.Module):
    def forward(self, x):
        return x


HEAD = "class Plain(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n" \
       "  def forward(self: __torch__.Plain,\n    x: Tensor) -> Tensor:\n"
# Text that nobody's compiler wrote.
BY_HAND = {"itself": "    l = [x]\n    a = torch.append(l, l)\n    b = [l]\n    c = torch.append(b, l)\n    if torch.eq(b, l):\n      return x\n    return l\n",
           "chain": "    return x" + ".a" * 3000 + "\n",
           "places": "    return x" + "[0]" * 3000 + "\n",
           "doubled": "    l = [1]\n    for i in range(100):\n      l = torch.add(l, l)\n    return x\n",
           "large": "    return torch.add(x, 99999999999999999999999999)\n",
           "dedent": "    if True:\n        return x\n      return x\n",
           "deep": "".join(" " * (4 + n) + "if True:\n" for n in range(101)) + " " * 105 + "return x\n",
           "printed": "    l = [x, x]\n    a = torch.append(l, l)\n    b = torch.append(l, l)\n    if torch.eq(str([l, [1]]), \"\"):\n      return x\n    return x\n",
           "views": "    y = torch.mul(x, 2)\n    v = y\n    for i in range(5000):\n      v = torch.t(v)\n    a = torch.add_(y, 1)\n    return torch.add(v, 1)\n",
           "parts": "    y = torch.mul(x, 2)\n    v = y\n    for i in range(5000):\n      v = torch.slice(v, 0, 0, 9)\n    a = torch.add_(v, 1)\n    return y\n",
           "again": "    return x\n" + HEAD + "    return torch.add(x, 1)\n"}


class Framed(nn.Module):
    """A detector of voices: each call takes a frame, puts the end of the last one before it, and mirrors its end."""
    def __init__(self):
        super().__init__()
        self.conv, self.memory, self.fc = nn.Conv1d(1, 3, 8, stride=4), nn.LSTMCell(9, 4), nn.Linear(4, 1)
        self.register_buffer("context", torch.zeros(1, 4))
        self.register_buffer("hidden", torch.zeros(2, 1, 4))

    def forward(self, x):
        if x.size(-1) != 8: raise ValueError("a frame has 8 samples")
        x = torch.cat([self.context, x], 1)
        self.context = x[:, -4:]
        frames = torch.relu(self.conv(torch.nn.functional.pad(x, [0, 4], "reflect").unsqueeze(1)))
        h, c = self.memory(frames.reshape(1, 9), (self.hidden[0], self.hidden[1]))
        self.hidden = torch.stack([h, c])
        return torch.sigmoid(self.fc(h))


class Turned(nn.Module):
    """A weight that is stored the other way round, and so many other sizes that copies of it in each attempt would be too many."""
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(5, 4).repeat(80, 50).t())
        for n in range(3, 15): self.register_buffer(f"n{n}", torch.zeros(n))

    def forward(self, x):
        return nn.functional.linear(x, self.weight)


class Patient(nn.Module):
    """A loop that never ends with other sizes."""
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        n = 0
        while x.dim() != 2:
            n += 1
        return self.fc(x)


class Restless(nn.Module):
    """Many states that are changed in place."""
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.held = nn.ModuleList([nn.Identity() for _ in range(64)])
        for m in self.held: m.register_buffer("h", torch.zeros(1, 3))

    def forward(self, x):
        for m in self.held: m.h[:] = x
        return self.fc(x)


class Rests(nn.Module):
    """The same with sequences of 13 and 17 steps, not with others."""
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(3, 4, batch_first=True)

    def forward(self, x):
        return self.gru(x * (1 + x.size(1) % 4))[0]


class Short(Rests):
    def forward(self, x):
        if x.size(1) < 10: x = x * 2
        return self.gru(x)[0]


class Long(Rests):
    def forward(self, x):
        if x.size(1) > 500: x = x * 2
        return self.gru(x)[0]


class Which(Rests):
    """What is computed is the same, but not what comes out."""
    def forward(self, x):
        y, h = self.gru(x)
        z = torch.tanh(y)
        return y if x.size(1) < 15 else z


class Lists(nn.Module):
    """Functions of lists and dictionaries."""
    def __init__(self):
        super().__init__()
        self.heads, self.fc = nn.ModuleDict({"a": nn.Linear(4, 2), "b": nn.Linear(4, 3)}), nn.Linear(6, 6)

    def forward(self, x):
        x = self.fc(x)
        assert x.size(1) == 6, f"6 numbers, not {x.size(1)} of {list(x.shape)}"
        parts: List[Tensor] = []
        for p in x.split(2, 1): parts += [p]
        parts.insert(1, parts.pop())
        parts.reverse()
        parts.extend([parts[0] * 2, x])
        parts[0] = parts[0] + parts[1]
        last = parts.pop(-1)
        sizes = [p.size(1) for p in parts]
        out: Dict[str, Tensor] = {}
        for k, head in self.heads.items(): out[k] = head(last[:, :sum(sizes[:2])])
        out["a"] = out["a"] + max(sizes) - min(sizes) * sizes.index(2)
        rest = out.pop("b")
        for k, v in out.items(): parts.append(v * len(k))
        if "b" not in out and any([n > 1 for n in sizes]) and all([n == 2 for n in sizes]): parts.append(rest)
        for k in out.keys(): parts.append(out[k])
        other: Dict[str, Tensor] = {"c": x}
        other.update(out)
        other["c"] = other["c"] * 3
        parts += list(other.values())
        del parts[0]
        again = parts.copy()
        parts.clear()
        return torch.cat(again + parts, 1)


class Benchmark(nn.Module):
    """Layers over steps as people write them for torch.jit, with weights of their own."""
    def __init__(self):
        super().__init__()
        self.w, self.u, self.b = (nn.Parameter(torch.rand(*n) - 0.5) for n in ((16, 3), (16, 4), (16,)))

    def cell(self, x, state: Tuple[Tensor, Tensor]) -> Tuple[Tensor, Tuple[Tensor, Tensor]]:
        h, c = state
        i, f, g, o = (torch.mm(x, self.w.t()) + torch.mm(h, self.u.t()) + self.b).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, (h, c)

    def forward(self, x):
        x = x.view(5, 1, 3)
        state = (torch.zeros(1, 4), torch.zeros(1, 4))
        out = torch.jit.annotate(List[Tensor], [])
        for step in x.unbind(0):
            y, state = self.cell(step, state)
            out += [y]
        return torch.stack(out), state[1]


class Held(nn.Module):
    """States in a list, of which one takes its next value from another; in a tuple, and in a dictionary."""
    past: List[Tensor]
    pair: Tuple[Tensor, Tensor]
    named: Dict[str, Tensor]

    def __init__(self):
        super().__init__()
        self.gru, self.lstm = nn.GRUCell(3, 4), nn.LSTMCell(4, 2)
        self.past = [torch.zeros(1, 3), torch.zeros(1, 3)]
        self.pair = (torch.zeros(1, 2), torch.zeros(1, 2))
        self.named = {"h": torch.zeros(1, 4), "n": torch.zeros(1, 4)}

    def forward(self, x):
        before = self.past[0] - self.past[1]
        self.past = self.past[1:] + [x]
        h = self.gru(x + before, self.named["h"])
        self.named["h"] = h
        self.named["n"] = self.named["n"] * 0.5 + h
        self.pair = self.lstm(self.named["n"], self.pair)
        self.past[0] = self.past[0] * 0.25
        return self.pair[0] + self.past[0][:, :2]


class Separate(nn.Module):
    """States as arguments of their own."""
    def __init__(self):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(5, 4, 2, batch_first=True), nn.Linear(4, 2)

    def forward(self, x, h, c):
        y, (h, c) = self.lstm(x, (h, c))
        return self.fc(y), h, c


class Positions(nn.Module):
    """A frame of its numbers would also fit."""
    def __init__(self):
        super().__init__()
        self.fc, self.gru = nn.Linear(3, 4), nn.GRU(4, 2, batch_first=True)
        self.register_buffer("pe", torch.rand(1, 50, 4))

    def forward(self, x):
        y = self.fc(x)
        return self.gru(y + self.pe[:, :y.size(1)])[0]


class Attend(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        assert x.dim() == 3
        return x + self.attention(x, x, x, need_weights=False)[0]


class Together(nn.Module):
    """Two attributes hold one list."""
    one: List[Tensor]
    two: List[Tensor]

    def __init__(self):
        super().__init__()
        self.one = [torch.zeros(1, 3)]
        self.two = self.one

    def forward(self, x):
        self.one[0] = self.one[0] + x
        return self.two[0] + x


class Handed(nn.Module):
    """An attribute is given the list of another."""
    one: List[Tensor]
    two: List[Tensor]

    def __init__(self):
        super().__init__()
        self.one, self.two = [torch.zeros(1, 3)], [torch.zeros(1, 3)]

    def forward(self, x):
        self.two = self.one
        self.one[0] = self.one[0] + x
        return self.two[0] + x


class Transformer(nn.Module):
    """Layers that tracing without gradients writes as one operator each."""
    def __init__(self):
        super().__init__()
        self.early, self.late = (nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, norm_first=first, activation=act)
                                 for first, act in ((True, "relu"), (False, "gelu")))
        self.attention = nn.MultiheadAttention(8, 4, batch_first=True)

    def forward(self, x):
        y = self.late(self.early(x.view(1, 3, 8)))
        return y + self.attention(y, y, y, need_weights=False)[0]


class Same(nn.Module):
    """Convolutions whose padding is a word."""
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv1d(3, 4, 4, padding="same", dilation=2), nn.Conv1d(4, 2, 3, padding="valid")
        self.third = nn.Conv2d(1, 2, (3, 2), padding="same")

    def forward(self, x):
        return self.third(self.second(self.first(x.view(1, 3, 7))).unsqueeze(1))


class Parts(nn.Module):
    """One part, parts of one, and a part that is larger than all."""
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 6)

    def forward(self, x):
        whole, = self.fc(x).chunk(1, -1)
        y = whole.new_zeros(1, 1)
        for p in x.split(1, 1): y = y * 2 + p
        for p in x.chunk(4, 1): y = y + p.sum(1, keepdim=True) * 2
        for p in x.split(7, 1): y = y + p.mean()
        return whole + y


class Views(nn.Module):
    """Changes in place of parts of tensors that others share, and of states."""
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 6)
        self.register_buffer("b", torch.zeros(3, 6))
        self.register_buffer("n", torch.zeros(2))

    def forward(self, x):
        z = self.fc(x)
        top, rest, col = z[:, :2], z[:, 2:], z[:, 1]
        top.mul_(2)
        rest += top.sum()
        z[:, 0] = col
        a, b, c = z.chunk(3, 1)
        a.tanh_()
        b[:, 1] = a[:, 0]
        c.add_(b)
        z.narrow(1, 3, 2).neg_()
        row = self.b[1]
        self.b[0] = x[0]
        self.b[1:] *= 0.5
        self.b[1] += self.b[0]
        self.b[2, 3:] = row[3:]
        t = self.b.t()
        self.b[2] -= 0.25
        self.n[0] += 1
        k = self.n[1]
        self.n[1] = self.n[0] * 2
        return torch.cat([z, top, rest], 1) + col.sum() + k, t * 2, self.n * 1


class Ring(nn.Module):
    """The last frames, in place, and a stack of states of which each is written."""
    def __init__(self):
        super().__init__()
        self.fc, self.one, self.two = nn.Linear(12, 3), nn.GRUCell(4, 3), nn.GRUCell(3, 3)
        self.register_buffer("past", torch.zeros(1, 3, 4))
        self.register_buffer("h", torch.zeros(2, 1, 3))

    def forward(self, x):
        self.past[:, :-1] = self.past[:, 1:].clone()
        self.past[:, -1] = x
        h = self.h.clone()
        h[0] = self.one(x, h[0])
        h[1] = self.two(h[0], h[1])
        self.h = h
        return self.fc(self.past.flatten(1)) + h[1]


class Copied(nn.Module):
    """Whether `v` is a view depends on the order of numbers in memory."""
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 6)

    def forward(self, x):
        y = self.fc(x)
        v = y.reshape(2, 3)
        y[0, 0] = 1.
        return v


class Written(nn.Module):
    """An input is changed."""
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(6, 6)

    def forward(self, x):
        y = self.fc(x)
        x[0, 0] = 1.
        return y + x


class Normed(nn.Module):
    """Steps first, and a view that fixes their number: one step of as many samples would also fit."""
    def __init__(self):
        super().__init__()
        self.lstm, self.norm = nn.LSTM(3, 4), nn.BatchNorm1d(4)

    def forward(self, x):
        y, _ = self.lstm(x)
        return self.norm(y.view(-1, 4)).view(y.size(0), y.size(1), 4)


class Unrolled(nn.Module):
    """a loop over the steps, which tracing writes out for those of the example"""
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(3, 4)

    def forward(self, x):
        h, out = torch.zeros(x.shape[0], 4), []
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
            out.append(h)
        return torch.stack(out, 1)


class Picture(nn.Module):
    """an image for each sample, whose sizes are in no weight"""
    def __init__(self):
        super().__init__()
        self.conv, self.gru, self.fc = nn.Conv2d(1, 3, 3, padding=1), nn.GRU(3 * 6, 4, batch_first=True), nn.Linear(4, 2)

    def forward(self, x):
        y = torch.relu(self.conv(x)).permute(0, 2, 1, 3).flatten(2)
        return self.fc(self.gru(y)[0][:, -1])


def clean(path, module, code=None, more=None, order=None):
    """The archive in an order and with dates of its own, without the places in the source."""
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    source = zipfile.ZipFile(buffer)
    with zipfile.ZipFile(path, "w") as z:
        for name in sorted(source.namelist()):
            if name.endswith(".debug_pkl") or "/.data" in name or name.endswith("serialization_id"): continue
            info = zipfile.ZipInfo("m/" + name.split("/", 1)[1], (1980, 1, 1, 0, 0, 0))
            data = code.encode() if code and name.endswith(".py") else source.read(name)
            if order and name.endswith("/byteorder"): data = order
            z.writestr(info, data, zipfile.ZIP_DEFLATED if len(data) > 200 else zipfile.ZIP_STORED)
        if more: z.writestr(zipfile.ZipInfo(more, (1980, 1, 1, 0, 0, 0)), b"a file of the user's own")


def flat(value):
    if isinstance(value, Tensor): return [value]
    return [x for v in (value.values() if isinstance(value, dict) else value) for x in flat(v)]


def main(folder):
    os.makedirs(folder + "/refused", exist_ok=True)
    uniform = lambda *shape: torch.rand(*shape) * 2 - 1

    def save(name, module, names, args, outs, calls=1, trace=False, apart=False):
        training = module.training and name == "places"
        module = module.train(training)
        nest = lambda all: tuple(all if len(all) < 3 or apart else [all[0], tuple(all[1:])])
        script = torch.jit.trace(module, nest(args)) if trace else torch.jit.script(module)
        clean(f"{folder}/{name}.pt", script, more="m/extra/data.pkl" if name == "pair" else None)
        script.eval()
        arrays = {f"in_{n}": [] for n in names} | {f"out_{n}": [] for n in outs}
        for _ in range(calls):
            fresh = [a if not a.is_floating_point() else uniform(*a.shape) for a in args]
            with torch.no_grad(): got = flat(script(*nest(fresh)))
            for n, a in zip(names, fresh): arrays[f"in_{n}"].append(a.numpy())
            for n, a in zip(outs, got, strict=True): arrays[f"out_{n}"].append(a.numpy())
        np.savez(f"{folder}/{name}.npz", **{k: np.stack(v) if calls > 1 else v[0] for k, v in arrays.items()})

    save("traced_lstm", LastStep(), ["x"], [uniform(1, 9, 3)], ["linear"], trace=True)
    save("scripted_lstm", LastStep(), ["x"], [uniform(1, 9, 3)], ["linear"])
    save("traced_gru", EveryStep(), ["x"], [uniform(8, 1, 4)], ["sigmoid"], trace=True)
    save("scripted_gru", EveryStep(), ["x"], [uniform(8, 1, 4)], ["sigmoid"])
    save("traced_filters", Filters(), ["x"], [uniform(1, 4, 10)], ["log_softmax"], trace=True)
    save("scripted_filters", Filters(), ["x"], [uniform(1, 4, 10)], ["log_softmax"])
    save("words", Words(), ["ids"], [torch.tensor([[3, 0, 10, 7, 7, 1]])], ["linear"])
    save("policy", Policy(), ["x"], [uniform(1, 7)], ["linear_1"], calls=6)
    save("encoder", Encoder(), ["obs"], [uniform(1, 12)], ["linear_2"])
    save("lazy", Lazy(), ["x"], [uniform(1, 3)], ["linear"], calls=5)
    save("several", Several(), ["x", "state_0", "state_1"], [uniform(1, 6, 5), uniform(1, 1, 4), uniform(1, 1, 4)],
         ["first", "second", "lstm_1", "lstm_2"])
    save("residual", Residual(), ["x"], [uniform(1, 6)], ["sub"])
    save("places", Places(), ["x"], [uniform(1, 10)], ["mul"])
    for name, module in {"branch": Strict(), "loop": Loop(), "rate": Rate(), "spectrum": Spectrum(), "sorted": Sorted(), "pixels": Pixels(),
                         "either": Either(), "growing": Growing(), "listed": Listed(), "warm": Warm()}.items():
        clean(f"{folder}/refused/{name}.pt", torch.jit.script(module.eval()))
    save("turns", Turns(), ["x"], [uniform(1, 4)], ["linear"], calls=6)
    save("texts", Texts(), ["x"], [uniform(1, 6)], ["linear"])
    with torch.no_grad():
        save("cells", Cells(), ["x", "state_0", "state_1"], [uniform(1, 3), uniform(1, 4), uniform(1, 4)], ["add_5", "mul_2", "add_1"], trace=True)
    for name, module in {"shared": Shared(), "twice": Twice(), "typed": Typed(), "rated": Rated(), "counted": Counted()}.items():
        clean(f"{folder}/refused/{name}.pt", torch.jit.script(module.eval()))
    save("pair", Pair(), ["x"], [uniform(1, 3)], ["add_2"], calls=6)
    for name, code in BY_HAND.items():
        clean(f"{folder}/refused/{name}.pt", torch.jit.script(Plain()), code=HEAD + code)
    clean(f"{folder}/refused/big.pt", torch.jit.script(Plain()), order=b"big")  # as a machine with the other order of bytes writes it
    save("framed", Framed(), ["x"], [uniform(1, 8)], ["sigmoid"], calls=6)
    save("turned", Turned(), ["x"], [uniform(1, 400)], ["linear"])
    save("patient", Patient(), ["x"], [uniform(1, 3)], ["linear"])
    save("restless", Restless(), ["x"], [uniform(1, 3)], ["linear"])
    for name, module in {"rests": Rests(), "short": Short(), "long": Long(), "which": Which()}.items():
        clean(f"{folder}/refused/{name}.pt", torch.jit.script(module.eval()))
    save("lists", Lists(), ["x"], [uniform(1, 6)], ["cat"])
    save("benchmark", Benchmark(), ["x"], [uniform(1, 15)], ["stack", "add_14"])
    save("held", Held(), ["x"], [uniform(1, 3)], ["add_2"], calls=6)
    save("separate", Separate(), ["x", "h", "c"], [uniform(1, 9, 5), uniform(2, 1, 4), uniform(2, 1, 4)], ["linear", "lstm_1", "lstm_2"], apart=True)
    save("traced_separate", Separate(), ["x", "h", "c"], [uniform(1, 9, 5), uniform(2, 1, 4), uniform(2, 1, 4)], ["linear", "lstm_1", "lstm_2"], trace=True, apart=True)
    for name, module in {"positions": Positions(), "attention": Attend(), "together": Together(), "handed": Handed()}.items():
        clean(f"{folder}/refused/{name}.pt", torch.jit.script(module.eval()))
    with torch.no_grad():
        save("traced_transformer", Transformer(), ["x"], [uniform(1, 24)], ["add_4"], trace=True)
    save("traced_same", Same(), ["x"], [uniform(1, 21)], ["_convolution_mode_2"], trace=True)
    save("parts", Parts(), ["x"], [uniform(1, 6)], ["add_10"])
    save("views", Views(), ["x"], [uniform(1, 6)], ["add_5", "mul_3", "mul_4"], calls=5)
    save("ring", Ring(), ["x"], [uniform(1, 4)], ["add"], calls=6)
    for name, module in {"copied": Copied(), "written": Written()}.items():
        clean(f"{folder}/refused/{name}.pt", torch.jit.script(module.eval()))
    clean(f"{folder}/refused/normed.pt", torch.jit.script(Normed().eval()))
    with zipfile.ZipFile(f"{folder}/refused/old.pt", "w") as z:  # as PyTorch before 1.4 wrote them
        for name in ("model.json", "code/m.py", "tensors/0"): z.writestr(zipfile.ZipInfo("m/" + name, (1980, 1, 1, 0, 0, 0)), b"{}")
    save("traced_loop", Unrolled(), ["x"], [uniform(1, 7, 3)], ["stack"], trace=True)
    save("traced_picture", Picture(), ["x"], [uniform(1, 1, 8, 6)], ["linear"], trace=True)


main(sys.argv[1])
