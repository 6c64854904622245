// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The extension: starts `grus lsp`, and four commands. What is shown comes from the server.
const vscode = require('vscode')
const { LanguageClient, TransportKind } = require('vscode-languageclient/node')

let client
let panel

const settings = () => vscode.workspace.getConfiguration('grus')
const command = () => settings().get('path') || 'grus'
const quoted = word => /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

async function start() {
  const run = { command: command(), args: ['lsp', ...settings().get('arguments')], transport: TransportKind.stdio }
  client = new LanguageClient('grus', 'grus', { run, debug: run }, {
    documentSelector: [{ language: 'grus' }],
    synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher('**/*.{grus,safetensors,npz}') }
  })
  try {
    await client.start()
  } catch (problem) {
    const chosen = await vscode.window.showErrorMessage(
      `\`${run.command} lsp\` did not start: ${problem.message}. Set grus.path to the grus command.`, 'Open settings')
    if (chosen) vscode.commands.executeCommand('workbench.action.openSettings', 'grus.path')
  }
}

async function restart() {
  if (client) await client.stop().catch(() => {})
  await start()
}

// The model file in front, saved; undefined after saying why there is none.
async function file() {
  const document = vscode.window.activeTextEditor?.document
  if (document?.languageId !== 'grus' || document.uri.scheme !== 'file') {
    vscode.window.showInformationMessage('Open a .grus file first.')
    return undefined
  }
  await document.save()
  return document.uri.fsPath
}

function task(name, args, path) {
  const shell = new vscode.ProcessExecution(command(), args, { cwd: require('path').dirname(path) })
  const started = new vscode.Task({ type: 'grus', name }, vscode.TaskScope.Workspace, name, 'grus', shell, '$grus')
  return vscode.tasks.executeTask(started)
}

async function build() {
  const path = await file()
  if (path) await task('build', ['build', '--diagnostics=gcc', path, '-o', path.replace(/\.grus$/, '') + '.h'], path)
}

async function verify() {
  const path = await file()
  if (path) await task('verify', ['verify', '--diagnostics=gcc', '--weights=random:1', path], path)
}

async function run() {
  const path = await file()
  const data = path && await vscode.window.showInputBox({
    prompt: 'Data of the inputs: NAME=FILE (.npy, .csv, .wav) or the files in order', value: '' })
  if (data === undefined || !path) return
  const terminal = vscode.window.createTerminal({ name: 'grus run', cwd: require('path').dirname(path) })
  terminal.show()
  terminal.sendText([command(), 'run', path].map(quoted).join(' ') + (data ? ` ${data}` : ''))
}

const page = body => `<!doctype html><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body{margin:0;padding:8px;font-family:var(--vscode-font-family)}svg{max-width:100%;height:auto}</style>${body}`

const escaped = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

// Draws the model in which the cursor is.
async function draw(editor) {
  if (!panel || editor?.document.languageId !== 'grus' || !client) return
  try {
    const drawing = await client.sendRequest('grus/drawing', {
      textDocument: { uri: editor.document.uri.toString() },
      position: { line: editor.selection.active.line, character: editor.selection.active.character }
    })
    panel.title = drawing.model
    panel.webview.html = page(drawing.svg)
  } catch (problem) {
    panel.webview.html = page(`<p>No drawing: ${escaped(problem.message)}</p>`)
  }
}

async function drawing() {
  const editor = vscode.window.activeTextEditor
  if (!panel) {
    panel = vscode.window.createWebviewPanel('grus', 'grus', { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true }, {})
    panel.onDidDispose(() => { panel = undefined })
  }
  await draw(editor)
}

async function activate(context) {
  const on = (name, action) => context.subscriptions.push(vscode.commands.registerCommand(name, action))
  on('grus.build', build)
  on('grus.verify', verify)
  on('grus.run', run)
  on('grus.drawing', drawing)
  on('grus.restart', restart)
  let waiting
  const later = editor => {
    clearTimeout(waiting)
    waiting = setTimeout(() => draw(editor), 150)
  }
  context.subscriptions.push(
    vscode.window.onDidChangeTextEditorSelection(event => later(event.textEditor)),
    vscode.workspace.onDidChangeConfiguration(event => event.affectsConfiguration('grus') && restart()))
  await start()
}

async function deactivate() {
  if (client) await client.stop()
}

module.exports = { activate, deactivate }
