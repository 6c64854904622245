// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// page.mjs CHROMIUM SERVE.mjs PLAYGROUND DIR: the playground in a real browser, by the protocol of its debugger:
// it loads in time without a word on the console, an error shows while it is typed, a fix repairs it, models run, a
// file that is dropped is read, the denoiser lowers noise. Screenshots go to DIR.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [chromium, serve, playground, dir, ...models] = process.argv.slice(2);
const LOADS_IN_MS = Number(process.env.GRUS_PAGE_MS ?? 1500), PATIENCE_MS = 60000;
rmSync(dir, { recursive: true, force: true });
mkdirSync(dir, { recursive: true });

const server = spawn(process.execPath, [serve, playground, "0"], { stdio: ["ignore", "pipe", "inherit"] });
const url = await new Promise((resolve) => server.stdout.once("data", (data) => resolve(String(data).trim())));
const browser = spawn(chromium, ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", `--user-data-dir=${join(dir, "profile")}`, "--remote-debugging-pipe", "--autoplay-policy=no-user-gesture-required", "--window-size=1400,900",
  "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "about:blank"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
const end = (code) => {
  browser.kill("SIGKILL");
  server.kill();
  process.exit(code);
};
setTimeout(() => (console.log("the page did not end in time"), end(1)), 4 * PATIENCE_MS).unref();

// ---- the debugger's protocol: JSON with a NUL behind each message ----

const waiting = new Map(), said = [];
let lastId = 0, rest = "", session;
browser.stdio[4].on("data", (data) => {
  const parts = (rest + data).split("\0");
  rest = parts.pop();
  for (const part of parts) {
    const message = JSON.parse(part);
    if (message.id) waiting.get(message.id)?.(message);
    if (message.method === "Runtime.exceptionThrown") said.push(message.params.exceptionDetails.exception?.description ?? message.params.exceptionDetails.text);
    if (message.method === "Runtime.consoleAPICalled" && /error|warn|assert/.test(message.params.type)) said.push(message.params.args.map((a) => a.value ?? a.description).join(" "));
    if (message.method === "Log.entryAdded" && message.params.entry.level === "error") said.push(`${message.params.entry.text} ${message.params.entry.url ?? ""}`);
  }
});
const send = (method, params = {}) => new Promise((resolve, reject) => {
  const id = ++lastId;
  waiting.set(id, (message) => (message.error ? reject(new Error(`${method}: ${message.error.message}`)) : resolve(message.result)));
  browser.stdio[3].write(JSON.stringify({ id, method, params, ...(session ? { sessionId: session } : {}) }) + "\0");
});
async function evaluate(expression) {
  const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
  return result.value;
}
async function until(expression, what) {
  for (const start = Date.now(); Date.now() - start < PATIENCE_MS; ) {
    const value = await evaluate(`(async () => { try { const v = ${expression}; return typeof v === 'object' ? Boolean(v) : v } catch { return false } })()`);
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await picture("late");
  throw new Error(`${what} did not come: ${await evaluate("document.getElementById('status')?.textContent + ' / ' + document.getElementById('messages')?.textContent")} / ${said.join("; ")}`);
}
async function picture(name) {
  const { data } = await send("Page.captureScreenshot", { format: "png" });
  writeFileSync(join(dir, `${name}.png`), Buffer.from(data, "base64"));
}
async function drop(path, name) {
  const bytes = readFileSync(path).toString("base64");
  await evaluate(`grus.takeAll([new File([Uint8Array.from(atob(${JSON.stringify(bytes)}), (c) => c.charCodeAt(0))], ${JSON.stringify(name)})])`);
}

async function test() {
  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  session = (await send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
  for (const domain of ["Page", "Runtime", "Log"]) await send(`${domain}.enable`);
  await send("Emulation.setDeviceMetricsOverride", { width: 1400, height: 900, deviceScaleFactor: 1, mobile: false });

  let ready = Infinity; // the best of three, for the machine may be busy
  for (let i = 0; i < 3 && ready > LOADS_IN_MS; i++) {
    await send("Page.navigate", { url: "about:blank" });
    await send("Page.navigate", { url });
    const now = await until("performance.getEntriesByName('ready')[0]?.startTime", "the page");
    console.log(`shapes after ${now.toFixed(0)} ms`);
    ready = Math.min(ready, now);
  }
  assert.ok(ready <= LOADS_IN_MS, `the page needs ${ready.toFixed(0)} ms, more than ${LOADS_IN_MS}`);
  await until("document.querySelector('#drawing svg') && document.querySelectorAll('.shape-hint').length > 3", "the drawing and the shapes");
  await picture("gesture");

  // A shape that does not fit is shown while it is typed, with a fix that repairs it.
  await evaluate("grus.editor.set('grus 1\\nmodel m {\\n  in x : f32[time 6, feature 4]\\n  out y : f32[4] = x |> GRU(5) |> last |> Dense(3)\\n}\\n')");
  await until("document.querySelector('.message.error .code')?.textContent.includes('E302')", "the diagnostic");
  await until("document.querySelector('.cm-lintRange-error')", "the mark in the text");
  await until("document.querySelector('.message .fixes button')", "its fix");
  await picture("error");
  await evaluate("document.querySelector('.message .fixes button').click()");
  await until("grus.editor.text().includes('Dense(4)') && !document.querySelector('.message.error')", "the repair");

  await evaluate("grus.choose('code')");
  await until("document.querySelector('#code pre')?.textContent.includes('m_run(')", "the C");
  await evaluate("grus.choose('costs')");
  await until("document.querySelector('#costs pre').textContent.includes('GRU')", "the costs");

  // Each example runs.
  const n = await evaluate("document.getElementById('examples').length");
  for (let i = 0; i < n; i++) {
    await evaluate(`(() => { grus.choose('drawing'); const s = document.getElementById('examples'); s.value = ${i}; s.onchange(); document.getElementById('run').replaceChildren(); })()`);
    const title = await evaluate("document.getElementById('examples').selectedOptions[0].textContent");
    await until(`document.getElementById('status').textContent === 'no errors' && grus.editor.text().includes('model ' + ${JSON.stringify(title)}.split(':')[0])`, `example ${title}`);
    await evaluate("grus.choose('run')");
    const note = await until("document.querySelector('#run figure') && document.querySelector('#run-note').textContent", `a run of ${title}`);
    console.log(`${title}: ${note}`);
    await picture(`run_${title.split(":")[0]}`);
  }

  // A model of 12 MB, which a browser does not instantiate while it waits.
  await evaluate("grus.choose('drawing'); grus.editor.set('grus 1\\nmodel wide {\\n  in x : f32[500]\\n  out y : f32[6000] = x |> Dense(6000)\\n}\\n')");
  await evaluate("grus.choose('run')");
  console.log(await until("/multiply-adds/.test(document.querySelector('#run-note').textContent) && grus.editor.text().includes('model wide') && /3,000,000/.test(document.querySelector('#run-note').textContent) && document.querySelector('#run-note').textContent", "a run of a large model"));

  // Sound through the denoiser: less noise than before.
  await evaluate("(() => { grus.choose('drawing'); const s = document.getElementById('examples'); s.value = 1; s.onchange(); })()");
  await until("grus.editor.text().includes('model denoiser')", "the denoiser");
  await evaluate("grus.choose('run')");
  await until("[...document.querySelectorAll('#run button')].some((b) => b.textContent.includes('through'))", "its buttons");
  await new Promise((resolve) => setTimeout(resolve, 500));
  await evaluate("[...document.querySelectorAll('#run button')].find((b) => b.textContent.includes('through')).click()");
  const sound = await until("/dB after/.test(document.querySelector('#run-note').textContent) && document.querySelector('#run-note').textContent", "its sound");
  console.log(sound);
  const [, before, after] = /([-\d.]+) dB before, ([-\d.]+) dB after/.exec(sound);
  assert.ok(Number(after) > Number(before) + 5, sound);
  await evaluate("[...document.querySelectorAll('#run button')].find((b) => b.textContent === 'Microphone').click()");
  await until("/microphone ->/.test(document.querySelector('#run-note').textContent)", "the audio worklet");
  await evaluate("[...document.querySelectorAll('#run button')].find((b) => b.textContent === 'Stop').click()");
  await until("[...document.querySelectorAll('#run button')].some((b) => b.textContent === 'Microphone')", "its end");

  // Files: models of others, and what is none.
  for (const model of models) {
    const name = model.split("/").pop();
    await evaluate("grus.choose('drawing')");
    await evaluate("grus.editor.set('')");
    await drop(model, name);
    await until("document.getElementById('status').textContent === 'no errors' && grus.editor.text().includes('model ') && document.querySelector('#drawing svg')", name);
    console.log(`${name}: ${await evaluate("grus.editor.text().split('\\n').length")} lines`);
  }
  await drop(serve, "broken.onnx");
  await until("document.getElementById('messages').textContent.includes('broken.onnx')", "a word about a broken file");
  await evaluate("grus.takeAll([{ name: 'huge.onnx', size: 300 * 1024 * 1024 }])");
  await until("document.getElementById('messages').textContent.includes('256 MiB')", "a word about a huge file");

  // A browser without vectors: models are built without, and run.
  const { identifier } = await send("Page.addScriptToEvaluateOnNewDocument", { source: "WebAssembly.validate = () => false; globalThis.grusNoVectors = true;" });
  await send("Page.navigate", { url: "about:blank" });
  await send("Page.navigate", { url });
  await until("grusNoVectors && document.getElementById('status').textContent === 'no errors' && document.querySelector('#drawing svg')", "the page without vectors");
  await evaluate("grus.choose('run')");
  const plain = await until("document.querySelector('#run figure') && document.querySelector('#run-note').textContent", "a run without vectors");
  assert.match(plain, /without vectors|generic/, plain);
  console.log(plain);
  await send("Page.removeScriptToEvaluateOnNewDocument", { identifier });

  // The address holds the model.
  await evaluate("grus.editor.set('grus 1\\nmodel shared {\\n  in x : f32[2]\\n  out y : f32[3] = x |> Dense(3)\\n}\\n')");
  await evaluate("document.getElementById('share').click()");
  const hash = await until("location.hash", "the address");
  await send("Page.navigate", { url: "about:blank" });
  await send("Page.navigate", { url: url + hash });
  await until("grus.editor.text().includes('model shared')", "the model of the address");
  assert.deepEqual(said, [], "the console is silent");
}

try {
  await test();
  console.log("ok");
  end(0);
} catch (error) {
  console.log(error.message, said.join("\n"));
  end(1);
}
