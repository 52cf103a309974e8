/** What a user sees, and can do, when something is wrong; and the way from no server to the first ghost text. */
import assert from 'node:assert/strict'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { BIN, startBrowser, startVsCode, until, Window, writeFiles } from './workbench.mjs'

const POINT = 'class Point:\n    def __init__(self, x, y):\n        self.x = x\n        '
const SERVERS = join(import.meta.dirname, 'host', 'servers')

/** A test with a VS Code and a browser of its own; what is seen when it fails is kept. */
function drawn(name, options, run) {
  test(name, async () => {
    const vscode = await startVsCode(options)
    const browser = await startBrowser(vscode.folder)
    try {
      const window = await Window.open(browser.context, vscode)
      try {
        await run(window, vscode, browser)
        assert.deepEqual(browser.refused, [])
      } catch (error) {
        await window.keep(name)
        throw error
      }
    } finally {
      await browser.context.close()
      await vscode.close()
    }
  })
}

drawn(
  'without a server, it is offered, installed in a terminal, and completes',
  { files: { 'point.py': POINT }, path: [] },
  async (window, vscode) => {
    const tools = join(vscode.folder, 'home', '.local', 'bin')
    await window.untilStatus('neither on the PATH')
    assert.deepEqual(await window.notifications(), [])
    await writeFiles(tools, {
      uv: `#!/bin/sh\necho "$@" > '${vscode.folder}/called'\nln -s '${BIN}/ghostwright' '${tools}/ghostwright'\n`,
    })
    await window.page.locator('.statusbar-item').filter({ hasText: 'Ghostwright' }).click()
    const first = window.page.locator('.quick-input-list .monaco-list-row').first()
    assert.match(await first.textContent(), /Install the Server/)
    await first.click()
    const dialog = window.page.locator('.monaco-dialog-box')
    await dialog.waitFor()
    assert.match(await dialog.textContent(), /uv tool install --force ghostwright==\d/)
    await dialog.getByRole('button', { name: 'Install', exact: true }).click()
    await window.untilStatus('Ready')
    assert.match(await readFile(join(vscode.folder, 'called'), 'utf-8'), /^tool install --force ghostwright==/)
    await window.warmUp('point.py')
  },
)

drawn(
  'a server that ends at once leads to one state, and to no pop-ups',
  { machine: { 'ghostwright.command': join(SERVERS, 'crashes') } },
  async (window) => {
    await window.untilStatus('started 5 times in a row')
    assert.deepEqual(await window.notifications(), [])
  },
)

drawn(
  'an answer to what was asked is not inserted into a text that has changed',
  { files: { 'delivery.py': 'deliver()' }, machine: { 'ghostwright.command': join(SERVERS, 'late') } },
  async (window) => {
    await window.untilStatus('Ready')
    await window.openFile('delivery.py')
    await window.press('ArrowLeft')
    await window.command('Ghostwright: Ask How to Do Something Here…')
    await window.answer('put more of an item into the inventory')
    await window.page.getByText('looking through the repository').first().waitFor()
    await window.type('x')
    const entries = window.page.locator('.quick-input-list .monaco-list-row')
    await entries.filter({ hasText: 'def restock()' }).waitFor()
    assert.equal(await entries.count(), 1)
  },
)

const RESTRICTED = { 'security.workspace.trust.enabled': true, 'security.workspace.trust.startupPrompt': 'never' }
const UNTRUSTED = {
  files: { '.venv/bin/ghostwright': `#!/bin/sh\ntouch started\nexec '${BIN}/ghostwright' "$@"\n` },
  settings: RESTRICTED,
  path: [],
}

drawn('of a workspace that is not trusted, no program is started', UNTRUSTED, async (window) => {
  await window.untilStatus('neither on the PATH')
})

drawn('the program in the virtual environment of a trusted one is', { ...UNTRUSTED, settings: {} }, async (window) => {
  await window.untilStatus('Ready')
})

const MODEL = { files: { 'ghostwright.toml': 'model = "its.gguf"\n' }, settings: RESTRICTED }

drawn('nor is a model read that it names', MODEL, async (window) => {
  await window.untilStatus(/Ready: ghostwright-python/)
})

drawn('of a trusted one it is', { ...MODEL, settings: {} }, async (window) => {
  await window.untilStatus('its.gguf')
})

drawn(
  'two windows on one folder complete side by side',
  { files: { 'one.py': POINT, 'two.py': POINT } },
  async (window, vscode, browser) => {
    await window.untilStatus('Ready')
    const other = await Window.open(browser.context, vscode)
    await other.untilStatus('Ready')
    await other.warmUp('two.py')
    await window.page.bringToFront()
    await window.warmUp('one.py')
  },
)

drawn(
  'when the folder is deleted, the server can still be restarted',
  { files: { 'one.py': POINT } },
  async (window, vscode) => {
    await window.untilStatus('Ready')
    await rm(vscode.work, { recursive: true })
    await window.command('Ghostwright: Restart the Server')
    await until(async () => !(await window.status()).includes('Ready'), 'the end of the old server')
    await window.untilStatus('Ready')
    assert.deepEqual(
      (await window.notifications()).filter((text) => text.includes('Ghostwright')),
      [],
    )
  },
)
