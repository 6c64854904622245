// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// run.mjs MODEL.js DIR: for each folder of DIR, runs model.wasm on the inputs in the tables of the check
// program that kernel_tool wrote beside it (check.c), and writes the bits of its outputs to wasm.bits as that
// program prints them.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [wrapper, dir] = process.argv.slice(2);
const { loadModel } = await import(pathToFileURL(wrapper));

// The bits of a module's outputs, a line each.
async function run(checkPath, wasmPath) {
  const check = readFileSync(checkPath, "utf8");
  const bytes = readFileSync(wasmPath);
  if (!WebAssembly.validate(bytes)) throw new Error("the module is not valid");
  const block = /extern_weights\[\][^{]*\{([\d,]*)\}/.exec(check);
  const model = await loadModel(bytes, block ? Uint8Array.from(block[1].split(",").filter(Boolean).map(Number)) : undefined);
  const d = model.description;

  // static const float in0[][26] = {{..},\n{..},\n};
  function table(name) {
    const found = new RegExp(`static const \\w+ ${name}\\[\\]\\[(\\d+)\\](?:\\[64\\])? = \\{([\\s\\S]*?)\\n?\\};`).exec(check);
    if (!found) return null;
    const width = Number(found[1]);
    return { width, numbers: (found[2].match(/[-+.\w]+/g) || []).map(Number) };
  }
  const row = (t, i) => t.numbers.slice(i * t.width, (i + 1) * t.width);

  const ins = d.ports.filter((p) => p.role !== "out"), outs = d.ports.filter((p) => p.role === "out");
  const tables = ins.map((_, i) => table(`in${i}`)), wants = outs.map((_, i) => table(`want${i}`));
  const calls = wants[0].numbers.length / wants[0].width;
  const first = Number(/if \(c < (\d+)\)/.exec(check)?.[1] ?? 0);
  const lengths = /static const size_t lengths.*= \{([\s\S]*?)\n\};/.exec(check)?.[1].split("\n").filter(Boolean)
    .map((line) => [...line.matchAll(/\{([\d,]+)\}/g)].map((m) => m[1].split(",").filter(Boolean).map(Number)));

  const lines = [];
  const bits = new DataView(new ArrayBuffer(4));
  const number = (n, width) => String(n).padStart(width, "0");
  function report(call, got) {
    outs.forEach((port, o) => {
      if (d.kind === "stream" && port.time === "none" && call !== calls - 1) return;
      const each = port.count / d.batch;
      got[port.name].forEach((value, i) => {
        bits.setFloat32(0, value);
        const sample = Math.floor(i / each), at = i % each;
        const name = d.kind === "whole" ? [call * d.batch + sample, o, at] : [sample, o, call * each + at];
        lines.push(`${number(name[0], 3)} ${number(name[1], 2)} ${number(name[2], 6)} ${port.elem === "f32" ? bits.getUint32(0).toString(16).padStart(8, "0") : value}`);
      });
    });
  }
  // Rows of a time with a bound: apart in C's arrays, with zeros behind their length, close together here.
  const rows = (port) => (port.timeAxis < 0 || d.batch > 1 ? 1 : port.shape.slice(0, port.timeAxis).reduce((a, b) => a * b, 1));
  function close(numbers, port, count) {
    const n = rows(port), apart = port.count / n;
    return numbers.filter((_, i) => i % apart < count / n);
  }
  function apart(numbers, port) {
    const n = rows(port), width = port.count / n, used = numbers.length / n;
    return Array.from({ length: port.count }, (_, i) => (i % width < used ? numbers[Math.floor(i / width) * used + (i % width)] : 0));
  }
  function whole(call, got) {
    report(call, Object.fromEntries(outs.map((port) => [port.name, apart(got[port.name], port)])));
  }

  const inputs = (call) => Object.fromEntries(ins.map((port, i) => [port.name, row(tables[i], port.role === "init" ? 0 : call)]));
  if (d.kind === "whole") {
    for (let c = 0; c < calls; c++) {
      const given = inputs(c);
      given.lengths = Object.fromEntries(d.lengths.map((l, i) => [l.name, d.batch > 1 ? lengths[c][i] : lengths[c][i][0]]));
      for (const port of ins)
        if (port.length !== undefined && d.batch === 1) {
          const n = given.lengths[d.lengths[port.length].name], size = port.count / port.shape[port.timeAxis];
          given[port.name] = close(given[port.name], port, size * (port.lengthHop ? Math.floor((n - port.lengthSize) / port.lengthHop) + 1 : n));
        }
      whole(c, model.run(given));
    }
  } else if (d.kind === "stream") {
    const state = model.stream(inputs(0));
    for (let c = 0; c < calls; c++) {
      const got = state.step(inputs(c));
      if (c < first !== (got === null)) throw new Error(`call ${c} has ${got ? "an" : "no"} output`);
      if (got) report(c, got);
    }
  } else {
    const state = model.window(inputs(0));
    const total = tables[ins.findIndex((p) => p.every)];
    let call = 0;
    for (let s = 0; s < total.numbers.length / total.width; s++) {
      const given = Object.fromEntries(ins.map((port, i) => [port.name, row(tables[i], port.every ? s : call)]));
      const got = state.push(given);
      if (got) report(call++, got);
    }
    if (call !== calls) throw new Error(`${call} windows, not ${calls}`);
  }
  return lines.sort();
}

for (const name of readdirSync(dir)) {
  try {
    const lines = await run(join(dir, name, "check.c"), join(dir, name, "model.wasm"));
    writeFileSync(join(dir, name, "wasm.bits"), lines.map((line) => line + "\n").join(""));
  } catch (error) {
    console.log(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
}
