# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random models of other frameworks through grus: imported, computed, and compared with what their framework computes.

    python run.py KIND [--count 2000] [--seed 0] [--grus build/release/bin/grus] [--keep FOLDER] [--verbose]

KIND is onnx, keras, tflite, torch_script (the exporter of PyTorch by tracing), torch_dynamo (the one by torch.export)
or torch_export (.pt2). Model number i of a seed is the same on every run: --only I makes that one. It needs the packages
that the makers import: numpy, and onnx with onnxruntime, keras with tensorflow, or torch with onnxscript.

A model is right, wrong, caught (the comparison within import found it to be wrong, E905: nothing was written, but that is
an error of grus), or refused; refusals are counted by their message without its names and numbers. The exit code
is 1 if one model is wrong, or if import broke off without a message."""
import argparse, collections, importlib, os, re, shutil, subprocess, sys, tempfile, time
import numpy as np
from case import samples_of

HERE = os.path.dirname(os.path.abspath(__file__))
GRUS = os.path.join(HERE, "..", "..", "..", "build", "release", "bin", "grus")
KINDS = {"onnx": "onnx_models", "keras": "keras_models", "tflite": "tflite_models", "torch_script": "torch_models",
         "torch_dynamo": "torch_models", "torch_export": "torch_models"}
TIMEOUT = 600  # seconds
RELATIVE = 2e-4  # of the largest number of an output, at least of 1: both compute in f32


def run(*command):
    """One that takes too long is broken; where others take the processor, a small model may need minutes."""
    try: return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired: return subprocess.CompletedProcess(command, -1, "", f"no end after {TIMEOUT} s")


def ports(text, word):
    """[(name, dims, whether it is a stream)] of the `in` or `out` statements of a model."""
    found = []
    for m in re.finditer(rf"^  {word}\s+(\w+)\s*:\s*(\w+(?:\(\d+\))?)(?:\[([^\]]*)\])?", text, re.M):
        dims, stream = [], False
        for dim in filter(None, (part.strip() for part in (m[3] or "").split(","))):
            stream = stream or "time .." in dim
            size = re.search(r"(\d+)$", dim)  # `time ..` and `time n`, whose bound stands elsewhere, have none
            dims.append(None if stream and "time .." in dim or not size else int(size[1]))
        found.append((m[1], dims, stream, m[2]))
    return found


def shaped(numbers, dims):
    known = int(np.prod([d for d in dims if d is not None], dtype=int))
    return numbers.reshape([len(numbers) // known if d is None else d for d in dims])


def kind_of_message(text):
    """The first error without what is this model's own."""
    line = next((l for l in text.splitlines() if l.startswith("error")), text.strip().splitlines()[0] if text.strip() else "nothing said")
    return re.sub(r"\[[\d, ]+\]", "[..]", re.sub(r"(?<![E\w])\d+", "N", re.sub(r"`[^`]*`", "`..`", line)))


def pair(file_ports, model_ports, what):
    """Which port of the file each of the model is: by name where names are alike, else by order."""
    clean = lambda s: re.sub(r"\W+", "_", s).strip("_").lower()
    by_name = {clean(p.name): p for p in file_ports}
    own = lambda m: clean(m[0]) if clean(m[0]) in by_name else re.sub(r"_\d+$", "", clean(m[0]))  # `last` is a word of the language: last_2
    named = len(by_name) == len(file_ports) and all(own(m) in by_name for m in model_ports)
    if len(file_ports) == len(model_ports) and not named: return list(file_ports)
    if not all(own(m) in by_name for m in model_ports): raise ValueError(f"{len(model_ports)} {what} where the file has {len(file_ports)}")
    return [by_name[own(m)] for m in model_ports]


def beside_states(file_ports, model_ports):
    """The outputs of the file that the model also has: in their order, those with as many numbers."""
    left = list(file_ports)
    found = []
    for _, dims, *_ in model_ports:
        n = int(np.prod([d for d in dims if d is not None], dtype=int))
        while left and left[0].data.size != n: left.pop(0)
        found += left[:1]
        left = left[1:]
    return found


def outcome(grus, case, folder):
    """("right" | "wrong" | "caught" | "refused" | "broken", what to report)"""
    model = os.path.join(folder, "model.grus")
    done = run(grus, "import", case.path, "-o", model, *case.options)
    if done.returncode != 0:
        said = done.stderr + done.stdout
        if done.returncode != 1 or "error" not in said: return "broken", f"exit {done.returncode}: {said[:300]}"
        if "E905" in said: return "caught", said
        return "refused", said
    text = open(model).read()
    ins, outs = ports(text, "in"), ports(text, "out")
    try:
        pairs_in, pairs_out = pair(case.inputs, ins, "inputs"), pair(beside_states(case.outputs, outs) if case.states else case.outputs, outs, "outputs")
        # A batch of fixed size that no operator tells from an axis of features is one.
        whole = any(p.batch is not None and None not in dims and np.prod(dims, dtype=int) == p.data.size for (_, dims, *_), p in zip(ins, pairs_in))
        if whole:
            for p in case.inputs + case.outputs: p.batch = None
        n = max(len(samples_of(p)) for p in case.inputs)
        for sample in sorted({0, n - 1}):
            values = {}
            for (name, dims, _, elem), p in zip(ins, pairs_in):
                all_samples = samples_of(p)
                values[name] = shaped(all_samples[sample % len(all_samples)], dims)
                np.save(os.path.join(folder, f"{name}.npy"), values[name].astype("i8" if elem.startswith("index") else "f4"))
            got = os.path.join(folder, "got")
            done = run(grus, "run", model, *(f"{name}={folder}/{name}.npy" for name, *_ in ins), "-o", got)
            if done.returncode != 0: return "broken", f"run: {(done.stderr + done.stdout)[:400]}"
            for (name, dims, stream, _), p in zip(outs, pairs_out):
                all_samples = samples_of(p)
                want = all_samples[sample % len(all_samples)].astype("f8")
                have = np.load(os.path.join(got, f"{name}.npy")).reshape(-1).astype("f8")
                if stream and len(have) > len(want): have = have[-len(want):]
                if have.shape != want.shape: return "wrong", f"output {name}: {have.size} numbers, not {want.size}\n{text}"
                bound = RELATIVE * max(1, np.abs(want[np.isfinite(want)]).max(initial=0))
                same = (have == want) | (np.isnan(have) & np.isnan(want))
                gap = np.abs(np.where(same, 0, have - want)).max(initial=0)
                if not gap <= bound: return "wrong", f"output {name}, sample {sample}: {gap:.3g} apart\n{text}"
    except (ValueError, TypeError) as problem:
        return "wrong", f"{problem}\n{text}"
    return "right", ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--grus", default=GRUS)
    parser.add_argument("--keep", help="files of what is not right go here")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    sys.path.insert(0, HERE)
    maker = importlib.import_module(KINDS[args.kind])
    counts, reasons, unmade, began = collections.Counter(), collections.defaultdict(list), collections.Counter(), time.time()
    numbers = [args.only] if args.only is not None else range(args.first, args.first + args.count)
    for i in numbers:
        if sum(counts.values()) % 100 == 99: print(f"model {i}: {dict(counts)}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            try:
                case = maker.make(np.random.default_rng([args.seed, i]), folder, args.kind)
            except maker.Unmade as problem:  # the framework itself does not take the model
                unmade[str(problem)[:100]] += 1
                continue
            result, said = outcome(args.grus, case, folder)
            counts[result] += 1
            if result == "refused": reasons[kind_of_message(said)].append(i)
            if result in ("wrong", "broken", "caught") or args.verbose:
                print(f"{i} {result} {case.what} {' '.join(case.options)}\n{said}", flush=True)
            if args.keep and result != "right":
                to = os.path.join(args.keep, f"{args.kind}_{args.seed}_{i}")
                shutil.rmtree(to, ignore_errors=True)
                shutil.copytree(folder, to)
                open(os.path.join(to, "said"), "w").write(f"{case.what}\n{' '.join(case.options)}\n{said}")
    made = sum(counts.values())
    for reason, where in sorted(reasons.items(), key=lambda r: -len(r[1])):
        print(f"{len(where):5} refused: {reason}   (models {', '.join(map(str, where[:6]))})")
    for problem, n in unmade.most_common(): print(f"{n:5} not made: {problem}")
    print(f"{args.kind}, seed {args.seed}: {made} models, " + ", ".join(f"{counts[k]} {k}" for k in ("right", "wrong", "caught", "broken", "refused")) +
          f" ({100 * counts['refused'] / max(1, made):.1f} %); {time.time() - began:.0f} s")
    sys.exit(1 if counts["wrong"] or counts["broken"] else 0)


if __name__ == "__main__": main()
