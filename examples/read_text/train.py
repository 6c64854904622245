# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains read_text.safetensors, measures it, and writes the pictures of the example.

  python3 train.py STEPS [continue]   trains, from the weights that are there; then does what `evaluate` does
  python3 train.py evaluate

Needs the Debian packages fonts-dejavu-extra, fonts-urw-base35 and fonts-noto-mono, and Python's
numpy, pillow, torch and safetensors. Every picture is drawn by this script: words and random signs
in the fonts of FONTS, tilted, blurred, on paper that is uneven, with noise. No picture is used twice.

Out:
  read_text.safetensors     float16, under PyTorch's names
  alphabet.h                the signs behind the numbers, for reader.c
  pictures/*.png, *.pgm     lines in fonts that do not occur in training, with noise
  pictures/lines.txt        what they say
  expected/lines.txt        what PyTorch reads in them, in float64
"""
import glob
import os
import sys

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from safetensors.torch import load_file, save_file
from torch import nn

sys.path.append("../denoiser")
import sounds  # noqa: E402  (its words)

ALPHABET = " abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;-'!?()&/"
ROWS, COLUMNS, BATCH = 24, 256, 32
TRUETYPE, URW = "/usr/share/fonts/truetype/", "/usr/share/fonts/opentype/urw-base35/"
FONTS = [TRUETYPE + f"dejavu/DejaVu{f}.ttf" for f in (
    "Sans", "Sans-Bold", "Sans-Oblique", "SansCondensed", "SansMono", "Serif", "Serif-Bold", "SerifCondensed")]
FONTS += [URW + f"{f}.otf" for f in (
    "NimbusSans-Regular", "NimbusSans-Bold", "NimbusSansNarrow-Regular", "NimbusRoman-Regular", "NimbusRoman-Italic",
    "NimbusRoman-Bold", "NimbusMonoPS-Regular", "C059-Roman", "C059-Bold", "P052-Roman", "P052-Italic",
    "URWBookman-Light", "URWGothic-Book")]
HELD_OUT = [TRUETYPE + "noto/NotoSansMono-Regular.ttf", TRUETYPE + "dejavu/DejaVuSansMono-Bold.ttf",
            URW + "URWBookman-Demi.otf", URW + "NimbusSans-Italic.otf"]
LINES = ["The quick brown fox jumps", "Platform 9, 14:35 to Oxford", "Invoice No. 2048-17", "GRU(64), LSTM(128)",
         "Keep dry & away from heat!", "Who reads this line?", "Total: 1,276.40", "Zebras, judges & vowels",
         "It's quarter past five.", "Room 3/207; ring twice"]


class ReadText(nn.Module):
    def __init__(self):
        super().__init__()
        self.edges, self.edges_norm = nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.shapes, self.shapes_norm = nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.glyphs, self.glyphs_norm = nn.Conv2d(32, 64, (6, 3), padding=(0, 1)), nn.BatchNorm2d(64)
        self.gru = nn.GRU(64, 64, batch_first=True, bidirectional=True)
        self.symbol = nn.Linear(128, len(ALPHABET) + 1)

    def forward(self, image):
        """image [batch, row 24, column 256] of 0..255 -> logits [batch, column 128, symbol]."""
        x = (image[:, None] - 127.5) / 127.5
        x = nn.functional.max_pool2d(torch.relu(self.edges_norm(self.edges(x))), 2)
        x = nn.functional.max_pool2d(torch.relu(self.shapes_norm(self.shapes(x))), (2, 1))
        x = torch.relu(self.glyphs_norm(self.glyphs(x))).amax(2)
        return self.symbol(self.gru(x.transpose(1, 2))[0])


def text_of(rng):
    """A few words, numbers or random signs."""
    words = " ".join(sounds.SENTENCES + sounds.OPENINGS + sounds.NOUNS + sounds.VERBS + sounds.TAILS).split()
    parts = []
    for _ in range(rng.integers(1, 5)):
        kind = rng.random()
        if kind < 0.5:
            word = words[rng.integers(len(words))]
            word = [word, word.capitalize(), word.upper()][rng.choice(3, p=[0.6, 0.25, 0.15])]
        elif kind < 0.75:
            word = "".join(rng.choice(list("0123456789.,:-/"), rng.integers(1, 8)))
        else:
            word = "".join(rng.choice(list(ALPHABET[1:]), rng.integers(1, 8)))
        parts.append(word)
    return " ".join(parts)


def draw(rng, text, font, rows):
    """The line as an array [rows, columns] of 0..255, as wide as it comes out."""
    scale = rng.uniform(0.58, 0.75)
    face = ImageFont.truetype(font, int(rows * scale))
    width = int(face.getlength(text) + rows * rng.uniform(0.3, 1))
    top = rng.uniform(0, 1 - scale * 1.25) * rows
    page = Image.new("L", (width, rows), 0)
    ImageDraw.Draw(page).text((rows * rng.uniform(0.1, 0.3), top), text, fill=255, font=face)
    page = page.rotate(rng.uniform(-1, 1) * min(1.2, 120 * rows / 24 / width), Image.BILINEAR)
    ink = np.asarray(page, float) / 255
    if rng.random() < 0.5:  # out of focus
        ink = (ink + np.roll(ink, 1, 1) + np.roll(ink, 1, 0) + np.roll(ink, (1, 1), (0, 1))) / 4
    paper = rng.uniform(180, 255) + np.linspace(0, rng.uniform(-40, 40), width)[None, :]
    colour = rng.uniform(0, 70)
    image = paper * (1 - ink) + colour * ink + rng.uniform(0, 8) * rng.standard_normal(ink.shape)
    return np.clip(image, 0, 255)


def shares(small, large):
    """[small, large]: how much of each of the small pixels the large ones cover."""
    edge = np.arange(large + 1) * small / large
    pixel = np.arange(small)[:, None]
    return np.clip(np.minimum(edge[1:], pixel + 1) - np.maximum(edge[:-1], pixel), 0, 1)


def shrink(image):
    """[rows, columns] -> [24, 256]: the mean of the pixels under each; white behind the end."""
    rows, columns = image.shape
    wide = min(COLUMNS, max(1, int(columns * ROWS / rows + 0.5)))
    out = np.full((ROWS, COLUMNS), 255, np.uint8)
    out[:, :wide] = (shares(ROWS, rows) @ image @ shares(wide, columns).T + 0.5).astype(np.uint8)
    return out


def fits(text, font):
    """Whether the line has room at every size that draw() may choose."""
    return ImageFont.truetype(font, 18).getlength(text) < COLUMNS - 24


def picture(rng, fonts):
    """([24, 256], text)."""
    while True:
        text, font = text_of(rng), fonts[rng.integers(len(fonts))]
        if fits(text, font):
            return shrink(draw(rng, text, font, 48)), text


def numbers(text):
    return [ALPHABET.index(sign) + 1 for sign in text]


def greedy(symbols):
    """Runs of the same number count once, 0 separates and says nothing."""
    kept = [s for s, before in zip(symbols, [0, *symbols]) if s != before and s]
    return "".join(ALPHABET[s - 1] for s in kept)


def distance(a, b):
    """Signs to insert, delete or change."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def load():
    net = ReadText()
    stored = load_file("read_text.safetensors")
    net.load_state_dict({k: v.float() for k, v in stored.items()}, strict=False)
    return net


def train(steps, goes_on):
    torch.set_num_threads(1)
    torch.manual_seed(1)
    rng = np.random.default_rng(2 if goes_on else 1)
    net = load() if goes_on else ReadText()
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-3)
    smooth = None
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * min(1, (step + 1) / 50) * (0.01 + 0.495 * (1 + np.cos(np.pi * step / steps)))
        images, texts = zip(*[picture(rng, FONTS) for _ in range(BATCH)])
        logits = net(torch.tensor(np.stack(images)).float()).log_softmax(-1)
        target = [numbers(t) for t in texts]
        loss = nn.functional.ctc_loss(
            logits.transpose(0, 1), torch.tensor(sum(target, [])), torch.full((BATCH,), COLUMNS // 2),
            torch.tensor([len(t) for t in target]), zero_infinity=True)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        smooth = loss.item() if smooth is None else 0.97 * smooth + 0.03 * loss.item()
        if step % 50 == 49:
            print(f"{step + 1} steps, loss {smooth:.4f}", flush=True)
    tensors = {k: v.detach().to(torch.float16).contiguous() for k, v in net.state_dict().items() if v.ndim}
    save_file(tensors, "read_text.safetensors", {"format": "pt"})


def symbols_of(net, images):
    with torch.no_grad():
        return net(torch.tensor(np.stack(images)).double()).argmax(-1).numpy()


def table(net):
    for font in [None, *HELD_OUT]:
        rng = np.random.default_rng(9)
        images, texts = zip(*[picture(rng, [font] if font else FONTS) for _ in range(300)])
        read = [greedy(s) for s in symbols_of(net, images)]
        wrong, signs = sum(map(distance, read, texts)), sum(map(len, texts))
        lines = sum(r == t for r, t in zip(read, texts))
        name = os.path.basename(font).split(".")[0] if font else "fonts of the training"
        print(f"| {name} | {100 * wrong / signs:.2f} | {100 * lines / 300:.0f} |")


def record(net):
    """The pictures of the example, at sizes and tilts of their own."""
    rng = np.random.default_rng(3)
    os.makedirs("pictures", exist_ok=True)
    os.makedirs("expected", exist_ok=True)
    small = []
    for old in glob.glob("pictures/*"):
        os.remove(old)
    for i, text in enumerate(LINES):
        image = np.round(draw(rng, text, HELD_OUT[1 + i % 3], int(rng.integers(30, 64)))).astype(np.uint8)
        Image.fromarray(image).save(f"pictures/{i:02}.{'pgm' if i == 4 else 'png'}")
        small.append(shrink(image))
    with open("pictures/lines.txt", "w") as out:
        out.write("".join(text + "\n" for text in LINES))
    with open("alphabet.h", "w") as out:
        out.write("/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */\n"
                  "/* The signs behind the numbers of the model, from 1 on; 0 is no sign. By train.py. */\n"
                  f"static const char ALPHABET[] =\n    \"{ALPHABET}\";\n")
    read = [greedy(s) for s in symbols_of(net, small)]
    with open("expected/lines.txt", "w") as out:
        out.write("".join(text + "\n" for text in read))
    print(f"{sum(map(distance, read, LINES))} of {sum(map(len, LINES))} signs wrong")


def main(word, goes_on=None):
    if word != "evaluate":
        train(int(word), goes_on == "continue")
    net = load().double().eval()
    table(net)
    record(net)


if __name__ == "__main__":
    main(*sys.argv[1:])
