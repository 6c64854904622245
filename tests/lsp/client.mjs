// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A client of the Language Server Protocol for the tests: starts a server, sends, waits for answers.
import { spawn } from 'node:child_process'

export class Client {
  constructor(command, args = ['lsp']) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.buffer = Buffer.alloc(0)
    this.waiting = new Map()
    this.notes = []
    this.listeners = []
    this.next = 1
    this.process.stdout.on('data', piece => this.receive(piece))
    this.process.stdin.on('error', () => {})
    this.ended = new Promise(resolve => this.process.on('exit', resolve))
  }

  receive(piece) {
    this.buffer = Buffer.concat([this.buffer, piece])
    for (;;) {
      const head = this.buffer.indexOf('\r\n\r\n')
      if (head < 0) return
      const length = Number(/Content-Length: (\d+)/.exec(this.buffer.subarray(0, head).toString())[1])
      if (this.buffer.length < head + 4 + length) return
      const message = JSON.parse(this.buffer.subarray(head + 4, head + 4 + length).toString())
      this.buffer = this.buffer.subarray(head + 4 + length)
      this.deliver(message)
    }
  }

  deliver(message) {
    if (message.method) {
      this.notes.push(message)
      this.listeners = this.listeners.filter(listener => !listener(message))
    } else if (this.waiting.has(message.id)) {
      this.waiting.get(message.id)(message)
      this.waiting.delete(message.id)
    } else this.notes.push(message)
  }

  raw(text) { this.process.stdin.write(text) }

  send(message) {
    const body = JSON.stringify({ jsonrpc: '2.0', ...message })
    this.raw(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }

  notify(method, params) { this.send({ method, params }) }

  // The whole answer: {result} or {error}.
  ask(method, params) {
    const id = this.next++
    const answer = new Promise(resolve => this.waiting.set(id, resolve))
    this.send({ id, method, params })
    return answer
  }

  async request(method, params) {
    const answer = await this.ask(method, params)
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`)
    return answer.result
  }

  // The next diagnostics of a document.
  diagnostics(uri) {
    return new Promise(resolve => this.listeners.push(message => {
      const mine = message.method === 'textDocument/publishDiagnostics' && message.params.uri === uri
      if (mine) resolve(message.params.diagnostics)
      return mine
    }))
  }

  async initialize(encodings = ['utf-8', 'utf-16']) {
    const result = await this.request('initialize', { processId: process.pid, rootUri: null,
      capabilities: { general: { positionEncodings: encodings } } })
    this.notify('initialized', {})
    return result
  }

  async open(uri, text, version = 1) {
    const published = this.diagnostics(uri)
    this.notify('textDocument/didOpen', { textDocument: { uri, languageId: 'grus', version, text } })
    return published
  }

  async change(uri, version, contentChanges) {
    const published = this.diagnostics(uri)
    this.notify('textDocument/didChange', { textDocument: { uri, version }, contentChanges })
    return published
  }

  async stop() {
    await this.request('shutdown')
    this.notify('exit')
    return this.ended
  }
}

// {line, character} of the n-th place where `word` stands in text, `plus` letters further on.
export function place(text, word, n = 1, plus = 0) {
  let at = -1
  while (n--) at = text.indexOf(word, at + 1)
  if (at < 0) throw new Error(`no ${word} in the text`)
  const before = text.slice(0, at + plus)
  return { line: before.split('\n').length - 1, character: before.length - (before.lastIndexOf('\n') + 1) }
}
