/** What the extension does, through the `vscode` API: settings, status, commands, servers that are missing or wrong. */
const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const { readFileSync } = require('node:fs')
const { homedir } = require('node:os')
const { join } = require('node:path')
const { setTimeout: pause } = require('node:timers/promises')
const vscode = require('vscode')

const { commands, ConfigurationTarget, window, workspace } = vscode
const { fakes, real } = JSON.parse(readFileSync(join(homedir(), 'fakes.json'), 'utf-8'))
const PATIENCE = 120_000

let status
let server

const tests = {
  async 'it is activated at the start and says when the server is ready'() {
    const extension = vscode.extensions.getExtension('ghostwright.ghostwright')
    ;({ status, server } = await extension.activate())
    await untilStatus('Normal', 'Ready')
    assert.equal(server.program, real)
  },

  async 'its commands are there, and so are those of the server'() {
    const known = await commands.getCommands(true)
    const { contributes } = vscode.extensions.getExtension('ghostwright.ghostwright').packageJSON
    for (const { command } of contributes.commands) {
      assert.ok(known.includes(command), command)
    }
    assert.ok(known.includes('ghostwright.accepted'))
    assert.ok(server.has('ghostwright.explain'))
    assert.ok(!server.has('ghostwright.nothing'))
  },

  async 'there are ten settings at most'() {
    const { contributes } = vscode.extensions.getExtension('ghostwright.ghostwright').packageJSON
    assert.ok(Object.keys(contributes.configuration.properties).length <= 10)
  },

  async 'ghost text is committed into the document'() {
    const editor = await open('point.py')
    await typeUntilChanged(editor, 'self.')
    assert.match(editor.document.lineAt(3).text, /^ {8}self\.y = y/)
    assert.ok((await server.execute('ghostwright.status')).counts.accepted >= 1)
  },

  async 'the last completion is explained with its timings'() {
    await commands.executeCommand('ghostwright.explainLast')
    const found = await server.execute('ghostwright.explain')
    assert.ok(found.text)
    assert.ok(found.prompt.length > 0)
    assert.ok(found.timings.decode > 0)
  },

  async 'a setting reaches the server, and a wrong one is told'() {
    await set('maxLines', 0)
    await untilStatus('Error', 'max_lines')
    await set('maxLines', undefined)
    await untilStatus('Normal', 'Ready')
  },

  async 'turned off for a language, the status says so; turned on again, too'() {
    await open('point.py')
    await commands.executeCommand('ghostwright.toggleLanguage')
    await untilStatus('Inactive', 'off for python')
    await commands.executeCommand('ghostwright.toggleLanguage')
    await untilStatus('Normal', 'Ready')
  },

  async 'turned off altogether, completion comes on request only'() {
    await commands.executeCommand('ghostwright.toggle')
    await untilStatus('Inactive', 'on request only')
    await commands.executeCommand('ghostwright.toggle')
    await untilStatus('Normal', 'Ready')
  },

  async 'what the workspace has turned off is turned on there'() {
    await workspace.getConfiguration('ghostwright').update('automatic', false, ConfigurationTarget.Workspace)
    await untilStatus('Inactive', 'on request only')
    await commands.executeCommand('ghostwright.toggle')
    await untilStatus('Normal', 'Ready')
    await workspace.getConfiguration('ghostwright').update('automatic', undefined, ConfigurationTarget.Workspace)
  },

  async 'a snooze is told, and ended'() {
    await commands.executeCommand('ghostwright.snoozeFor30')
    await untilStatus('Inactive', 'Snoozed for 30 minutes')
    await commands.executeCommand('ghostwright.wake')
    await untilStatus('Normal', 'Ready')
  },

  async 'a snooze outlasts the server'() {
    await commands.executeCommand('ghostwright.snoozeFor30')
    await untilStatus('Inactive', 'Snoozed for 30 minutes')
    await commands.executeCommand('ghostwright.restart')
    await untilStatus('Inactive', 'Snoozed for 30 minutes')
    await commands.executeCommand('ghostwright.wake')
    await untilStatus('Normal', 'Ready')
  },

  async 'in a file that may hold secrets it is inactive, and says why'() {
    const editor = await open('.env')
    await type(editor, 'TOKEN=')
    await commands.executeCommand('editor.action.inlineSuggest.trigger')
    await untilStatus('Inactive', 'secrets')
    await open('point.py')
    await untilStatus('Normal', 'Ready')
    await open('.env')
    await untilStatus('Inactive', 'secrets')
    await commands.executeCommand('workbench.action.revertAndCloseActiveEditor')
  },

  async 'the repository is searched, and indexed anew'() {
    await open('point.py')
    const finds = async () =>
      (await server.execute('ghostwright.search', 'a point with x and y')).hits.map(({ name }) => name)
    await until(async () => (await finds()).some((name) => name.startsWith('Point')), 'the definition in the index')
    await commands.executeCommand('ghostwright.rebuild')
    await until(async () => (await finds()).some((name) => name.startsWith('Point')), 'the definition in the new index')
    await untilStatus('Normal', 'Ready')
  },

  async 'how far indexing has come is told in the status bar'() {
    const { shown } = status
    status.show({ kind: 'Normal', message: 'Indexing: 43 % of shop', busy: true })
    await until(() => status.item.text.endsWith(' Indexing 43 %'), 'the share')
    status.show(shown)
  },

  async 'restarted, it is another process, and ready again'() {
    const before = pid()
    await commands.executeCommand('ghostwright.restart')
    await untilStatus('Normal', 'Ready')
    assert.notEqual(pid(), before)
    await until(() => !isAlive(before), 'the end of the old server')
  },

  async 'restarted twice at once, there is one server, and it is ready'() {
    await Promise.all([1, 2].map(() => commands.executeCommand('ghostwright.restart')))
    await untilStatus('Normal', 'Ready')
    const children = execFileSync('pgrep', ['-P', `${process.pid}`, '-f', ' lsp$'], { encoding: 'utf-8' })
    assert.equal(children.trim(), `${pid()}`)
  },

  async 'killed, it is started again by itself'() {
    const before = pid()
    process.kill(before, 'SIGKILL')
    await untilStatus('Warning', 'SIGKILL')
    await untilStatus('Normal', 'Ready')
    assert.notEqual(pid(), before)
  },

  async 'a program that is missing is told, with a way out, and nothing pops up'() {
    await choose(join(fakes, 'missing'))
    await untilStatus('Error', 'neither on the PATH')
    assert.equal(status.shown.remedy, 'install')
    assert.equal(server.isReady, false)
    await assert.rejects(server.execute('ghostwright.status'), /not running/)
  },

  async 'one that ends at once is tried a few times; then the last words and their remedy stay'() {
    await choose(join(fakes, 'crashes'))
    await untilStatus('Warning', 'exit code 3')
    await untilStatus('Error', 'ImportError: no module named numpy')
    assert.match(status.shown.message, /started 5 times in a row/)
    assert.equal(status.shown.remedy, 'log')
  },

  async 'one that prints into the protocol is told'() {
    await choose(join(fakes, 'prints'))
    await untilStatus('Warning', 'wrote what is not a message of the protocol')
  },

  async 'one that is slow to answer is waited for'() {
    await choose(join(fakes, 'silent'))
    await untilStatus('Warning', 'slow to start')
    assert.equal(status.shown.busy, true)
  },

  async 'another language server is told'() {
    await choose(join(fakes, 'other'))
    await untilStatus('Error', "not Ghostwright's server but other")
    assert.equal(status.shown.remedy, 'command')
  },

  async 'one that is too old is told, though it is ready'() {
    await choose(join(fakes, 'old'))
    await untilStatus('Warning', 'version 0.0.9')
    assert.equal(status.shown.remedy, 'install')
  },

  async 'with the right program again, all is well'() {
    await choose(undefined)
    await untilStatus('Normal', 'Ready')
  },
}

exports.run = async () => {
  let failed = 0
  for (const [name, run] of Object.entries(tests)) {
    try {
      await run()
      console.log(`✔ ${name}`)
    } catch (error) {
      failed++
      console.log(`✖ ${name}: ${error.message}`)
    }
  }
  console.log(`${Object.keys(tests).length - failed} passed, ${failed} failed`)
  if (failed) {
    throw new Error(`${failed} failed`)
  }
}

/** Names the server's program, as the machine's settings do. */
function choose(program) {
  return workspace.getConfiguration('ghostwright').update('command', program, ConfigurationTarget.Global)
}

function set(key, value) {
  return workspace.getConfiguration('ghostwright').update(key, value, ConfigurationTarget.Global)
}

async function open(name) {
  const { uri } = workspace.workspaceFolders[0]
  const editor = await window.showTextDocument(vscode.Uri.joinPath(uri, name))
  const end = editor.document.lineAt(editor.document.lineCount - 1).range.end
  editor.selection = new vscode.Selection(end, end)
  return editor
}

async function type(editor, text) {
  for (const character of text) {
    await commands.executeCommand('default:type', { text: character })
  }
}

async function typeUntilChanged(editor, text) {
  await type(editor, text)
  const before = editor.document.version
  await until(async () => {
    await commands.executeCommand('editor.action.inlineSuggest.trigger')
    await pause(500)
    await commands.executeCommand('editor.action.inlineSuggest.commit')
    return editor.document.version > before
  }, 'ghost text')
}

function pid() {
  return server.pid
}

function isAlive(process_) {
  try {
    process.kill(process_, 0)
    return true
  } catch {
    return false
  }
}

async function untilStatus(kind, part) {
  const fits = (pattern, text) => (typeof pattern === 'string' ? text.includes(pattern) : pattern.test(text))
  await until(
    () => fits(kind, status.shown.kind) && fits(part, status.shown.message),
    () => `${kind} ${part}; the status is ${JSON.stringify(status.shown)}`,
  )
}

async function until(condition, what) {
  const end = Date.now() + PATIENCE
  while (!(await condition())) {
    if (Date.now() > end) {
      throw new Error(`waited for ${typeof what === 'function' ? what() : what}`)
    }
    await pause(50)
  }
}
