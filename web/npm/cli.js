#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// `grus` of the npm package: the files that the arguments name, and those beside them, in memory; what the
// command writes goes to the disk.
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Files, load } from "./index.js";

const LARGEST = 256 << 20, MOST_FILES = 1000;
const args = process.argv.slice(2), files = new Files(), before = new Map();

function take(path) {
  if (before.has(path) || before.size >= MOST_FILES) return;
  try {
    const info = statSync(path);
    if (!info.isFile() || info.size > LARGEST) return;
    const bytes = readFileSync(path);
    before.set(path, bytes);
    files.write(path, bytes);
  } catch {
    // not there: it may be what the command writes
  }
}

for (const word of args) {
  const path = word.includes("=") ? word.slice(word.indexOf("=") + 1) : word;
  if (path.startsWith("-") || !path || path.startsWith("/") || path.startsWith("..")) continue;
  take(path);
  if (/\.grus$/.test(path))
    for (const name of readdirSync(dirname(path))) if (/\.(grus|safetensors|npz|pt|pth|bin|ranges|onnx|nam|json|tflite|pt2|keras|h5)$/.test(name)) take(join(dirname(path), name));
}
const { code, bytes, stderr } = await (await load()).run(args, files);
for (const name of files.names()) {
  const now = files.read(name), old = before.get(name);
  if (old && Buffer.compare(old, now) === 0) continue;
  mkdirSync(dirname(name), { recursive: true });
  writeFileSync(name, now);
}
process.stdout.write(bytes);
process.stderr.write(stderr);
process.exitCode = code;
