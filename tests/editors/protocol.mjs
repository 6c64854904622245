// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A second client: the protocol library that VS Code is made of, with its types and its connection.
//
//   protocol.mjs NODE_MODULES GRUS
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'

setTimeout(() => { console.log('no answer for 50 s'); process.exit(1) }, 50000).unref()
const require = createRequire(join(process.argv[2], 'x'))
const lsp = require('vscode-languageserver-protocol/node')
const server = spawn(process.argv[3], ['lsp'], { stdio: ['pipe', 'pipe', 'inherit'] })
const connection = lsp.createProtocolConnection(new lsp.StreamMessageReader(server.stdout), new lsp.StreamMessageWriter(server.stdin))
connection.listen()
const published = () => new Promise(resolve => {
  const listener = connection.onNotification(lsp.PublishDiagnosticsNotification.type, p => { listener.dispose(); resolve(p.diagnostics) })
})
const uri = 'file:///nowhere/m.grus'
const text = 'grus 1\n\nmodel m {\n  in  x : f32[time 9, f 4]\n  out y : f32[3] = x |> GRU(3, direction=bth) |> last\n}\n'

const init = await connection.sendRequest(lsp.InitializeRequest.type, { processId: null, rootUri: null, capabilities: {}, workspaceFolders: null })
console.log(init.serverInfo.name, init.capabilities.positionEncoding, Object.keys(init.capabilities).filter(k => k.endsWith('Provider')).length, 'providers')
await connection.sendNotification(lsp.InitializedNotification.type, {})
let diagnostics = published()
await connection.sendNotification(lsp.DidOpenTextDocumentNotification.type, { textDocument: { uri, languageId: 'grus', version: 1, text } })
const [found] = await diagnostics
console.log(lsp.Diagnostic.is(found), found.code, found.message.split('\n')[0])
const [action] = await connection.sendRequest(lsp.CodeActionRequest.type, { textDocument: { uri }, range: found.range, context: { diagnostics: [found] } })
console.log(lsp.CodeAction.is(action), action.title, JSON.stringify(action.edit.changes[uri][0].newText))
diagnostics = published()
await connection.sendNotification(lsp.DidChangeTextDocumentNotification.type, { textDocument: { uri, version: 2 },
  contentChanges: [{ range: action.edit.changes[uri][0].range, text: action.edit.changes[uri][0].newText }] })
console.log((await diagnostics).map(d => d.code + ' ' + d.message.split('\n')[0]).join(''))
const hints = await connection.sendRequest(lsp.InlayHintRequest.type, { textDocument: { uri }, range: { start: { line: 0, character: 0 }, end: { line: 9, character: 0 } } })
console.log(hints.every(lsp.InlayHint.is), hints.map(h => h.label).join(' '))
const symbols = await connection.sendRequest(lsp.DocumentSymbolRequest.type, { textDocument: { uri } })
console.log(symbols.every(lsp.DocumentSymbol.is), symbols[0].children.map(s => s.name).join(' '))
const hover = await connection.sendRequest(lsp.HoverRequest.type, { textDocument: { uri }, position: { line: 4, character: 25 } })
console.log(lsp.Hover.is(hover), hover.contents.value.split('\n')[1])
await connection.sendRequest(lsp.ShutdownRequest.type)
await connection.sendNotification(lsp.ExitNotification.type)
server.on('exit', code => { console.log('exit', code); process.exit(code) })
