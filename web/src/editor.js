// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The editor: CodeMirror with the language server of the compiler; shapes are shown behind the stages.
import { basicSetup } from "codemirror";
import { EditorView, Decoration, ViewPlugin, WidgetType } from "@codemirror/view";
import { StreamLanguage } from "@codemirror/language";
import { LSPClient, LSPPlugin, languageServerExtensions } from "@codemirror/lsp-client";
import { StateEffect, StateField } from "@codemirror/state";
import { setDiagnostics } from "@codemirror/lint";

export const URI = "file:///main.grus";
const HINT_DELAY_MS = 120;

const keywords = /^(grus|model|block|in|out|let|param|weights|ranges|use|allow|precision|state|every|time|index|dim)\b/;
const grus = StreamLanguage.define({
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^#.*/)) return "comment";
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string";
    if (stream.match(/^\d+(\.\d+)?([eE][-+]?\d+)?[a-zA-Z]*/)) return "number";
    if (stream.match(keywords)) return "keyword";
    if (stream.match(/^(f32|f16|i8|i16|i32|u8|u16)\b/)) return "typeName";
    if (stream.match(/^[A-Z]\w*/)) return "className";
    if (stream.match(/^\|>/)) return "operator";
    if (stream.match(/^\w+/)) return "variableName";
    stream.next();
    return null;
  },
  languageData: { commentTokens: { line: "#" } },
});

class Hint extends WidgetType {
  constructor(label) {
    super();
    this.label = label;
  }
  eq(other) {
    return other.label === this.label;
  }
  toDOM() {
    const span = document.createElement("span");
    span.className = "shape-hint";
    span.textContent = this.label;
    return span;
  }
}

const setHints = StateEffect.define();
const hints = StateField.define({
  create: () => Decoration.none,
  update(value, transaction) {
    value = value.map(transaction.changes);
    for (const effect of transaction.effects) if (effect.is(setHints)) value = effect.value;
    return value;
  },
  provide: (field) => EditorView.decorations.from(field),
});

const offset = (doc, { line, character }) => Math.min(doc.line(Math.min(line + 1, doc.lines)).from + character, doc.length);

/** Asks for the hints and the fixes of a text that has rested. */
function watcher(onQuiet) {
  return ViewPlugin.fromClass(class {
    constructor(view) {
      this.view = view;
      this.plan();
    }
    update(update) {
      if (update.docChanged) this.plan();
    }
    plan() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask().catch(() => {}), HINT_DELAY_MS);
    }
    async ask() {
      const plugin = LSPPlugin.get(this.view);
      if (!plugin) return;
      await plugin.client.initializing;
      plugin.client.sync();
      const { doc } = this.view.state;
      const range = { start: { line: 0, character: 0 }, end: { line: doc.lines, character: 0 } };
      const found = (await plugin.client.request("textDocument/inlayHint", { textDocument: { uri: URI }, range })) || [];
      if (this.view.state.doc !== doc) return; // typed on
      const widgets = found.map((hint) => Decoration.widget({ widget: new Hint(typeof hint.label === "string" ? hint.label : hint.label.map((part) => part.value).join("")), side: 1 })
        .range(offset(doc, hint.position)));
      this.view.dispatch({ effects: setHints.of(Decoration.set(widgets, true)) });
      onQuiet(doc.toString());
    }
    destroy() {
      clearTimeout(this.timer);
    }
  });
}

/** transport: { request(message) -> messages }. Calls onDiagnostics(list) and onQuiet(text). */
export function makeEditor(parent, text, transport, { onDiagnostics, onQuiet }) {
  const handlers = new Set();
  const client = new LSPClient({
    rootUri: "file:///",
    extensions: languageServerExtensions(),
    notificationHandlers: {
      "textDocument/publishDiagnostics": (_client, params) => {
        onDiagnostics(params.diagnostics);
        return false;
      },
    },
  });
  client.connect({
    send(message) {
      transport.request(JSON.parse(message)).then((messages) => messages.forEach((one) => handlers.forEach((handler) => handler(JSON.stringify(one)))));
    },
    subscribe: (handler) => handlers.add(handler),
    unsubscribe: (handler) => handlers.delete(handler),
  });
  const view = new EditorView({
    doc: text,
    parent,
    extensions: [basicSetup, grus, hints, client.plugin(URI, "grus"), watcher(onQuiet), EditorView.contentAttributes.of({ "aria-label": "the model" })],
  });
  const fixes = async (diagnostic) => {
    client.sync();
    const actions = await client.request("textDocument/codeAction", { textDocument: { uri: URI }, range: diagnostic.range, context: { diagnostics: [diagnostic] } });
    return (actions || []).filter((action) => action.edit);
  };
  const apply = (action) => {
    const edits = Object.values(action.edit.changes || {})[0] || action.edit.documentChanges?.[0]?.edits || [];
    const { doc } = view.state;
    view.dispatch({ changes: edits.map((edit) => ({ from: offset(doc, edit.range.start), to: offset(doc, edit.range.end), insert: edit.newText })) });
  };
  const set = (content) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: content } }, setDiagnostics(view.state, []));
  const show = ({ start }) => {
    const at = offset(view.state.doc, start);
    view.dispatch({ selection: { anchor: at }, scrollIntoView: true });
    view.focus();
  };
  return { view, client, fixes, apply, set, show, text: () => view.state.doc.toString() };
}
