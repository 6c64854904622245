// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The model in the page: built as WebAssembly, fed with a signal or a recording, drawn.
import { hasSimd, loadModel } from "../../runtime/wasm/model.js";
import { bars, lines, number } from "./charts.js";
import { live, play, process, readWav, snr, soundPorts } from "./sound.js";

const STEPS = 400, MOST_STATES = 4096;
let recording = null;
document.addEventListener("recording", ({ detail }) => {
  recording = detail;
  document.dispatchEvent(new CustomEvent("rerun"));
});

// ---- signals ----

let seed = 1;
const random = () => ((seed = (seed * 1664525 + 1013904223) >>> 0) / 2 ** 31 - 1);
const signals = {
  sine: (i, width) => Math.sin((Math.floor(i / width) * 0.12) + (i % width)),
  noise: random,
  impulse: (i, width) => (i < width ? 1 : 0),
  silence: () => 0,
};

function invented(port, count, kind) {
  if (port.categories) return Array.from({ length: count }, () => Math.floor(((random() + 1) / 2) * port.categories) % port.categories);
  const integer = port.elem[0] === "i" || port.elem[0] === "u";
  const width = port.timeAxis >= 0 ? Math.max(1, port.count / port.shape[port.timeAxis]) : port.count;
  return Float32Array.from({ length: count }, (_, i) => (integer ? Math.round(50 + 40 * signals[kind](i, width)) : signals[kind](i, width)));
}

// ---- running ----

function zeros(model) {
  return Object.fromEntries(model.description.ports.filter((p) => p.role === "init").map((p) => [p.name, new Float32Array(p.count)]));
}

function append(rows, values) {
  for (const x of values) rows.push(x);
}

/** Outputs and states over time, and how long a call took. */
function runModel(model, kind, given) {
  const d = model.description, ins = d.ports.filter((p) => p.role === "in"), outs = d.ports.filter((p) => p.role === "out");
  const made = Object.fromEntries(outs.map((p) => [p.name, []])), states = {}, fed = {};
  seed = 1;
  if (d.kind === "whole") {
    for (const p of ins) fed[p.name] = given?.[p.name] ?? invented(p, p.count, kind);
    const start = performance.now(), result = model.run(fed), took = performance.now() - start;
    for (const p of outs) append(made[p.name], result[p.name]);
    return { made, states, fed, took, calls: 1, outs, ins };
  }
  const state = d.kind === "stream" ? model.stream(zeros(model)) : model.window(zeros(model));
  const all = Object.fromEntries(ins.map((p) => [p.name, invented(p, p.count * STEPS, kind)]));
  const watched = d.state.filter((s) => s.count <= MOST_STATES && s.layer);
  for (const s of watched) states[s.name] = { rows: [], width: Math.min(s.count, 12), layer: s.layer };
  let took = 0, calls = 0;
  for (let t = 0; t < STEPS; t++) {
    const now = Object.fromEntries(ins.map((p) => [p.name, all[p.name].slice(t * p.count, (t + 1) * p.count)]));
    const start = performance.now(), result = d.kind === "stream" ? state.step(now) : state.push(now);
    took += performance.now() - start;
    calls++;
    if (result) for (const p of outs) append(made[p.name], result[p.name]);
    for (const s of watched) append(states[s.name].rows, state.state(s.name).subarray(0, states[s.name].width));
  }
  Object.assign(fed, all);
  state.close();
  return { made, states, fed, took, calls, outs, ins };
}

const widthOf = (p) => (p.timeAxis >= 0 ? Math.max(1, p.count / p.shape[p.timeAxis]) : p.count);

function draw(box, run) {
  box.replaceChildren();
  for (const p of run.ins) box.append(lines(`in ${p.name}`, run.fed[p.name], widthOf(p)));
  for (const p of run.outs) {
    const rows = run.made[p.name];
    if (rows.length === p.count && p.timeAxis < 0) box.append(bars(`out ${p.name}`, Array.from(rows)));
    else box.append(lines(`out ${p.name}`, rows, widthOf(p)));
  }
  for (const [name, { rows, width, layer }] of Object.entries(run.states)) box.append(lines(`state ${name} of ${layer}`, rows, width));
}

// ---- sound ----

function soundControls(controls, module, model, ports, example, note) {
  const button = (label, act) => {
    const one = document.createElement("button");
    one.textContent = label;
    one.onclick = () => act(one).catch((error) => (note.textContent = error.message));
    controls.append(one);
    return one;
  };
  let stop = null;
  button("Microphone", async (one) => {
    if (stop) {
      await stop.stop();
      stop = null;
      one.textContent = "Microphone";
      return;
    }
    stop = await live(module, ports, new URL("worklet.js", import.meta.url));
    one.textContent = "Stop";
    note.textContent = `microphone -> model -> loudspeaker at ${ports.rate} Hz, ${((1000 * ports.block) / ports.rate).toFixed(1)} ms a block: use headphones`;
  });
  const fetchWav = async (name) => readWav(new Uint8Array(await (await fetch(`examples/${name}`)).arrayBuffer()));
  const sound = async () => {
    const wav = recording ? readWav(recording.content) : example?.sound ? await fetchWav(example.sound) : null;
    if (!wav) throw new Error("drop a .wav first");
    if (wav.rate !== ports.rate) throw new Error(`the model is for ${ports.rate} Hz, and this .wav has ${wav.rate}`);
    return wav.samples;
  };
  button("Play it", async () => void play(await sound(), ports.rate));
  button("Play it through the model", async () => {
    const samples = await sound(), start = performance.now(), { samples: out, lost } = process(model, ports, samples), took = performance.now() - start;
    note.textContent = `${(samples.length / ports.rate).toFixed(1)} s of sound in ${took.toFixed(0)} ms`;
    if (!recording && example?.clean) {
      const clean = (await fetchWav(example.clean)).samples;
      note.textContent += `; against the clean sound ${snr(clean, samples).toFixed(2)} dB before, ${snr(clean, out, lost).toFixed(2)} dB after`;
    }
    play(out, ports.rate);
  });
}

// ---- the tab ----

export async function showRun(box, { ask, text, main, weightArguments, example }) {
  const target = hasSimd() ? "wasm-simd" : "generic", args = weightArguments();
  const made = await ask("run", { args: ["build", main, ...args, "--emit=wasm", "--target", target, "-o", "out.wasm", "-q"], write: { [main]: text }, read: ["out.wasm"] });
  if (made.code !== 0 || !made.files["out.wasm"]) throw new Error(made.stderr || "the model was not built");
  const module = await WebAssembly.compile(made.files["out.wasm"]), model = await loadModel(module), d = model.description;
  const controls = document.createElement("div"), note = document.createElement("p"), charts = document.createElement("div"), choice = document.createElement("select");
  controls.className = "controls";
  note.className = "note";
  note.id = "run-note";
  choice.append(...Object.keys(signals).map((name) => new Option(name, name)));
  const again = document.createElement("button");
  again.textContent = "Run";
  controls.append(choice, again);
  const go = () => {
    try {
      const run = runModel(model, choice.value);
      note.textContent = `${(made.files["out.wasm"].length / 1024).toFixed(0)} KiB of WebAssembly${target === "generic" ? " without vectors, which this browser lacks" : ""}, ${d.macs.toLocaleString()} multiply-adds a call, ` +
        `${number((1000 * run.took) / run.calls)} µs a call${args.length && args[1].startsWith("random") ? "; the weights are invented" : ""}`;
      draw(charts, run);
    } catch (error) {
      note.textContent = error.message;
    }
  };
  again.onclick = choice.onchange = go;
  const ports = soundPorts(d);
  if (ports) soundControls(controls, module, model, ports, example, note);
  box.replaceChildren(controls, note, charts);
  go();
}
