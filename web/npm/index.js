// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The npm package: check a model, build it, run it.
import { Compiler, Files } from "../src/compiler.js";
import { GrusModelError, hasSimd, loadModel } from "../../runtime/wasm/model.js";

export { Compiler, Files, GrusModelError, hasSimd, loadModel };

/** A model with errors, or a command that failed: the compiler's words, and diagnostics as data. */
export class GrusError extends Error {
  constructor(message, diagnostics = []) {
    super(message);
    this.name = "GrusError";
    this.diagnostics = diagnostics;
  }
}

let compiler;
/** The compiler of this package; loaded once. */
export function load() {
  return (compiler ??= (async () => {
    const url = new URL("./grus.wasm", import.meta.url);
    if (url.protocol !== "file:") return Compiler.load(await (await fetch(url)).arrayBuffer());
    const { readFile } = await import("node:fs/promises");
    return Compiler.load(await readFile(url));
  })());
}

const MAIN = "model.grus";
const filesOf = (source, files) => new Files({ ...files, [MAIN]: source });

/** Diagnostics of a model as objects; none: it is well. files: what it uses, by name. */
export async function check(source, { files = {}, args = [] } = {}) {
  const { stdout, stderr, code } = await (await load()).run(["check", MAIN, "--diagnostics", "json", ...args], filesOf(source, files));
  const lines = (stdout + stderr).split("\n").filter((line) => line.startsWith("{"));
  if (code > 1) throw new GrusError(stderr || stdout);
  return lines.map((line) => JSON.parse(line));
}

/** What `grus build` writes, by name. emit: "c", "header" or "wasm". */
export async function build(source, { emit = "wasm", weights, files = {}, args = [] } = {}) {
  const made = filesOf(source, files), before = new Set(made.names());
  const out = { c: "model.c", header: "model.h", wasm: "model.wasm" }[emit];
  if (!out) throw new GrusError(`emit is "c", "header" or "wasm", not ${JSON.stringify(emit)}`);
  const given = weights === undefined ? [] : ["--weights", weights];
  const { code, stderr } = await (await load()).run(["build", MAIN, `--emit=${emit}`, "-o", out, "-q", ...given, ...args], made);
  if (code !== 0) throw new GrusError(stderr, await check(source, { files }));
  return Object.fromEntries(made.names().filter((name) => !before.has(name)).map((name) => [name, made.read(name)]));
}

/** A model that runs: what `build` makes as WebAssembly, loaded. */
export async function compile(source, options = {}) {
  const target = hasSimd() ? [] : ["--target", "generic"];
  const built = await build(source, { ...options, emit: "wasm", args: [...target, ...(options.args ?? [])] });
  return loadModel(built["model.wasm"]);
}

/** A model of another framework as text and weights: { source, files }, for build and compile. */
export async function importModel(name, bytes, { files = {}, args = [] } = {}) {
  const made = new Files({ ...files, [name]: bytes });
  const { code, stderr } = await (await load()).run(["import", name, "-o", "imported.grus", ...args], made);
  if (code !== 0) throw new GrusError(stderr);
  const weights = made.read("imported.safetensors");
  return { source: new TextDecoder().decode(made.read("imported.grus")), files: weights ? { "imported.safetensors": weights } : {}, notes: stderr };
}
