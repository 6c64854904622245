# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whole published models for `bench/compare --models`: imports an ONNX file, builds it behind a small
timing loop, has peers/model_run.py time it beside onnxruntime on the same file in one process, and
prints the table.

A model is given as `FILE` or `FILE OPTIONS`, with the options of `grus import`; without options it is
a stream (--stream)."""
import json
import os
import re
import shlex
import shutil
import subprocess
from collections import namedtuple

import table

HERE = os.path.dirname(os.path.abspath(__file__))

# path: what grus imports, with the options `flags`; peer: what onnxruntime runs; steps: of a stream, those of one call
Wanted = namedtuple("Wanted", "name path flags peer steps")

LOOP = """/* Calls of the model, timed; input i has `steps` calls after each other. */
#include "net.h"
#include <time.h>
%(globals)s
void net_start(void) { %(start)s }
void net_calls(long from, long calls, long steps, const void *const *in, void *const *out) {
  for (long k = 0; k < calls; k++) {
    long at = (from + k) %% steps;
    (void)at;
    %(call)s;
  }
}
double net_time(long calls, long steps, const void *const *in, void *const *out) {
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  net_calls(0, calls, steps, in, out);
  clock_gettime(CLOCK_MONOTONIC, &to);
  return (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
}
"""


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise ValueError(f"{shlex.join(command)} failed ({done.returncode}):\n{done.stderr.strip()[-2000:]}")
    return done.stdout


def wanted_given(text):
    """A model of `--models`: a file and its options."""
    path, *flags = shlex.split(text)
    return Wanted(os.path.splitext(os.path.basename(path))[0], path, flags or ["--stream"], path, 1)


def wanted_published(options, python, model):
    """A model of `--all`; one that has no ONNX file is written below --work first."""
    flags, path, peer = shlex.split(model.options), model.path, model.path
    if model.written:
        folder = folder_of(options, "models", model.name)
        run([python, os.path.join(HERE, "written.py"), model.written, path, folder])
        path, peer = (os.path.join(folder, name) for name in ("step.onnx", "peer.onnx"))
    return Wanted(model.name, path, flags, peer, model.steps)


def file_name(name):
    return re.sub(r"\W+", "_", name)


def folder_of(options, kind, name):
    folder = os.path.join(options.work, kind, file_name(name))
    os.makedirs(folder, exist_ok=True)
    return folder


def build_options(model):
    return [f"--chunk={model.steps}"] if model.steps > 1 else []


def dims_of(text, steps):
    """`f32[time .., a 576]` -> [steps, 576]: the axes of one call."""
    axes = re.search(r"\[(.*)\]", text)
    if not axes:
        return []
    return [steps if axis.strip().startswith("time ..") else int(re.findall(r"\d+", axis.split("@")[0])[-1])
            for axis in axes.group(1).split(",")]


def loop_text(seen, steps):
    """The C source around the generated functions of a model, by what `grus inspect --json` says."""
    name, stream = seen["model"], seen["run"] == "stream"
    arguments = ["&state"] if stream else []
    for i, value in enumerate(seen["inputs"]):
        size = 1
        for dim in dims_of(value["type"], steps):
            size *= dim
        arguments.append(f"(const float *)in[{i}] + at * {size}")
    arguments += [f"(float *)out[{i}]" for i in range(len(seen["outputs"]))]
    call = f"{name}_{'step' if stream else 'run'}({', '.join(arguments)})"
    return LOOP % {"globals": f"static {name}_state state __attribute__((aligned(64)));" if stream else "",
                   "start": f"{name}_reset(&state);" if stream else "", "call": call}


def build(grus, folder, model):
    """(what inspect says, path of the shared library)"""
    source, base = os.path.join(folder, "net.grus"), os.path.join(folder, "net")
    run([grus, "import", model.path, "-q", "--no-check", *model.flags, "-o", source])
    seen = json.loads(run([grus, "inspect", "-q", "--json", source]))
    for value in seen["inputs"] + seen["outputs"]:
        if not value["type"].startswith("f32"):
            raise ValueError(f"`{value['name']}` is {value['type']}; this script times models of f32")
    run([grus, "build", "-q", "--target=native", "--c-arrays=flat", *build_options(model), source, "-o", base + ".o"])
    with open(base + "_loop.c", "w") as file:
        file.write(loop_text(seen, model.steps))
    run(["cc", "-O2", "-fPIC", "-shared", "-Wl,-Bsymbolic", "-I", folder, base + "_loop.c", base + ".o",
         "-o", base + ".so"])
    return seen, base + ".so"


def settled(options):
    """Scalar inputs that the import settled: `--set sr=16000` -> {"sr": 16000}."""
    pairs = [word for flag, word in zip(options, options[1:]) if flag == "--set"]
    pairs += [word[6:] for word in options if word.startswith("--set=")]
    return {name: int(value) for name, value in (pair.split("=") for pair in pairs) if value.isdigit()}


def model_run(options, python, model, floors):
    """The cell of one model; a dictionary for the results. floors: the library of floors.c."""
    folder = folder_of(options, "models", model.name)
    seen, library = build(options.grus, folder, model)
    values = {part: [{"name": v["name"], "dims": dims_of(v["type"], model.steps)} for v in seen[part]]
              for part in ("inputs", "outputs")}
    job = {"onnx": os.path.abspath(model.peer), "library": library, "stream": seen["run"] == "stream",
           "settled": settled(model.flags), "floors": floors,
           "bytes": 4 * sum(layer["params"] for layer in seen["layers"]),
           "seconds": options.seconds, "rounds": options.rounds, "block_ns": 5e6, **values}
    command = options.wrap + [python, os.path.join(HERE, "model_run.py")]
    measured = run(command, input=json.dumps(job), env={**os.environ, "OMP_NUM_THREADS": "1"},
                   preexec_fn=lambda: os.sched_setaffinity(0, {options.core}))
    steps, macs = model.steps, sum(layer["macs"] for layer in seen["layers"])
    if not job["stream"]:
        times = [re.search(r"\[time (\d+)", v["type"]) for v in seen["inputs"]]
        steps = next((int(t.group(1)) for t in times if t), 1)
    return {"name": model.name, "options": " ".join(model.flags), "run": seen["run"], "steps": steps,
            "params": sum(layer["params"] for layer in seen["layers"]), "macs": macs * model.steps,
            **json.loads(measured)}


def tables(cells):
    """Markdown: nanoseconds a frame; a whole sequence is shared among its steps."""
    head = ["model", "a call", "parameters", "multiply-adds", "grus", "least", "products alone", "weights alone", "onnxruntime",
            "of it the call", "onnxruntime ÷ grus", "difference"]
    rows = []
    for c in cells:
        grus, peer = c["peers"]["grus"], c["peers"]["onnxruntime"]
        each = lambda ns: table.number(ns / c["steps"])
        one = "one step" if c["run"] == "stream" else "all of it"
        kind = f"{c['steps']} steps" if c["steps"] > 1 else one
        rows.append([c["name"], kind, f"{c['params']:,}", f"{c['macs'] // c['steps']:,}", f"**{each(grus['median'])}**",
                     each(grus["least"]), each(c["macs"] / c["multiply_adds"]), table.number(c["reading"] / c["steps"]),
                     each(peer["median"]), each(peer["nothing"]),
                     f"**{peer['median'] / grus['median']:.2f}**", f"{c['difference']:.0e}"])
    lines = [head, ["---", "---"] + ["---:"] * (len(head) - 2)] + rows
    return "\n".join("| " + " | ".join(row) + " |" for row in lines) + "\n"


def web(options, models):
    """Rows of WebAssembly: modules of grus beside onnxruntime-web under Node.js, from bench/web/models.mjs."""
    folder, triples = os.path.join(options.work, "web"), []
    os.makedirs(folder, exist_ok=True)
    script = os.path.join(HERE, "..", "web", "models.mjs")
    with open(os.path.join(folder, "package.json"), "w") as file:
        json.dump({"private": True, "type": "module"}, file)
    if not os.path.exists(os.path.join(folder, "node_modules", "onnxruntime-web")):
        run(["npm", "install", "--silent", "onnxruntime-web"], cwd=folder)
    clang = shutil.which("clang-19") or shutil.which("clang")
    if clang:
        run([clang, "--target=wasm32", "-O2", "-msimd128", "-nostdlib", "-Wl,--no-entry,--export=data", "-o",
             os.path.join(folder, "floor.wasm"), os.path.join(os.path.dirname(script), "floor.c")])
    for model in models:
        base = os.path.join(folder, file_name(model.name))
        run([options.grus, "import", model.path, "-q", "--no-check", *model.flags, "-o", base + ".grus"])
        run([options.grus, "build", base + ".grus", "--emit=wasm", "-q", *build_options(model), "-o", base + ".wasm"])
        triples.append(f"{base}.wasm={os.path.abspath(model.peer)}={model.name}")
    return run(options.wrap + ["node", os.path.abspath(script), *triples], cwd=folder)
