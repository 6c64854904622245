# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""prune.py GRUS MODELS [NAME...]: what `grus calibrate --prune` costs in exactness on published models and the examples.

In:  as ../integers/snr.py, whose models and recordings these are: blocks are chosen and made up for by one part of the
     recordings, and the figure is of another part.
Out: a table in Markdown, one line a model: the signal-to-noise ratio in dB of the outputs of the compiled code with so
     many blocks of zeros to the same model in f32 with all of its weights.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integers"))
import snr  # noqa: E402
from folder import in_folder  # noqa: E402

SHARES = (10, 25, 50)


class Pruning(snr.Bench):
    def ratios(self, model, seen, unseen, params=()):
        self.record(model, seen, unseen, params)
        recordings = [f"{name}=seen/{name}.npy" for name in seen]
        found = {}
        for share in SHARES:
            for precision, written in (("f32", "p.safetensors"), ("i16", "p.ranges")):
                self.run("calibrate", model, *params, "--precision", precision, "--prune", f"{share}%", "-q",
                         "-o", written, *recordings)
            found["f32", share] = self.pruned(model, ["--precision", "f32", "--weights", "p.safetensors"])
            found["i16", share] = self.pruned(model, [*params, "--precision", "i16", "--ranges", "p.ranges"])
        return found

    def pruned(self, model, options):
        text = self.run("verify", model, *options, "--against", "ref", "--snr", "1", ok=(0, 4))
        return float(re.search(r"compiled / recorded .*SNR ([-0-9.]+) dB", text)[1])


def main(grus, models, *names):
    bench = Pruning(grus, models)
    columns = [(precision, share) for precision in ("f32", "i16") for share in SHARES]
    print("| model |" + "".join(f" {precision}, {share} % |" for precision, share in columns))
    print("|---|" + "---:|" * len(columns))
    for name, measure in snr.MODELS:
        if not name.startswith(names or ""):
            continue
        found = in_folder(measure, bench)
        print(f"| {name} |" + "".join(f" {found[c]:.1f} |" for c in columns), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
