// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Colours of a file by the TextMate grammar, with the tokeniser of VS Code.
//
//   grammar.mjs NODE_MODULES FILE
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'

const require = createRequire(join(process.argv[2], 'x'))
const oniguruma = require('vscode-oniguruma')
const { Registry, parseRawGrammar, INITIAL } = require('vscode-textmate')
const grammarPath = fileURLToPath(new URL('../syntaxes/grus.tmLanguage.json', import.meta.url))

await oniguruma.loadWASM(readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm')).buffer)
const registry = new Registry({
  onigLib: Promise.resolve({ createOnigScanner: p => new oniguruma.OnigScanner(p), createOnigString: s => new oniguruma.OnigString(s) }),
  loadGrammar: async () => parseRawGrammar(readFileSync(grammarPath, 'utf8'), grammarPath)
})
const grammar = await registry.loadGrammar('source.grus')
let state = INITIAL
for (const line of readFileSync(process.argv[3], 'utf8').split('\n')) {
  const { tokens, ruleStack } = grammar.tokenizeLine(line, state)
  state = ruleStack
  const words = tokens.filter(t => t.scopes.length > 1 && line.slice(t.startIndex, t.endIndex).trim())
  console.log(line)
  for (const t of words) console.log(`    ${line.slice(t.startIndex, t.endIndex)}  ${t.scopes.slice(1).join(' ').replaceAll('.grus', '')}`)
}
