// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The extension in node, with a stand-in for the module `vscode`: it starts the server, its
// commands are those of package.json, the drawing follows the cursor, build is a task with a matcher.
//
//   extension.mjs src/extension.js GRUS
import { readFileSync } from 'node:fs'
import Module from 'node:module'
import assert from 'node:assert'

setTimeout(() => { console.log('no answer for 50 s'); process.exit(1) }, 50000).unref()
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url)))
const commands = new Map(), tasks = [], shown = []
let onSelection, panel, server
const disposable = { dispose() {} }
const editor = {
  document: { languageId: 'grus', uri: { scheme: 'file', fsPath: '/tmp/m.grus', toString: () => 'file:///tmp/m.grus' }, save: async () => true },
  selection: { active: { line: 0, character: 0 } }
}
const vscode = {
  workspace: {
    getConfiguration: () => ({ get: key => key === 'path' ? process.argv[3] : [] }),
    createFileSystemWatcher: () => disposable, onDidChangeConfiguration: () => disposable
  },
  window: {
    activeTextEditor: editor, showErrorMessage: async text => shown.push(text), showInformationMessage: async text => shown.push(text),
    onDidChangeTextEditorSelection: listener => { onSelection = listener; return disposable },
    createWebviewPanel: () => panel = { webview: {}, onDidDispose: () => disposable }
  },
  commands: { registerCommand: (name, action) => { commands.set(name, action); return disposable } },
  tasks: { executeTask: async task => tasks.push(task) },
  ViewColumn: { Beside: -2 }, TaskScope: { Workspace: 2 },
  ProcessExecution: class { constructor(...all) { this.all = all } },
  Task: class { constructor(...all) { this.all = all } }
}
// The client of vscode-languageclient needs much of VS Code; this one speaks to the server itself.
const { Client } = await import('../../../tests/lsp/client.mjs')
class LanguageClient {
  constructor(id, name, options) { this.options = options }
  async start() {
    const { command, args } = this.options.run
    server = this.client = new Client(command, [...args, '--stdio'])
    await this.client.initialize()
  }
  sendRequest(method, params) { return this.client.request(method, params) }
  stop() { return this.client.stop() }
}
const load = Module._load
Module._load = (name, ...rest) => name === 'vscode' ? vscode
  : name === 'vscode-languageclient/node' ? { LanguageClient, TransportKind: { stdio: 0 } } : load(name, ...rest)
const require = Module.createRequire(import.meta.url)
const extension = require(process.argv[2])
const context = { subscriptions: [] }
await extension.activate(context)
assert.deepEqual([...commands.keys()].sort(), manifest.contributes.commands.map(c => c.command).sort())

await commands.get('grus.build')()
const [kind, , name, source, execution, matcher] = tasks[0].all
assert.equal(kind.type + name + source + matcher, 'grusbuildgrus$grus')
assert.deepEqual(execution.all[1], ['build', '--diagnostics=gcc', '/tmp/m.grus', '-o', '/tmp/m.h'])
assert.equal('$' + manifest.contributes.problemMatchers[0].name, matcher)

await commands.get('grus.drawing')()
assert.match(panel.webview.html, /No drawing: .*not open/)
assert.deepEqual(shown, [])
await server.open('file:///tmp/m.grus', 'grus 1\nmodel first {\n  in x : f32[4]\n  out y : f32[4] = x |> tanh\n}\n' +
  'model second {\n  in x : f32[4]\n  out y : f32[4] = x |> relu\n}\n')
for (const [line, title, stage] of [[3, 'first', 'tanh'], [7, 'second', 'relu']]) {
  editor.selection.active.line = line
  onSelection({ textEditor: editor })
  for (let wait = 0; panel.title !== title && wait < 200; wait++) await new Promise(resolve => setTimeout(resolve, 50))
  assert.equal(panel.title, title)
  assert.match(panel.webview.html, new RegExp(`<svg[^]*${stage}[^]*</svg>`))
}

const pattern = new RegExp(manifest.contributes.problemMatchers[0].pattern.regexp)
const match = pattern.exec('m.grus:3:7: error: `LSTM` needs a sequence [E301]')
assert.deepEqual(match.slice(1), ['m.grus', '3', '7', 'error', '`LSTM` needs a sequence', 'E301'])
await extension.deactivate()
console.log('commands, task, drawing and problem matcher: as they should be')
