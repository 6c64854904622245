// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The playground: text on the left, what the compiler makes of it on the right. All of it happens here.
import { makeEditor } from "./editor.js";
import { showRun } from "./run.js";
import { fromHash, toHash } from "./share.js";

const at = (id) => document.getElementById(id);
const MAIN = "main.grus", LARGEST = 256 << 20;
const OPEN_LENGTH = "n <= 100", NOTE_DELAY_MS = 600;
const SHOWN_C = 200000; // characters of C in the page; Save gives all

// ---- the compiler, in a worker ----

const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const waiting = new Map();
let lastId = 0;
worker.onmessage = ({ data: { id, result, error } }) => {
  const { resolve, reject } = waiting.get(id);
  waiting.delete(id);
  error === undefined ? resolve(result) : reject(new Error(error));
};
worker.onerror = (event) => status(`the compiler could not be started: ${event.message || "no worker"}`);
const ask = (what, given = {}) => new Promise((resolve, reject) => {
  waiting.set(++lastId, { resolve, reject });
  worker.postMessage({ id: lastId, what, ...given });
});

const status = (text) => (at("status").textContent = text);

// ---- messages ----

const SEVERITY = ["", "error", "warning", "information", "hint"];
let editor, diagnostics = [];

function showDiagnostics(list) {
  diagnostics = list;
  const box = at("messages");
  box.replaceChildren(...list.map((one) => {
    const row = document.createElement("div"), place = document.createElement("button"), code = document.createElement("span"), fixes = document.createElement("div");
    row.className = `message ${SEVERITY[one.severity] ?? "error"}`;
    place.className = "place";
    place.textContent = `${one.range.start.line + 1}:${one.range.start.character + 1}`;
    place.onclick = () => editor.show(one.range);
    code.className = "code";
    code.textContent = ` ${one.code ?? ""} `;
    fixes.className = "fixes";
    const history = (one.relatedInformation ?? []).map((r) => `\n  ${r.location.range.start.line + 1}: ${r.message}`).join("");
    row.append(place, code, one.message + history, fixes);
    editor?.fixes(one).then((actions) => fixes.replaceChildren(...actions.map((action) => {
      const button = document.createElement("button");
      button.textContent = action.title;
      button.onclick = () => editor.apply(action);
      return button;
    }))).catch(() => {});
    return row;
  }));
  const errors = list.filter((one) => one.severity === 1).length;
  status(errors ? `${errors} error${errors > 1 ? "s" : ""}` : "no errors");
}

/** What a command said, where messages stand. */
function showText(text) {
  const row = document.createElement("div");
  row.className = "message error";
  row.textContent = text.trim();
  at("messages").append(row);
}

// ---- tabs ----

let tab = "drawing", text = "", shown = {};
const weights = []; // names of weight files that were given

const modelName = () => /\bmodel\s+(\w+)/.exec(text)?.[1] ?? "model";
/** --weights, where the files that the text names are not here. */
function weightArguments() {
  const named = /\bweights\s+\w+\s+"([^"]+)"/.exec(text)?.[1];
  if (named && weights.includes(named)) return [];
  if (weights.length && !named) return ["--weights", weights[weights.length - 1]];
  return ["--weights", "random:1"];
}

const makers = {
  async drawing() {
    const made = await ask("run", { args: ["inspect", MAIN, "--svg", "-o", "out.svg"], write: { [MAIN]: text }, read: ["out.svg"] });
    if (made.code !== 0 || !made.files["out.svg"]) return false;
    at("drawing").innerHTML = new TextDecoder().decode(made.files["out.svg"]); // escaped by the compiler
    return true;
  },
  async costs() {
    const made = await ask("run", { args: ["inspect", MAIN, ...weightArguments()], write: { [MAIN]: text } });
    if (made.code !== 0) return false;
    at("costs").firstElementChild.textContent = made.stdout;
    return true;
  },
  async code() {
    const made = await ask("run", { args: ["build", MAIN, "--weights", "extern", "--emit=header", "-o", "out.h", "-q"], write: { [MAIN]: text }, read: ["out.h"] });
    if (made.code !== 0) return false;
    const c = new TextDecoder().decode(made.files["out.h"]);
    at("code").firstElementChild.textContent = `C99 for any processor, without the weights: ${c.length.toLocaleString()} characters${c.length > SHOWN_C ? `, the first ${SHOWN_C.toLocaleString()} shown` : ""}. On the command line: grus build ${modelName()}.grus -o ${modelName()}.h`;
    const pre = document.createElement("pre");
    pre.textContent = c.slice(0, SHOWN_C);
    at("code").lastElementChild.replaceChildren(pre);
    return true;
  },
  async run() {
    await showRun(at("run"), { ask, text, main: MAIN, weightArguments, example });
    return true;
  },
};

async function refresh() {
  if (shown[tab] === text) return;
  const wanted = text, now = tab;
  let made = false;
  try {
    made = await makers[now]();
  } catch (error) {
    showText(error.message);
  }
  at(now).classList.toggle("stale", !made);
  if (made) shown[now] = wanted;
}

function choose(name) {
  tab = name;
  text = editor.text();
  for (const button of at("tabs").children) button.setAttribute("aria-selected", String(button.dataset.tab === name));
  for (const pane of document.querySelectorAll(".tab")) pane.hidden = pane.id !== name;
  refresh();
}

// ---- examples, files, addresses ----

let example = null;
async function openExample(one) {
  example = one;
  weights.length = 0;
  const [content, ...files] = await Promise.all([one.model, ...one.files].map(async (name) => new Uint8Array(await (await fetch(`examples/${name}`)).arrayBuffer())));
  files.forEach((bytes, i) => {
    ask("write", { name: one.files[i], content: bytes }); // the worker keeps the order
    weights.push(one.files[i]);
  });
  setText(new TextDecoder().decode(content));
}

function setText(content) {
  shown = {};
  text = content;
  editor.set(content);
  refresh();
}

const isWeights = (name) => /\.(safetensors|npz|pt|pth|bin|ckpt)$/i.test(name);

async function take(file) {
  if (file.size > LARGEST) throw new Error(`${file.name} has ${(file.size / (1 << 20)).toFixed(0)} MiB, and a page reads 256 MiB at most: \`grus import ${file.name}\` on the command line has no such bound`);
  status(`reading ${file.name}`);
  const content = new Uint8Array(await file.arrayBuffer());
  if (/\.grus$/i.test(file.name)) {
    example = null;
    return setText(new TextDecoder().decode(content));
  }
  if (/\.wav$/i.test(file.name)) {
    document.dispatchEvent(new CustomEvent("recording", { detail: { name: file.name, content } }));
    return choose("run");
  }
  await ask("write", { name: file.name, content });
  weights.push(file.name);
  if (isWeights(file.name)) {
    shown = {};
    return refresh();
  }
  const read = ["imported.grus", "imported.safetensors"], command = ["import", file.name, "-o", "imported.grus"];
  let made = await ask("run", { args: command, read }), assumed = "";
  if (!made.files["imported.grus"] && made.stderr.includes("[E904]")) { // a length that only its user knows
    const bounded = await ask("run", { args: [...command, "--time", OPEN_LENGTH], read });
    if (bounded.files["imported.grus"]) (made = bounded), (assumed = `${file.name} leaves the length of its sequences open: it was read with --time "${OPEN_LENGTH}"; change the bound in the text.\n`);
  }
  if (!made.files["imported.grus"]) throw new Error(made.stderr || `${file.name} gave no model`);
  if (made.files["imported.safetensors"]) weights.push("imported.safetensors");
  example = null;
  setText(new TextDecoder().decode(made.files["imported.grus"]));
  if (assumed || made.stderr) setTimeout(() => showText(assumed + made.stderr), NOTE_DELAY_MS); // behind the first check
}

async function takeAll(list) {
  for (const file of list) {
    try {
      await take(file);
    } catch (error) {
      status(`${file.name} was not read`);
      showText(error.message);
    }
  }
}

function wireFiles() {
  at("open").onchange = (event) => takeAll(event.target.files);
  document.ondragover = (event) => (event.preventDefault(), document.body.classList.add("dropping"));
  document.ondragleave = () => document.body.classList.remove("dropping");
  document.ondrop = (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    takeAll(event.dataTransfer.files);
  };
  at("share").onclick = async () => {
    location.hash = await toHash(editor.text());
    try {
      await navigator.clipboard.writeText(location.href);
      status("the address holds the model, and is copied");
    } catch {
      status("the address holds the model");
    }
  };
  at("save").onclick = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([editor.text()], { type: "text/plain" }));
    link.download = `${modelName()}.grus`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
}

async function begin() {
  if (typeof WebAssembly === "undefined") return status("this browser has no WebAssembly, and the compiler is WebAssembly");
  const started = ask("start", { wasm: new URL("grus.wasm", import.meta.url).href });
  const examples = await (await fetch("examples/index.json")).json();
  at("examples").replaceChildren(...examples.map((one, i) => new Option(one.title, i)));
  at("examples").onchange = () => openExample(examples[at("examples").value]).catch((error) => showText(error.message));
  const transport = {
    async request(message) {
      const { messages, lost } = await ask("lsp", { message });
      if (lost) showText(`the model is too large for a page: ${lost}`);
      return messages;
    },
  };
  editor = makeEditor(at("editor"), "", transport, {
    onDiagnostics: showDiagnostics,
    onQuiet(now) {
      text = now;
      if (now) performance.mark("ready"); // the text has its shapes
      refresh();
    },
  });
  window.grus = { editor, choose, takeAll, ask }; // for the console, and for tests
  wireFiles();
  for (const button of at("tabs").children) button.onclick = () => choose(button.dataset.tab);
  const given = await fromHash(location.hash);
  if (given !== null) setText(given);
  else await openExample(examples[0]);
  await started;
}

begin().catch((error) => {
  status("the playground could not start");
  showText(`${error.message}${location.protocol === "file:" ? "; a page from a file may not load others: serve this folder, for instance `python3 -m http.server`" : ""}`);
});
