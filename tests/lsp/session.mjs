// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One session with the language server, as a transcript: what is asked and what it answers.
//
//   session.mjs GRUS
import { Client, place } from './client.mjs'
import { execFileSync } from 'node:child_process'
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

setTimeout(() => { console.log('no answer for 50 s'); process.exit(1) }, 50000).unref()
const folder = mkdtempSync(join(tmpdir(), 'grus-lsp-'))
const uri = `file://${folder}/model.grus`
const say = (title, value) => {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  console.log(`${title}\n${text.replaceAll(folder, 'DIR').replace(/^/gm, '  ')}`)
}
const range = r => `${r.start.line}:${r.start.character}-${r.end.line}:${r.end.character}`
const words = list => list.map(i => i.label).join(' ')

const model = `grus 1

param units = 24

block Residual(width) {
  in  x
  out y = x + (x |> Dense(width) |> relu)
}

## a gesture
model gesture {
  in  imu : f32[time 100, axis 6]
  let h = imu |> GRU(units) |> Residual(units)
  out p : f32[8] = h |> last |> Dense(8) |> softmax
}
`
const client = new Client(process.argv[2])

// before `initialize`
say('hover before initialize', (await client.ask('textDocument/hover', {})).error)
const init = await client.initialize()
say('encoding', init.capabilities.positionEncoding)
say('unknown method', (await client.ask('textDocument/unheardOf', {})).error)
say('document that is not open', (await client.ask('textDocument/hover', { textDocument: { uri } })).error)

say('open: diagnostics', await client.open(uri, model))
const at = (word, n, plus) => ({ textDocument: { uri }, position: place(model, word, n, plus) })
const all = { textDocument: { uri } }

const hover = await client.request('textDocument/hover', at('GRU', 1, 1))
say('hover on GRU, up to its page', hover.contents.value.split('\n---\n')[0] + '\n' + range(hover.range))
say('hover on imu', (await client.request('textDocument/hover', at('imu |>', 1, 1))).contents.value)
say('hover on units', (await client.request('textDocument/hover', at('units)', 1, 1))).contents.value)
say('hover on Residual', (await client.request('textDocument/hover', at('Residual(units)', 1, 1))).contents.value)
say('hover on nothing', await client.request('textDocument/hover', { textDocument: { uri }, position: { line: 1, character: 0 } }))

const hints = await client.request('textDocument/inlayHint', { ...all, range: { start: { line: 0, character: 0 }, end: { line: 99, character: 0 } } })
say('shapes', hints.map(h => `${h.position.line}:${h.position.character} ${h.label}`).join('\n'))

const complete = async text => {
  const changed = model.replace('h |> last |> Dense(8) |> softmax', text)
  await client.change(uri, 2, [{ text: changed }])
  const end = place(changed, `f32[8] = ${text}`, 1, `f32[8] = ${text}`.length)
  const list = (await client.request('textDocument/completion', { textDocument: { uri }, position: end })).items
  await client.change(uri, 3, [{ text: model }])
  return list
}
say('completion behind |>, the first and the blocks', words((await complete('h |> ')).filter((item, i) => i < 3 || item.detail === 'block')))
say('completion inside GRU(', words((await complete('h |> GRU(')).filter((item, i) => i < 3 || !item.label.endsWith('='))))
say('completion behind direction=', words(await complete('h |> GRU(3, direction=')))
say('completion behind init=', words(await complete('h |> GRU(3, init=')))
say('completion behind h.', (await complete('h.')).map(i => i.label).join(' '))
say('completion behind =', words((await complete('')).slice(0, 6)))
const lstm = model.replace('GRU(units) |> Residual(units)', 'LSTM(units)')
await client.change(uri, 4, [{ text: lstm }])
const fields = lstm.replace('= h |> last |> Dense(8) |> softmax', '= h.')
await client.change(uri, 5, [{ text: fields }])
say('fields of an LSTM', (await client.request('textDocument/completion', { textDocument: { uri }, position: place(fields, 'h.', 1, 2) })).items.map(i => `${i.label} ${i.detail}`).join('\n'))
const shape = lstm.replace('f32[8]', 'f32[')
await client.change(uri, 6, [{ text: shape }])
say('completion in a shape', words((await client.request('textDocument/completion', { textDocument: { uri }, position: place(shape, 'f32[ ', 1, 4) })).items))
await client.change(uri, 7, [{ text: model }])

const help = await client.request('textDocument/signatureHelp', at('GRU(', 1, 4))
say('signature', `${help.signatures[0].label.split(', ').slice(0, 3).join(', ')}\nactive ${help.activeParameter}`)

say('definition of h', range((await client.request('textDocument/definition', at('h |> last'))).range))
say('definition of Residual', range((await client.request('textDocument/definition', at('Residual(units)'))).range))
say('references of units', (await client.request('textDocument/references', { ...at('units'), context: { includeDeclaration: true } })).map(l => range(l.range)).join('\n'))
say('references of x in the block', (await client.request('textDocument/references', { ...at('x + '), context: { includeDeclaration: false } })).map(l => range(l.range)).join('\n'))
say('highlights of width', (await client.request('textDocument/documentHighlight', at('width)'))).map(h => `${h.kind} ${range(h.range)}`).join('\n'))
say('prepare rename', range(await client.request('textDocument/prepareRename', at('units)', 1, 2))))
const edits = (await client.request('textDocument/rename', { ...at('units'), newName: 'cells' })).changes[uri]
say('rename units to cells', edits.map(e => `${range(e.range)} ${e.newText}`).join('\n'))
say('rename to a keyword', (await client.ask('textDocument/rename', { ...at('units'), newName: 'model' })).error)
say('rename to a name that is taken', (await client.ask('textDocument/rename', { ...at('h |> last'), newName: 'imu' })).error)

const flat = (list, indent = '') => list.map(s => `${indent}${s.kind} ${s.name}${s.detail ? ' : ' + s.detail : ''}\n` + (s.children ? flat(s.children, indent + '  ') : '')).join('')
say('symbols', flat(await client.request('textDocument/documentSymbol', all)).trimEnd())
say('folding', (await client.request('textDocument/foldingRange', all)).map(f => `${f.startLine}-${f.endLine}`).join(' '))
const lenses = client => client.request('textDocument/codeLens', all).then(list => Promise.all(list.map(lens => client.request('codeLens/resolve', lens))))
say('lens', (await lenses(client)).map(l => `${range(l.range)} ${l.command.title}`).join('\n'))
say('lens of a model that is not there', (await client.ask('codeLens/resolve', { data: { ...all, model: 'nobody' } })).error)
say('lens without data', (await client.ask('codeLens/resolve', {})).error)
for (const target of ['rp2040', 'x86-64-v3']) {
  const other = new Client(process.argv[2], ['lsp', '--target', target])
  await other.initialize()
  await other.open(uri, model)
  say(`lens for ${target}`, (await lenses(other)).map(l => l.command.title).join('\n'))
  await other.request('shutdown')
  other.notify('exit')
  await other.ended
}
const tokens = (await client.request('textDocument/semanticTokens/full', all)).data
const legend = init.capabilities.semanticTokensProvider.legend.tokenTypes
let line = 0, column = 0
const coloured = []
for (let i = 0; i < tokens.length; i += 5) {
  column = tokens[i] ? tokens[i + 1] : column + tokens[i + 1]
  line += tokens[i]
  const text = model.split('\n')[line].slice(column, column + tokens[i + 2])
  if (line === 12) coloured.push(`${text}:${legend[tokens[i + 3]]}`)
}
say('colours of line 12', coloured.join(' '))
say('drawing', (await client.request('grus/drawing', all)).svg.slice(0, 40))
say('formatting of what is formatted', await client.request('textDocument/formatting', all))

// A broken shape, its history, its fix.
const broken = model.replace('Dense(8)', 'Dense(7) |> LSTM(4)')
const [error] = await client.change(uri, 8, [{ text: broken }])
say('a broken shape', `${error.code} ${range(error.range)}\n${error.message}\n` +
  error.relatedInformation.map(i => `${range(i.location.range)} ${i.message}`).join('\n'))
const actions = await client.request('textDocument/codeAction', { ...all, range: error.range, context: { diagnostics: [] } })
say('its fixes', actions.map(a => `${a.kind} ${a.isPreferred} ${a.title}`).join('\n'))

// Shapes behind an error stay.
const half = model.replace('GRU(units) |> Residual(units)', 'GRU(units) |> ')
const [syntax] = await client.change(uri, 9, [{ text: half }])
say('half a statement', `${syntax.code} ${syntax.message}`)
const after = await client.request('textDocument/inlayHint', { ...all, range: { start: { line: 9, character: 0 }, end: { line: 99, character: 0 } } })
say('shapes behind it', after.map(h => `${h.position.line}:${h.position.character} ${h.label}${h.tooltip ? ' (' + h.tooltip + ')' : ''}`).join('\n'))

// Edits of ranges, wide letters, edits out of range.
await client.change(uri, 10, [{ text: 'grus 1\n# \u{1F40B} ö\nmodel m {\n}\n' }])
const [gone] = await client.change(uri, 11, [{ range: { start: { line: 3, character: 0 }, end: { line: 3, character: 1 } }, text: '' }])
say('an edit of one letter', `${gone.code} ${gone.message.split('\n')[0]}`)
await client.change(uri, 12, [{ range: { start: { line: 900, character: 7 }, end: { line: 999, character: 7 } }, text: '\n}\n' }])
say('an edit behind the end', (await client.request('textDocument/documentSymbol', all)).map(s => s.name).join(' '))
await client.change(uri, 13, [{ range: { start: { line: 2, character: 1 }, end: { line: 1, character: 0 } }, text: 'nonsense' }])
say('an edit that ends before it begins', (await client.request('textDocument/documentSymbol', all)).map(s => s.name).join(' '))
await client.change(uri, 14, [{ range: { start: { line: -5, character: -1 }, end: { line: -5, character: -1 } }, text: '# ' }])
say('negative positions', (await client.request('textDocument/foldingRange', all)).length)

// A file that another one uses: the open text counts, then the one on disk.
const used = `file://${folder}/parts.grus`
writeFileSync(join(folder, 'parts.grus'), 'grus 1\nblock B { in x out y = x |> tanh }\n')
const user = 'grus 1\nuse "parts.grus"\nmodel m {\n  in x : f32[4]\n  out y : f32[4] = x |> B\n}\n'
say('a used file', await client.change(uri, 15, [{ text: user }]))
say('definition in the other file', (await client.request('textDocument/definition', { textDocument: { uri }, position: place(user, 'B\n') })).uri)
const republished = client.diagnostics(uri)
await client.open(used, 'grus 1\nblock C { in x out y = x |> tanh }\n')
say('the used file is edited: its user', (await republished).map(d => `${d.code} ${d.message.split('\n')[0]}`).join('\n'))
client.notify('textDocument/didClose', { textDocument: { uri: used } })
say('and closed', await client.diagnostics(uri))

// A request that is cancelled while it waits.
const body = m => { const s = JSON.stringify({ jsonrpc: '2.0', ...m }); return `Content-Length: ${Buffer.byteLength(s)}\r\n\r\n${s}` }
const cancelled = new Promise(resolve => client.waiting.set(777, resolve))
client.raw(body({ id: 777, method: 'textDocument/hover', params: at('GRU') }) + body({ method: '$/cancelRequest', params: { id: 777 } }))
say('cancelled', (await cancelled).error)

// Weights are read while requests are held.
const header = Buffer.from(JSON.stringify({ 'y.dense.weight': { dtype: 'F32', shape: [8, 4], data_offsets: [0, 128] } }))
const size = Buffer.alloc(8)
size.writeBigUInt64LE(BigInt(header.length))
writeFileSync(join(folder, 'w.safetensors'), Buffer.concat([size, header, Buffer.alloc(128)]))
const weighed = 'grus 1\nmodel m {\n  weights torch "w.safetensors"\n  in x : f32[4]\n  out y : f32[8] = x |> Dense(8, bias=false)\n}\n'
say('weights that fit', await client.change(uri, 16, [{ text: weighed }]))
for (let version = 17; version < 20; version++) { // the change and a question in one piece
  const answer = new Promise(resolve => client.waiting.set(-version, resolve)), published = client.diagnostics(uri)
  client.raw(body({ method: 'textDocument/didChange', params: { textDocument: { uri, version }, contentChanges: [{ text: weighed.replaceAll('8', version) }] } }) +
    body({ id: -version, method: 'textDocument/hover', params: { textDocument: { uri }, position: place(weighed, 'y :') } }))
  say('an output whose weights do not', (await answer).result.contents.value)
  say('and what is published', (await published).map(d => `${d.code} ${d.message.split('\n')[0]}`).join('\n'))
}

// Files that vanish while the model is open.
rmSync(join(folder, 'w.safetensors'))
say('weights that vanished', (await client.change(uri, 20, [{ text: weighed }])).map(d => `${d.severity} ${d.message}`).join('\n'))
rmSync(join(folder, 'parts.grus'))
say('a used file that vanished', (await client.change(uri, 21, [{ text: user }])).map(d => `${d.code} ${d.message.split('\n')[0]}`).join('\n'))
await client.change(uri, 22, [{ text: weighed.replace('  weights torch "w.safetensors"\n', '') }])

// What calibration measured stands in the lens, as long as it is of these weights and precisions.
const tensor = value => Buffer.concat([size, header, Buffer.from(new Float32Array(32).fill(value).buffer)])
const weights = join(folder, 'w.safetensors'), samples = join(folder, 'x.csv')
writeFileSync(weights, tensor(0.3))
writeFileSync(join(folder, 'model.grus'), weighed.replace('model m {', 'model m {\n  ranges "model.ranges"\n  precision i16'))
writeFileSync(samples, Array.from({ length: 200 }, (_, i) => [1, 2, 3, 4].map(k => Math.sin(i * k)).join()).join('\n') + '\n')
const lens = async (title, version, precision) => {
  await client.change(uri, version, [{ text: weighed.replace('model m {', `model m {\n  ranges "model.ranges"\n  precision ${precision}`) }])
  const [{ command }] = await lenses(client)
  say(title, command.title.replace(/[0-9]+\.[0-9] dB/, 'N dB'))
}
await lens('lens before calibration', 23, 'i16')
execFileSync(process.argv[2], ['calibrate', join(folder, 'model.grus'), `x=${samples}`, '-q'])
await lens('lens after calibration', 24, 'i16')
await lens('lens in another precision', 25, 'i16x16')
writeFileSync(weights, tensor(0.2))
await lens('lens with other weights', 26, 'i16')
writeFileSync(join(folder, 'model.ranges'), 'grus-ranges 1\ntotal nonsense\n')
await lens('lens where the file of ranges is none', 27, 'i16')
rmSync(join(folder, 'model.ranges'))
execFileSync('mkfifo', [join(folder, 'model.ranges')])
await lens('lens where it is a pipe that nobody writes to', 28, 'i16')
await client.change(uri, 29, [{ text: weighed.replace('  weights torch "w.safetensors"\n', '') }])

// Damaged input does not end it.
client.raw('Content-Length: 5\r\n\r\n{{{{{')
client.raw('Content-Type: x\r\n\r\n')
client.raw('content-length: 2\n\n[]')
say('still there', (await client.request('textDocument/foldingRange', all)).length)
say('what it said', client.notes.filter(n => !n.method).map(n => n.error.message).sort().join('\n'))
say('exit code', await client.stop())

// UTF-16.
const narrow = new Client(process.argv[2])
say('encoding of others', (await narrow.initialize(['utf-16'])).capabilities.positionEncoding)
const wide = 'grus 1\nmodel m {\n  weights "\u{1F40B}\u00f6" nonsense\n}\n'
const [mismatch] = await narrow.open(uri, wide)
say('a diagnostic behind a wide letter', `${range(mismatch.range)} ${mismatch.message.split('\n')[0]}`)
narrow.process.stdin.end()
say('an editor that vanishes', await narrow.ended)
const early = new Client(process.argv[2])
early.notify('exit')
say('exit without shutdown', await early.ended)
rmSync(folder, { recursive: true })
