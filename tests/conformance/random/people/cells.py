# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Recurrent cells that people write by hand, in a loop over the steps or one step with its state."""
import math
import torch
import torch.nn.functional as F
from torch import nn
from nets import net


class Over(nn.Module):
    """A cell over 12 steps: x [N, T, d], states of the sizes that the cell gives."""
    def __init__(self, cell, sizes, out=None):
        super().__init__()
        self.cell, self.sizes = cell, sizes
        self.out = out if out is not None else nn.Identity()

    def forward(self, x):
        states = [x.new_zeros(x.size(0), n) for n in self.sizes]
        ys = []
        for t in range(x.size(1)):
            y, *states = self.cell(x[:, t], *states)
            ys.append(y)
        return self.out(torch.stack(ys, dim=1))


@net("b 12 6")
def sru():
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.w, self.vf, self.vr = nn.Linear(6, 24), nn.Parameter(torch.randn(6)), nn.Parameter(torch.randn(6))

        def forward(self, x, c):
            z, f, r, _ = self.w(x).chunk(4, -1)
            f, r = torch.sigmoid(f + self.vf * c), torch.sigmoid(r + self.vr * c)
            c = f * c + (1 - f) * z
            return r * torch.tanh(c) + (1 - r) * x, c
    return Over(Cell(), [6], nn.Linear(6, 3))


@net("b 12 6")
def qrnn():
    """Convolutions over two steps, then pooling with forget and output gates."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv1d(6, 24, 2), nn.Linear(8, 2)

        def forward(self, x):
            z, f, o = self.conv(F.pad(x.transpose(1, 2), (1, 0))).transpose(1, 2).chunk(3, dim=2)
            z, f, o = torch.tanh(z), torch.sigmoid(f), torch.sigmoid(o)
            c, cs = torch.zeros_like(z[:, 0]), []
            for t in range(x.shape[1]):
                c = f[:, t] * c + (1 - f[:, t]) * z[:, t]
                cs.append(c)
            return self.fc(o * torch.stack(cs, 1))
    return Net()


@net("b 12 6")
def min_gru():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.z, self.h, self.out = nn.Linear(6, 8), nn.Linear(6, 8), nn.Linear(8, 3)

        def forward(self, x):
            z, n = torch.sigmoid(self.z(x)), self.h(x)
            n = torch.where(n >= 0, n + 0.5, torch.sigmoid(n))
            h, ys = torch.full_like(n[:, 0], 0.5), []
            for t in range(x.shape[1]):
                h = (1 - z[:, t]) * h + z[:, t] * n[:, t]
                ys.append(h)
            return self.out(torch.stack(ys, 1))
    return Net()


@net("b 12 6")
def li_gru():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.w, self.u, self.bn = nn.Linear(6, 16, bias=False), nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16)

        def forward(self, x):
            w = self.bn(self.w(x).reshape(-1, 16)).reshape(x.shape[0], x.shape[1], 16)
            h, ys = torch.zeros(x.shape[0], 8), []
            for k in range(x.shape[1]):
                at, zt = (w[:, k] + self.u(h)).chunk(2, 1)
                z = torch.sigmoid(zt)
                h = z * h + (1 - z) * torch.relu(at)
                ys.append(h)
            return torch.stack(ys, dim=1)
    return Net()


@net("b 12 6")
def ind_rnn():
    class Cell(nn.Module):
        def __init__(self, d):
            super().__init__()
            self.w, self.u = nn.Linear(d, 8), nn.Parameter(torch.rand(8))

        def forward(self, x, h):
            h = torch.relu(self.w(x) + self.u * h)
            return h, h
    return nn.Sequential(Over(Cell(6), [8]), nn.LayerNorm(8), Over(Cell(8), [8]))


@net("b 12 6")
def m_lstm():
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.mx, self.mh, self.gx, self.gm = nn.Linear(6, 8, bias=False), nn.Linear(8, 8, bias=False), nn.Linear(6, 32), nn.Linear(8, 32)

        def forward(self, x, h, c):
            m = self.mx(x) * self.mh(h)
            i, f, o, g = (self.gx(x) + self.gm(m)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            return h, h, c
    return Over(Cell(), [8, 8])


@net("b 12 6")
def layer_norm_lstm():
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.wx, self.wh = nn.Linear(6, 32), nn.Linear(8, 32, bias=False)
            self.nx, self.nh, self.nc = nn.LayerNorm(32), nn.LayerNorm(32), nn.LayerNorm(8)

        def forward(self, x, h, c):
            i, f, g, o = (self.nx(self.wx(x)) + self.nh(self.wh(h))).chunk(4, 1)
            c = torch.sigmoid(f + 1) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(self.nc(c))
            return h, h, c
    return Over(Cell(), [8, 8])


@net("b 12 6")
def zoneout_lstm():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.p = nn.LSTMCell(6, 8), 0.1

        def forward(self, x):
            h = c = torch.zeros(x.shape[0], 8)
            ys = []
            for t in range(x.shape[1]):
                h2, c2 = self.cell(x[:, t], (h, c))
                h, c = self.p * h + (1 - self.p) * h2, self.p * c + (1 - self.p) * c2
                ys.append(h)
            return torch.stack(ys, 1)
    return Net()


@net("b 12 6")
def rhn_highway():
    """A recurrent highway network of depth two."""
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.hx, self.tx = nn.Linear(6, 8), nn.Linear(6, 8)
            self.h, self.t = nn.ModuleList([nn.Linear(8, 8) for _ in range(2)]), nn.ModuleList([nn.Linear(8, 8) for _ in range(2)])

        def forward(self, x, s):
            for k in range(2):
                h, t = self.h[k](s), self.t[k](s)
                if k == 0: h, t = h + self.hx(x), t + self.tx(x)
                h, t = torch.tanh(h), torch.sigmoid(t)
                s = h * t + s * (1 - t)
            return s, s
    return Over(Cell(), [8])


@net("b 12 6")
def hyper_lstm():
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.hyper = nn.LSTMCell(14, 6)
            self.zh, self.zx, self.zb = nn.Linear(6, 16), nn.Linear(6, 16), nn.Linear(6, 16, bias=False)
            self.dh, self.dx = nn.ModuleList([nn.Linear(4, 8, bias=False) for _ in range(4)]), nn.ModuleList([nn.Linear(4, 8, bias=False) for _ in range(4)])
            self.db = nn.ModuleList([nn.Linear(4, 8) for _ in range(4)])
            self.wh, self.wx = nn.ParameterList([nn.Parameter(torch.randn(8, 8) * 0.3) for _ in range(4)]), nn.ParameterList([nn.Parameter(torch.randn(8, 6) * 0.3) for _ in range(4)])
            self.norm, self.normc = nn.ModuleList([nn.LayerNorm(8) for _ in range(4)]), nn.LayerNorm(8)

        def forward(self, x, h, c, hh, hc):
            hh, hc = self.hyper(torch.cat((h, x), -1), (hh, hc))
            zh, zx, zb = self.zh(hh).chunk(4, -1), self.zx(hh).chunk(4, -1), self.zb(hh).chunk(4, -1)
            gates = []
            for i in range(4):
                dh, dx = self.dh[i](zh[i]), self.dx[i](zx[i])
                y = dh * torch.einsum("ij,bj->bi", self.wh[i], h) + dx * torch.einsum("ij,bj->bi", self.wx[i], x) + self.db[i](zb[i])
                gates.append(self.norm[i](y))
            i, f, g, o = gates
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(self.normc(c))
            return h, h, c, hh, hc
    return Over(Cell(), [8, 8, 6, 6])


@net("b 12 6")
def cfc():
    """Closed-form continuous-time cell with a backbone."""
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.back = nn.Sequential(nn.Linear(14, 16), nn.SiLU(), nn.Linear(16, 16), nn.SiLU())
            self.a, self.b, self.ta, self.tb = nn.Linear(16, 8), nn.Linear(16, 8), nn.Linear(16, 8), nn.Linear(16, 8)

        def forward(self, x, h):
            y = self.back(torch.cat([x, h], 1))
            f, g = torch.tanh(self.a(y)), torch.tanh(self.b(y))
            t = torch.sigmoid(self.ta(y) * 1.0 + self.tb(y))
            h = f * (1.0 - t) + t * g
            return h, h
    return Over(Cell(), [8], nn.Linear(8, 2))


@net("b 12 6")
def ltc_ode():
    """Liquid time constants: six steps of a solver in each step."""
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.w, self.u, self.tau, self.a = nn.Linear(6, 8), nn.Linear(8, 8, bias=False), nn.Parameter(torch.rand(8) + 0.5), nn.Parameter(torch.randn(8))

        def forward(self, x, h):
            for _ in range(3):
                f = torch.sigmoid(self.w(x) + self.u(h))
                h = (h + 0.3 * f * self.a) / (1 + 0.3 * (1 / self.tau + f))
            return h, h
    return Over(Cell(), [8])


@net("b 12 5")
def ltc_synapses():
    """The cell of ncps: conductances [in, units] and [units, units], summed over the senders."""
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            p = lambda *s: nn.Parameter(torch.rand(*s) + 0.3)
            self.smu, self.ssigma, self.sw, self.serev = p(5, 6), p(5, 6), p(5, 6), nn.Parameter(torch.sign(torch.randn(5, 6)))
            self.mu, self.sigma, self.w, self.erev = p(6, 6), p(6, 6), p(6, 6), nn.Parameter(torch.sign(torch.randn(6, 6)))
            self.gleak, self.vleak, self.cm = p(6), p(6), p(6)

        def forward(self, x, v):
            s = F.softplus(self.sw) * torch.sigmoid(self.ssigma * (torch.unsqueeze(x, -1) - self.smu))
            ns, ds = torch.sum(s * self.serev, dim=1), torch.sum(s, dim=1)
            cm = F.softplus(self.cm) / (1.0 / 2)
            for _ in range(2):
                a = F.softplus(self.w) * torch.sigmoid(self.sigma * (torch.unsqueeze(v, -1) - self.mu))
                num = cm * v + F.softplus(self.gleak) * self.vleak + torch.sum(a * self.erev, dim=1) + ns
                den = cm + F.softplus(self.gleak) + torch.sum(a, dim=1) + ds
                v = num / (den + 1e-8)
            return v, v
    return Over(Cell(), [6])


@net("b 12 6", "b 12 1")
def phased_lstm():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.tau, self.shift = nn.LSTMCell(6, 8), nn.Parameter(torch.rand(8) + 1), nn.Parameter(torch.rand(8))

        def forward(self, x, times):
            h, c, ys = torch.zeros(x.shape[0], 8), torch.zeros(x.shape[0], 8), []
            for t in range(x.shape[1]):
                phi = torch.remainder(times[:, t] - self.shift, self.tau) / self.tau
                k = torch.where(phi < 0.1, 2 * phi / 0.2, torch.where(phi < 0.2, 2 - 2 * phi / 0.2, 0.001 * phi))
                h2, c2 = self.cell(x[:, t], (h, c))
                h, c = k * h2 + (1 - k) * h, k * c2 + (1 - k) * c
                ys.append(h)
            return torch.stack(ys, 1)
    return Net()


@net("b 12 4", "b 6 4")
def echo_state():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("w_in", torch.randn(16, 5) * 0.5)
            self.register_buffer("w", torch.randn(16, 16) * 0.2)
            self.out, self.leak = nn.Linear(21, 2), 0.3

        def states(self, x):
            h, ys = torch.zeros(x.shape[0], 16), []
            for t in range(x.shape[1]):
                u = torch.cat([torch.ones(x.shape[0], 1), x[:, t]], 1)
                h = (1 - self.leak) * h + self.leak * torch.tanh(u @ self.w_in.T + h @ self.w.T)
                ys.append(self.out(torch.cat([u, h], 1)))
            return torch.stack(ys, 1)

        def forward(self, x, other): return self.states(x) + self.states(other).mean(1, keepdim=True)
    return Net()


@net("b 8 3 6 6")
def conv_gru():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.gates, self.cand = nn.Conv2d(7, 8, 3, padding=1), nn.Conv2d(7, 4, 3, padding=1)

        def forward(self, x):
            h = torch.zeros(x.shape[0], 4, 6, 6)
            for t in range(x.shape[1]):
                r, u = torch.sigmoid(self.gates(torch.cat([x[:, t], h], 1))).chunk(2, 1)
                n = torch.tanh(self.cand(torch.cat([x[:, t], r * h], 1)))
                h = (1 - u) * h + u * n
            return h
    return Net()


@net("b 8", "b 16 4 ~", "b 16 3 ~")
def mamba_step():
    """One token: state of the selective scan, state of the convolution."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.inp = nn.LayerNorm(8), nn.Linear(8, 32, bias=False)
            self.conv_w, self.conv_b = nn.Parameter(torch.randn(16, 4) * 0.3), nn.Parameter(torch.randn(16) * 0.1)
            self.x, self.dt = nn.Linear(16, 2 + 8, bias=False), nn.Linear(2, 16)
            self.A_log, self.D, self.out = nn.Parameter(torch.log(torch.arange(1, 5).float()).repeat(16, 1)), nn.Parameter(torch.ones(16)), nn.Linear(16, 8, bias=False)

        def forward(self, u, ssm, conv):
            x, z = self.inp(self.norm(u)).chunk(2, dim=-1)
            window = torch.cat([conv, x.unsqueeze(-1)], -1)
            x = F.silu(torch.sum(window * self.conv_w, dim=-1) + self.conv_b)
            dt, B, C = torch.split(self.x(x), [2, 4, 4], dim=-1)
            dt = F.softplus(self.dt(dt))
            dA = torch.exp(torch.einsum("bd,dn->bdn", dt, -torch.exp(self.A_log)))
            dB = torch.einsum("bd,bn->bdn", dt, B)
            ssm = ssm * dA + x.unsqueeze(-1) * dB
            y = torch.einsum("bdn,bn->bd", ssm, C) + self.D * x
            return u + self.out(y * F.silu(z)), ssm, window[:, :, 1:]
    return Net()


@net("b 10 8")
def mamba_scan():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.inp, self.conv = nn.Linear(8, 32, bias=False), nn.Conv1d(16, 16, 4, groups=16, padding=3)
            self.x, self.dt = nn.Linear(16, 10, bias=False), nn.Linear(2, 16)
            self.A_log, self.D, self.out = nn.Parameter(torch.log(torch.arange(1, 5).float()).repeat(16, 1)), nn.Parameter(torch.ones(16)), nn.Linear(16, 8, bias=False)

        def forward(self, u):
            b, l, _ = u.shape
            x, z = self.inp(u).split([16, 16], dim=-1)
            x = F.silu(self.conv(x.transpose(1, 2))[:, :, :l].transpose(1, 2))
            dt, B, C = self.x(x).split([2, 4, 4], dim=-1)
            dt = F.softplus(self.dt(dt))
            A = -torch.exp(self.A_log.float())
            dA = torch.exp(torch.einsum("bld,dn->bldn", dt, A))
            dB = torch.einsum("bld,bln,bld->bldn", dt, B, x)
            h, ys = torch.zeros(b, 16, 4), []
            for i in range(l):
                h = dA[:, i] * h + dB[:, i]
                ys.append(torch.einsum("bdn,bn->bd", h, C[:, i, :]))
            y = torch.stack(ys, 1) + x * self.D
            return self.out(y * F.silu(z))
    return Net()


@net("b 10 8")
def s4d_scan():
    """A diagonal real state space, discretised, in a loop."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.log_dt, self.log_a = nn.Parameter(torch.rand(8) - 3), nn.Parameter(torch.log(torch.arange(1, 5).float()).repeat(8, 1))
            self.b, self.c, self.d, self.mix = nn.Parameter(torch.randn(8, 4)), nn.Parameter(torch.randn(8, 4)), nn.Parameter(torch.randn(8)), nn.Linear(8, 16)

        def forward(self, u):
            dt, a = torch.exp(self.log_dt).unsqueeze(-1), -torch.exp(self.log_a)
            da, db = torch.exp(dt * a), self.b * dt
            h, ys = torch.zeros(u.shape[0], 8, 4), []
            for t in range(u.shape[1]):
                h = da * h + db * u[:, t].unsqueeze(-1)
                ys.append((h * self.c).sum(-1) + self.d * u[:, t])
            return F.glu(self.mix(F.gelu(torch.stack(ys, 1))), -1)
    return Net()


@net("b 8", "b 8 ~", "b 8 ~", "b 8 ~", "b 8 ~")
def rwkv_step():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(8)
            self.mk, self.mv, self.mr = nn.Parameter(torch.rand(8)), nn.Parameter(torch.rand(8)), nn.Parameter(torch.rand(8))
            self.k, self.v, self.r, self.o = (nn.Linear(8, 8, bias=False) for _ in range(4))
            self.u, self.w = nn.Parameter(torch.rand(8)), nn.Parameter(-torch.rand(8))

        def forward(self, x, last, aa, bb, pp):
            y = self.norm(x)
            k, v, r = self.k(y * self.mk + last * (1 - self.mk)), self.v(y * self.mv + last * (1 - self.mv)), torch.sigmoid(self.r(y * self.mr + last * (1 - self.mr)))
            ww = self.u + k
            p = torch.maximum(pp, ww)
            e1, e2 = torch.exp(pp - p), torch.exp(ww - p)
            out = self.o(r * (e1 * aa + e2 * v) / (e1 * bb + e2 + 1e-6))
            ww = pp + self.w
            p = torch.maximum(ww, k)
            e1, e2 = torch.exp(ww - p), torch.exp(k - p)
            return x + out, y, e1 * aa + e2 * v, e1 * bb + e2, p
    return Net()


@net("b 12 6")
def gru_ode_euler():
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.z, self.n = nn.GRUCell(6, 8), nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x, h):
            z, n = torch.sigmoid(self.z(h)), torch.tanh(self.n(h))
            h = h + 0.1 * (1 - z) * (n - h)
            h = self.cell(x, h)
            return h, h
    return Over(Cell(), [8])


@net("b 12 6")
def clockwork_rnn():
    """Half of the units change at every second step."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.x, self.h = nn.Linear(6, 8), nn.Linear(8, 8, bias=False)

        def forward(self, x):
            h, ys = torch.zeros(x.shape[0], 8), []
            for t in range(x.shape[1]):
                n = torch.tanh(self.x(x[:, t]) + self.h(h))
                h = n if t % 2 == 0 else torch.cat([n[:, :4], h[:, 4:]], 1)
                ys.append(h)
            return torch.stack(ys, 1)
    return Net()


@net("b 12 6")
def lmu():
    """A Legendre memory unit: a linear memory next to a hidden state."""
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.ex, self.eh, self.em = nn.Linear(6, 1, bias=False), nn.Linear(8, 1, bias=False), nn.Linear(4, 1, bias=False)
            self.wx, self.wh, self.wm = nn.Linear(6, 8), nn.Linear(8, 8, bias=False), nn.Linear(4, 8, bias=False)
            self.register_buffer("A", torch.randn(4, 4) * 0.3)
            self.register_buffer("B", torch.randn(4, 1))

        def forward(self, x, h, m):
            u = self.ex(x) + self.eh(h) + self.em(m)
            m = F.linear(m, self.A) + F.linear(u, self.B)
            h = torch.tanh(self.wx(x) + self.wh(h) + self.wm(m))
            return h, h, m
    return Over(Cell(), [8, 4])


@net("b 12 5")
def fast_weights_delta():
    """A linear attention whose memory [N, k, v] is written at each step."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.q, self.k, self.v, self.beta = nn.Linear(5, 4), nn.Linear(5, 4), nn.Linear(5, 6), nn.Linear(5, 1)

        def forward(self, x):
            S, ys = torch.zeros(x.shape[0], 4, 6), []
            q, k, v, b = F.elu(self.q(x)) + 1, torch.softmax(self.k(x), -1), self.v(x), torch.sigmoid(self.beta(x))
            for t in range(x.shape[1]):
                old = torch.einsum("bk,bkv->bv", k[:, t], S)
                S = S + torch.einsum("bk,bv->bkv", k[:, t], b[:, t] * (v[:, t] - old))
                ys.append(torch.einsum("bk,bkv->bv", q[:, t], S))
            return torch.stack(ys, 1)
    return Net()
