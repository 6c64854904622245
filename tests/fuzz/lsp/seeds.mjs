// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Writes the corpus: seeds.mjs FOLDER
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const uri = 'file:///m.grus'
const text = 'grus 1\nparam n = 4\nblock B(k) { in x out y = x |> Dense(k) }\nmodel m {\n  in x : f32[time 9, f 4] # \u{1F40B}\n' +
  '  let h = x |> GRU(n) |> B(3)\n  out y : f32[3] = h |> last\n}\n'
const frame = m => { const s = typeof m === 'string' ? m : JSON.stringify({ jsonrpc: '2.0', ...m }); return `Content-Length: ${Buffer.byteLength(s)}\r\n\r\n${s}` }
const position = { line: 5, character: 18 }, range = { start: { line: 0, character: 0 }, end: { line: 9, character: 0 } }
const begin = [{ id: 1, method: 'initialize', params: { capabilities: { general: { positionEncodings: ['utf-8'] } } } },
  { method: 'textDocument/didOpen', params: { textDocument: { uri, version: 1, text } } }]
const ask = (method, more = {}) => ({ id: method, method, params: { textDocument: { uri }, position, range, context: { includeDeclaration: true }, ...more } })
const change = (...contentChanges) => ({ method: 'textDocument/didChange', params: { textDocument: { uri, version: 2 }, contentChanges } })
const seeds = {
  look: ['hover', 'definition', 'references', 'documentHighlight', 'prepareRename', 'signatureHelp', 'completion'].map(m => ask(`textDocument/${m}`)),
  outline: ['documentSymbol', 'foldingRange', 'semanticTokens/full', 'codeLens', 'inlayHint', 'formatting', 'documentLink'].map(m => ask(`textDocument/${m}`)),
  drawing: [ask('grus/drawing'), ask('textDocument/rename', { newName: 'hidden' }), ask('textDocument/rename', { newName: 'in' })],
  edits: [change({ range: { start: { line: 5, character: 2 }, end: { line: 6, character: 1 } }, text: 'let h = x |> lstm(' }), ask('textDocument/codeAction'),
    ask('textDocument/completion'), change({ text: 'grus 1\n' }, { range: { start: { line: 77, character: 5 }, end: { line: 99, character: 0 } }, text: '\u0000' }), ask('textDocument/inlayHint')],
  utf16: [{ id: 9, method: 'initialize', params: {} }, ask('textDocument/semanticTokens/full')],
  life: [{ method: '$/cancelRequest', params: { id: 'x' } }, { id: 3, method: 'nothing' }, { id: 4, method: 'shutdown' }, ask('textDocument/hover'), { method: 'exit' }],
  broken: ['{', '[]', 'null', '{"id":{}}', '{"id":1}', '{"method":7,"id":1}']
}
for (const [name, list] of Object.entries(seeds)) {
  const start = name === 'utf16' ? [{ id: 1, method: 'initialize', params: {} }, begin[1]] : begin
  writeFileSync(join(process.argv[2], name), `\u0030${[...start, ...list].map(frame).join('')}`)
}
writeFileSync(join(process.argv[2], 'frames'), '\u0005Content-Length: 99999999999\r\n\r\nabc\r\nContent-length: -1\r\n\r\nX: 1\n\ncontent-length:2\n\n{}')
