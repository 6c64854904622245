# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Nets for speech, as people write them: keywords, recognition, speakers, voice activity."""
import torch
import torch.nn.functional as F
from torch import nn
from nets import net


@net("b 49t 13")
def kws_crnn():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Sequential(nn.Conv2d(1, 8, (5, 3), stride=(2, 1), padding=(2, 1)), nn.BatchNorm2d(8), nn.ReLU())
            self.rnn = nn.GRU(8 * 13, 16, 2, batch_first=True, bidirectional=True)
            self.fc = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 10))

        def forward(self, x):
            x = self.conv(x.unsqueeze(1))
            n, c, t, f = x.shape
            x = x.permute(0, 2, 1, 3).reshape(n, t, c * f)
            y, h = self.rnn(x)
            return self.fc(y[:, -1, :])
    return Net()


@net("b 1 40 20")
def ds_cnn_gru():
    def separable(c, m):
        return nn.Sequential(nn.Conv2d(c, c, 3, padding=1, groups=c, bias=False), nn.BatchNorm2d(c), nn.ReLU(),
                             nn.Conv2d(c, m, 1, bias=False), nn.BatchNorm2d(m), nn.ReLU())

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.front = nn.Sequential(nn.Conv2d(1, 8, (10, 4), stride=(2, 2), padding=(5, 1), bias=False), nn.BatchNorm2d(8), nn.ReLU())
            self.blocks = nn.Sequential(separable(8, 8), separable(8, 12))
            self.rnn = nn.GRU(12 * 10, 16, batch_first=True)
            self.out = nn.Linear(16, 12)

        def forward(self, x):
            x = self.blocks(self.front(x))
            x = x.permute(0, 2, 1, 3).flatten(2)
            return F.log_softmax(self.out(self.rnn(x)[1].squeeze(0)), dim=-1)
    return Net()


@net("b 40 30t")
def m5_raw_gru():
    return nn.Sequential(nn.Conv1d(40, 16, 5, padding=2), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2), Turn(), Last(nn.GRU(16, 8, batch_first=True)),
                         nn.Linear(8, 4), nn.LogSoftmax(-1))


class Turn(nn.Module):
    def forward(self, x): return x.transpose(1, 2)


class Last(nn.Module):
    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn

    def forward(self, x): return self.rnn(x)[0][:, -1]


@net("b 60t 24")
def deep_speech_ctc():
    class Norm(nn.Module):
        def __init__(self, d):
            super().__init__()
            self.norm = nn.LayerNorm(d)

        def forward(self, x): return self.norm(x.transpose(2, 3).contiguous()).transpose(2, 3).contiguous()

    class Block(nn.Module):
        def __init__(self, c, d):
            super().__init__()
            self.a, self.b = nn.Conv2d(c, c, 3, 1, padding=1), nn.Conv2d(c, c, 3, 1, padding=1)
            self.n, self.m = Norm(d), Norm(d)
            self.drop = nn.Dropout(0.1)

        def forward(self, x):
            y = self.drop(F.gelu(self.n(x)))
            y = self.b(self.drop(F.gelu(self.m(self.a(y)))))
            return x + y

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.front = nn.Conv2d(1, 4, 3, stride=2, padding=1)
            self.blocks = nn.Sequential(Block(4, 12), Block(4, 12))
            self.fc = nn.Linear(48, 16)
            self.norm, self.rnn = nn.LayerNorm(16), nn.GRU(16, 16, batch_first=True, bidirectional=True)
            self.head = nn.Sequential(nn.Linear(32, 16), nn.GELU(), nn.Linear(16, 29))

        def forward(self, x):
            x = self.blocks(self.front(x.transpose(1, 2).unsqueeze(1)))
            s = x.size()
            x = self.fc(x.view(s[0], s[1] * s[2], s[3]).transpose(1, 2))
            x, _ = self.rnn(F.gelu(self.norm(x)))
            return F.log_softmax(self.head(x), dim=2)
    return Net()


@net("b 32t 24")
def crdnn():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.c1 = nn.Conv2d(1, 4, 3, padding=1)
            self.n1 = nn.LayerNorm([24, 4])
            self.c2 = nn.Conv2d(4, 4, 3, padding=1)
            self.n2 = nn.LayerNorm([24, 4])
            self.pool = nn.MaxPool1d(2)
            self.rnn = nn.LSTM(12 * 4, 12, 2, batch_first=True, bidirectional=True)
            self.d1, self.bn, self.d2 = nn.Linear(24, 16), nn.BatchNorm1d(16), nn.Linear(16, 20)

        def norm(self, n, x): return n(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

        def forward(self, x):
            x = x.unsqueeze(1)
            x = F.leaky_relu(self.norm(self.n1, self.c1(x)))
            x = F.leaky_relu(self.norm(self.n2, self.c2(x)))
            x = F.max_pool2d(x, (1, 2))
            x = x.permute(0, 2, 3, 1).flatten(2)
            y = F.leaky_relu(self.d1(self.rnn(x)[0]))
            y = self.bn(y.transpose(1, 2)).transpose(1, 2)
            return F.log_softmax(self.d2(y), -1)
    return Net()


@net("b 20t :30")
def rnnt_prediction():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.rnn, self.norm, self.out = nn.Embedding(30, 12), nn.LSTM(12, 16, batch_first=True), nn.LayerNorm(16), nn.Linear(16, 12)

        def forward(self, tokens):
            y, (h, c) = self.rnn(self.embed(tokens))
            return self.out(self.norm(y)), h, c
    return Net()


@net("b 10 12", "b 5 12")
def rnnt_joint():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(12, 30)

        def forward(self, source, target):
            joint = source.unsqueeze(2) + target.unsqueeze(1)
            return F.log_softmax(self.out(torch.relu(joint)), -1)
    return Net()


@net("b 1 12", "b 1 12")
def rnnt_joint_step():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.enc, self.pred, self.out = nn.Linear(12, 16), nn.Linear(12, 16, bias=False), nn.Linear(16, 30)

        def forward(self, f, g): return self.out(torch.tanh(self.enc(f) + self.pred(g))).log_softmax(-1)
    return Net()


@net("b 40t 20")
def d_vector():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = nn.LSTM(20, 24, 3, batch_first=True), nn.Linear(24, 16)

        def forward(self, mel):
            _, (h, _) = self.rnn(mel)
            e = torch.relu(self.fc(h[-1]))
            return e / (torch.norm(e, dim=1, keepdim=True) + 1e-5)
    return Net()


@net("b 40t 20")
def ge2e_embedder():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = nn.LSTM(20, 24, 3, batch_first=True), nn.Linear(24, 16)

        def forward(self, x):
            y, _ = self.rnn(x.float())
            y = self.fc(y[:, y.size(1) - 1])
            return F.normalize(y, p=2, dim=1)
    return Net()


@net("b 20 50t")
def x_vector():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            layers, c = [], 20
            for m, k, d in ((16, 5, 1), (16, 3, 2), (16, 3, 3), (16, 1, 1), (24, 1, 1)):
                layers += [nn.Conv1d(c, m, k, dilation=d), nn.ReLU(), nn.BatchNorm1d(m)]
                c = m
            self.frames = nn.Sequential(*layers)
            self.segment = nn.Sequential(nn.Linear(48, 16), nn.ReLU(), nn.BatchNorm1d(16), nn.Linear(16, 8))

        def forward(self, x):
            x = self.frames(x)
            return self.segment(torch.cat([x.mean(dim=2), x.std(dim=2)], dim=1))
    return Net()


@net("b 20 50t")
def ecapa_like():
    class SE(nn.Module):
        def __init__(self, c):
            super().__init__()
            self.a, self.b = nn.Conv1d(c, 4, 1), nn.Conv1d(4, c, 1)

        def forward(self, x): return x * torch.sigmoid(self.b(torch.relu(self.a(x.mean(dim=2, keepdim=True)))))

    class Res2(nn.Module):
        def __init__(self, c, k, d, scale):
            super().__init__()
            self.width = c // scale
            self.convs = nn.ModuleList([nn.Conv1d(self.width, self.width, k, dilation=d, padding=k // 2 * d) for _ in range(scale - 1)])
            self.norms = nn.ModuleList([nn.BatchNorm1d(self.width) for _ in range(scale - 1)])

        def forward(self, x):
            parts, out, y = torch.split(x, self.width, 1), [], None
            for i, (conv, norm) in enumerate(zip(self.convs, self.norms)):
                y = parts[i] if i == 0 else y + parts[i]
                y = norm(torch.relu(conv(y)))
                out.append(y)
            out.append(parts[len(self.convs)])
            return torch.cat(out, 1)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.front = nn.Sequential(nn.Conv1d(20, 16, 5, padding=2), nn.ReLU(), nn.BatchNorm1d(16))
            self.b1, self.se1 = Res2(16, 3, 2, 4), SE(16)
            self.b2, self.se2 = Res2(16, 3, 3, 4), SE(16)
            self.mix = nn.Conv1d(32, 24, 1)
            self.attention = nn.Sequential(nn.Conv1d(24, 8, 1), nn.ReLU(), nn.BatchNorm1d(8), nn.Tanh(), nn.Conv1d(8, 24, 1), nn.Softmax(dim=2))
            self.bn, self.fc = nn.BatchNorm1d(48), nn.Linear(48, 8)

        def forward(self, x):
            x = self.front(x)
            a = x + self.se1(self.b1(x))
            b = a + self.se2(self.b2(a))
            y = torch.relu(self.mix(torch.cat([a, b], 1)))
            w = self.attention(y)
            mu = torch.sum(y * w, dim=2)
            sg = torch.sqrt((torch.sum((y ** 2) * w, dim=2) - mu ** 2).clamp(min=1e-4))
            return self.fc(self.bn(torch.cat([mu, sg], 1)))
    return Net()


@net("b 64t 16")
def marblenet_vad():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            def sub(c, m, k, d=1): return nn.Sequential(nn.Conv1d(c, c, k, padding=k // 2 * d, dilation=d, groups=c, bias=False), nn.Conv1d(c, m, 1, bias=False), nn.BatchNorm1d(m, eps=0.001))
            self.first = nn.Sequential(sub(16, 12, 11), nn.ReLU())
            self.a, self.b, self.skip = sub(12, 12, 7), sub(12, 12, 7), nn.Sequential(nn.Conv1d(12, 12, 1, bias=False), nn.BatchNorm1d(12, eps=0.001))
            self.last = nn.Sequential(sub(12, 16, 9, 2), nn.ReLU())
            self.fc = nn.Linear(16, 2)

        def forward(self, x):
            x = self.first(x.transpose(1, 2))
            x = torch.relu(self.b(torch.relu(self.a(x))) + self.skip(x))
            return self.fc(nn.functional.adaptive_avg_pool1d(self.last(x), 1).squeeze(-1))
    return Net()


@net("b 128", "2 b 12 ~")
def silero_like_step():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2 = nn.Conv1d(1, 8, 16, stride=8, padding=4), nn.Conv1d(8, 12, 3, stride=2, padding=1)
            self.cell, self.out = nn.LSTMCell(12, 12), nn.Conv1d(12, 1, 1)

        def forward(self, x, state):
            y = torch.relu(self.conv2(torch.relu(self.conv1(x.unsqueeze(1)))))
            h, c = self.cell(y.mean(-1), (state[0], state[1]))
            return torch.sigmoid(self.out(torch.relu(h).unsqueeze(-1))).squeeze(-1), torch.stack([h, c])
    return Net()


@net("b 30t 20")
def conformer_conv_lstm():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(20)
            self.up, self.depth, self.bn, self.down = nn.Conv1d(20, 40, 1), nn.Conv1d(20, 20, 7, padding=3, groups=20), nn.BatchNorm1d(20), nn.Conv1d(20, 20, 1)
            self.ff = nn.Sequential(nn.LayerNorm(20), nn.Linear(20, 40), nn.SiLU(), nn.Linear(40, 20))
            self.rnn = nn.LSTM(20, 12, batch_first=True)

        def forward(self, x):
            x = x + 0.5 * self.ff(x)
            y = F.glu(self.up(self.norm(x).transpose(1, 2)), dim=1)
            x = x + self.down(F.silu(self.bn(self.depth(y)))).transpose(1, 2)
            return self.rnn(x)[0]
    return Net()


@net("b 50t 40")
def emformer_stack_lfr():
    """Stacks of four frames and every second of them, then LSTMs (low frame rate)."""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.out = nn.LSTM(160, 16, batch_first=True), nn.Linear(16, 20)

        def forward(self, x):
            n, t, d = x.shape
            x = x.unfold(1, 4, 2).permute(0, 1, 3, 2).reshape(n, -1, 4 * d)
            return self.out(self.rnn(x)[0])
    return Net()


@net("b 40t 16", "b 1 16")
def target_speaker_vad():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = nn.LSTM(32, 16, 2, batch_first=True), nn.Linear(16, 3)

        def forward(self, x, speaker):
            x = torch.cat([x, speaker.expand(-1, x.shape[1], -1)], dim=2)
            return self.fc(self.rnn(x)[0]).softmax(-1)
    return Net()
