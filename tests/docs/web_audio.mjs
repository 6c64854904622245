// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// web_audio.mjs GRUS ROOT CHROMIUM DIR: docs/worlds/web-audio.md in a browser: its command, its worklet and its page, as they are
// printed. A constant stands in for the microphone, and the context renders offline, so that the samples can be compared
// with those of `grus run`. Exit code 77: this grus makes no WebAssembly.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const [grus, root, chromium, dir] = process.argv.slice(2);
const SAMPLES = 1024, LEVEL = 0.25, TOLERANCE = 1e-6, PATIENCE_MS = 600000;
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });
const read = (page) => readFileSync(join(root, "docs/worlds", page), "utf8");
const blocks = (text, fence) => text.split("```" + fence + "\n").slice(1).map((rest) => rest.split("\n```")[0] + "\n");

writeFileSync(join(dir, "amp.grus"), blocks(read("README.md"), "grus file(amp.grus)")[0]);
const page = read("web-audio.md"), [worklet, connect] = blocks(page, "js");
const command = blocks(page, "sh")[0].trim().split(" ").slice(1);
const built = spawnSync(grus, [...command, "--weights=random:1", "-q"], { cwd: dir, encoding: "utf8" });
if (/LLVM/.test(built.stderr) && built.status !== 0) {
  console.log(`skipped: ${built.stderr}`);
  process.exit(77);
}
assert.equal(built.status, 0, built.stderr);
writeFileSync(join(dir, worklet.match(/^\/\/ (\S+)/)[1]), worklet);
writeFileSync(join(dir, "index.html"), `<script type="module">
const report = (what) => fetch("/result", { method: "POST", body: JSON.stringify(what) });
const AudioContext = class extends OfflineAudioContext {
  constructor(options) { super(1, ${SAMPLES}, options.sampleRate); }
  createMediaStreamSource() {
    const source = new ConstantSourceNode(this, { offset: ${LEVEL} });
    source.start();
    return source;
  }
};
navigator.mediaDevices.getUserMedia = async () => null;
try {
${connect}
  report([...(await context.startRendering()).getChannelData(0)]);
} catch (error) {
  report(String(error.stack));
}
</script>`);

const types = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };
const heard = await new Promise((resolve) => {
  let browser;
  const server = createServer((request, response) => {
    if (request.method === "POST") {
      let body = "";
      request.on("data", (data) => (body += data));
      request.on("end", () => {
        response.end();
        resolve(JSON.parse(body));
        browser.kill("SIGKILL");
        server.close();
      });
      return;
    }
    const name = request.url.slice(1);
    if (!types[extname(name)]) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": types[extname(name)] });
    response.end(readFileSync(join(dir, name)));
  });
  server.listen(0, "127.0.0.1", () => {
    browser = spawn(chromium, ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${join(dir, "profile")}`,
      "--remote-debugging-port=0", `http://127.0.0.1:${server.address().port}/index.html`], { stdio: "ignore" });
  });
  setTimeout(() => (browser.kill("SIGKILL"), resolve("the browser did not answer in time")), PATIENCE_MS).unref();
});
assert.ok(Array.isArray(heard), String(heard));
writeFileSync(join(dir, "x.csv"), `${LEVEL}\n`.repeat(SAMPLES));
const wanted = execFileSync(grus, ["run", "amp.grus", "--weights=random:1", "x=x.csv", "-q"], { cwd: dir, encoding: "utf8" })
  .trim().split("\n").map(Number).filter((y) => !Number.isNaN(y));
assert.equal(heard.length, wanted.length);
heard.forEach((y, t) => assert.ok(Math.abs(y - wanted[t]) <= TOLERANCE, `sample ${t}: ${y} in the browser, ${wanted[t]} by grus run`));
console.log(`${heard.length} samples of an audio worklet as grus run computes them`);
process.exit(0);
