// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What could be typed, at every kind of place; options of a stage; fixes by kind; formatting.
//
//   complete.mjs GRUS
import { Client } from './client.mjs'
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

setTimeout(() => { console.log('no answer for 50 s'); process.exit(1) }, 50000).unref()
const folder = mkdtempSync(join(tmpdir(), 'grus-lsp-'))
const uri = `file://${folder}/model.grus`
const say = (title, value) => console.log(`${title}\n${(typeof value === 'string' ? value : JSON.stringify(value)).replaceAll(folder, 'DIR').replace(/^/gm, '  ')}`)
const range = r => `${r.start.line}:${r.start.character}-${r.end.line}:${r.end.character}`
const client = new Client(process.argv[2])
await client.initialize()

const header = Buffer.from(JSON.stringify({
  'net.rnn.weight': { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16] },
  'net.rnn.bias': { dtype: 'F32', shape: [2], data_offsets: [16, 24] },
  'head/kernel': { dtype: 'F32', shape: [1], data_offsets: [24, 28] },
  alone: { dtype: 'F32', shape: [1], data_offsets: [28, 32] }
}))
const size = Buffer.alloc(8)
size.writeBigUInt64LE(BigInt(header.length))
writeFileSync(join(folder, 'w.safetensors'), Buffer.concat([size, header, Buffer.alloc(32)]))

const model = `grus 1
param units = 4
block Twice(width, fn) {
  in  x
  let inner = x |> Dense(width)
  out y = inner |> Dense(width)
}
model m {
  weights torch "w.safetensors"
  in  x : f32[time 9, freq 5, 3]
  in  skip : f32[freq 5, 3]
  let h = x |> GRU(units)
  out y : f32[9] = h |> last |> flatten |> Dense(9)
}
`
let version = 1
await client.open(uri, model)
// The text with \`old\` as \`new\`, in which | is the cursor.
const at = async (old, now, method, more = {}) => {
  await client.change(uri, ++version, [{ text: model }])
  const marked = model.replace(old, () => now), mark = marked.indexOf('@'), before = marked.slice(0, mark).split('\n')
  await client.change(uri, ++version, [{ text: marked.replace('@', '') }])
  return client.request(method, { textDocument: { uri }, position: { line: before.length - 1, character: before.at(-1).length }, ...more })
}
const complete = async (title, old, now, keep = () => true) => {
  const { items } = await at(old, now, 'textDocument/completion')
  say(title, items.filter(keep).map(i => `${i.label}${i.detail ? ` (${i.detail})` : ''}${i.insertText ? ` -> ${i.insertText}` : ''}`).join('\n') || 'nothing')
}
const last = 'h |> last |> flatten |> Dense(9)'
await complete('in the brackets of a block', last, 'h |> Twice(@')
await complete('behind an option of a block', last, 'h |> Twice(width=@')
await complete('in a block: its values and formals', 'inner |> Dense(width)', 'inner + @', i => i.kind !== 3)
await complete('in brackets that no stage has', last, 'h + (@', i => i.kind !== 3)
await complete('behind an option that the stage has not', last, 'h |> GRU(3, colour=@')
await complete('behind an option that is a number', last, 'h |> leaky_relu(slope=@')
await complete('where the first argument is a value', last, 'concat(@', i => i.detail !== 'optional' && i.label.length < 6)
await complete('in a comment', last, 'h # @')
await complete('in a string', last, 'h |> Dense(9, name="@")')
await complete('in from="', last, 'h |> last |> flatten |> Dense(9, from="@")')
await complete('types', 'skip : f32', 'skip : @')
await complete('a shape', 'f32[freq 5, 3]', 'f32[@, 3]')
await complete('lints', '  let h', '  allow @\n  let h', i => i.label.startsWith('state'))
await complete('precisions', '  let h', '  precision @\n  let h')
await complete('frameworks', 'torch "w.safetensors"', '@')
await complete('a statement of a body', '  let h', '  @\n  let h')
await complete('a statement of the file', 'param units = 4', '@\nparam units = 4')
await complete('behind an input', '  let h', '  in z : f32[2] @\n  let h')
await complete('fields of what has none', last, 'skip.@')
await complete('behind |> of a block', last, 'h |> T@', i => i.detail === 'block')
// Weights that are no weights.
writeFileSync(join(folder, 'w.safetensors'), 'nothing')
await complete('in from=" of a damaged file', last, 'h |> Dense(9, from="@")')

const help = async (title, now) => {
  const got = await at(last, now, 'textDocument/signatureHelp')
  say(title, got ? `${got.signatures[0].label}\nactive ${got.activeParameter} of ${got.signatures[0].parameters.length}` : 'nothing')
}
await help('signature at a value', 'slice(@h, 1, 2)')
await help('signature at the second', 'h |> slice(1, @2)')
await help('signature at a key', 'h |> softmax(along=@')
await help('signature at an unknown key', 'h |> softmax(colour=@')
await help('signature of a stage of several values', 'concat(h, @h)')
await help('signature of a block', 'h |> Twice(@3)')
await help('signature of nothing', 'h |> last @')

const wrong = model.replace('out y : f32[9]', 'out y').replace('flatten', 'flaten').replace('param units = 4', 'param units = 4\nmodel n {\n  in  x : f32[2]\n  out y = x |> tanh\n}')
await client.change(uri, ++version, [{ text: wrong }])
const everywhere = { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } }
for (const only of [undefined, ['quickfix'], ['source'], ['source.fixAll'], ['refactor'], []]) {
  const actions = await client.request('textDocument/codeAction', { textDocument: { uri }, range: everywhere, context: { diagnostics: [], only } })
  say(`fixes of kind ${only}`, actions.map(a => `${a.kind}: ${a.title}${a.kind === 'source.fixAll' ? `\n${a.edit.changes[uri][0].newText.split('\n').find(l => l.includes('tanh'))}` : ''}`).join('\n') || 'none')
}
await client.change(uri, ++version, [{ text: model.replace('  in  x : f32[time', '  in   x:f32[time') }])
const edits = await client.request('textDocument/formatting', { textDocument: { uri }, options: {} })
say('formatting', edits.map(e => `${range(e.range)} ${e.newText === model ? 'what it was' : e.newText}`).join('\n'))
await client.change(uri, ++version, [{ text: model.replace('model m {', 'model m (') }])
say('formatting of what cannot be read', await client.request('textDocument/formatting', { textDocument: { uri }, options: {} }))
say('exit code', await client.stop())
rmSync(folder, { recursive: true })
