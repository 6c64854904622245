// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// bundle.mjs ROOT WORK VERSION: the playground and the npm package out of web/, runtime/wasm, the examples and
// the compiler. The packages are those of WORK/modules.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [root, work, version] = process.argv.slice(2);
const modules = join(work, "modules");
const { buildSync } = createRequire(join(modules, "package.json"))("esbuild");
const web = join(root, "web"), page = join(work, "playground"), pack = join(work, "npm", "package");
const shared = { bundle: true, minify: true, format: "esm", target: "es2022", nodePaths: [join(modules, "node_modules")], logLevel: "warning", metafile: true, legalComments: "none", external: ["node:fs/promises"] };

/** The licences of the packages in a bundle. */
function notices(...metafiles) {
  const names = new Set();
  for (const { inputs } of metafiles)
    for (const path of Object.keys(inputs)) {
      const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
      if (found) names.add(found[1]);
    }
  return [...names].sort().map((name) => {
    const dir = join(modules, "node_modules", name), file = readdirSync(dir).find((one) => /^licen[sc]e/i.test(one));
    const { license } = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
    return `${name}: ${license}\n\n${file ? readFileSync(join(dir, file), "utf8") : ""}\n`;
  }).join("\n");
}

// ---- examples ----

const examples = [
  { title: "gesture: what a watch sees", model: "gesture.grus", from: "examples/gesture", files: ["gesture.safetensors"] },
  { title: "denoiser: speech without noise", model: "denoiser.grus", from: "examples/denoiser", files: ["denoiser.safetensors"], sound: "noisy.wav", clean: "clean.wav" },
  { title: "amp: a guitar amplifier", model: "amp.grus", from: "examples/amp", files: [] },
  { title: "vowels: who said it", model: "vowels.grus", from: "examples/japanese_vowels", files: ["vowels.safetensors"] },
  { title: "sentiment: two inputs, one length", model: "sentiment.grus", from: "examples/language", files: [] },
  { title: "tracker: a state given by the caller", model: "tracker.grus", from: "examples/language", files: [] },
  { title: "kws: keywords", model: "kws.grus", from: "examples/language", files: [] },
];

function copyExamples() {
  const to = join(page, "examples");
  mkdirSync(to, { recursive: true });
  for (const one of examples)
    for (const name of [one.model, ...one.files, one.sound, one.clean].filter(Boolean)) cpSync(join(root, one.from, name), join(to, name));
  writeFileSync(join(to, "index.json"), JSON.stringify(examples.map(({ from, ...rest }) => rest)));
}

// ---- the playground ----

rmSync(page, { recursive: true, force: true });
mkdirSync(page, { recursive: true });
const scripts = buildSync({ ...shared, entryPoints: ["page", "worker", "worklet"].map((name) => join(web, "src", `${name}.js`)), outdir: page });
buildSync({ ...shared, entryPoints: [join(web, "src/page.css")], outdir: page });
cpSync(join(web, "index.html"), join(page, "index.html"));
cpSync(join(work, "wasm/bin/grus.wasm"), join(page, "grus.wasm"));
copyExamples();
writeFileSync(join(page, "NOTICES.txt"), notices(scripts.metafile));

// ---- the npm package ----

rmSync(join(work, "npm"), { recursive: true, force: true });
mkdirSync(pack, { recursive: true });
const library = buildSync({ ...shared, minify: false, platform: "neutral", mainFields: ["module", "main"], entryPoints: [join(web, "npm/index.js")], outfile: join(pack, "index.js") });
for (const name of ["index.d.ts", "README.md", "cli.js"]) cpSync(join(web, "npm", name), join(pack, name));
cpSync(join(work, "wasm/bin/grus.wasm"), join(pack, "grus.wasm"));
cpSync(join(root, "LICENSE"), join(pack, "LICENSE"));
writeFileSync(join(pack, "NOTICES.txt"), notices(library.metafile));
writeFileSync(join(pack, "package.json"), JSON.stringify({ ...JSON.parse(readFileSync(join(web, "npm/package.json"), "utf8")), version }, null, 2) + "\n");
execFileSync("npm", ["pack", "--silent", "--pack-destination", join(work, "npm")], { cwd: pack, stdio: ["ignore", "ignore", "inherit"] });

const size = (path) => `${(statSync(path).size / 1024).toFixed(0)} KiB`;
console.log(`${page}: grus.wasm ${size(join(page, "grus.wasm"))}, page.js ${size(join(page, "page.js"))}`);
console.log(`${join(work, "npm")}/grus-${version}.tgz: ${size(join(work, "npm", `grus-${version}.tgz`))}`);
