/** What is drawn while a user types, with the embedded model and a language server. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { startBrowser, startVsCode, until, Window } from './workbench.mjs'

const POINT = 'class Point:\n    def __init__(self, x, y):\n        self.x = x\n        '
const NAMES = ['first', 'tab', 'word', 'along', 'escape', 'popup', 'snooze', 'emoji', 'crlf', 'members']
const MEMBERS = `class Basket:
    def __init__(self) -> None:
        self.zx_fruits = 3


def count(basket: Basket) -> int:
    return `
const INVENTORY = `"""What the shop has."""


def restock(name: str, count: int) -> None:
    """Puts more of an item into the inventory."""
`
const DELIVERY = `"""Deliveries."""

import logging

log = logging.getLogger(__name__)


def deliver(name: str, count: int) -> None:
    `

let vscode, browser, window

before(async () => {
  const files = Object.fromEntries(NAMES.map((name) => [`${name}.py`, POINT]))
  files['crlf.py'] = POINT.replaceAll('\n', '\r\n')
  Object.assign(files, { 'members.py': MEMBERS, 'inventory.py': INVENTORY, 'delivery.py': DELIVERY })
  vscode = await startVsCode({ files })
  browser = await startBrowser(vscode.folder)
  window = await Window.open(browser.context, vscode)
  await window.untilStatus('Ready')
  await window.warmUp('first.py')
})

after(async () => {
  await browser?.context.close()
  await vscode?.close()
})

afterEach(async (context) => {
  if (!context.passed) {
    await window?.keep(context.name)
  }
})

test('ghost text appears, and Tab accepts it', async () => {
  await window.openFile('tab.py')
  await window.type('self.')
  const shown = await window.untilGhostText()
  assert.match(shown, /^y = y/)
  await window.press('Tab')
  await window.untilNoGhostText()
  await window.saved('tab.py', (text) => text === `${POINT}self.${shown}`)
})

test('accepting a word keeps the rest', async () => {
  await window.openFile('word.py')
  await window.type('self.')
  assert.match(await window.untilGhostText(), /^y = y/)
  await window.press('Control+ArrowRight')
  await window.untilGhostText((text) => text.startsWith(' = y'))
  await window.press('Tab')
  await window.saved('word.py', (text) => text.startsWith(`${POINT}self.y = y`))
})

test('typing along keeps it', async () => {
  await window.openFile('along.py')
  await window.type('self.')
  const shown = await window.untilGhostText()
  await window.type(shown[0])
  assert.equal(await window.untilGhostText((text) => text === shown.slice(1)), shown.slice(1))
})

test('Escape dismisses it', async () => {
  await window.openFile('escape.py')
  await window.type('self.')
  await window.untilGhostText()
  await window.press('Escape')
  await window.untilNoGhostText()
  await window.saved('escape.py', (text) => text === `${POINT}self.`)
})

test('the popup and ghost text live together', async () => {
  await window.openFile('popup.py')
  await window.type('self.')
  await window.untilGhostText()
  await window.press('Control+Space')
  const popup = window.page.locator('.suggest-widget.visible')
  await popup.waitFor()
  await window.press('Escape')
  await popup.waitFor({ state: 'hidden' })
  await window.untilGhostText()
  await window.press('Tab')
  await window.saved('popup.py', (text) => text.startsWith(`${POINT}self.y = y`))
})

test('a snooze keeps it silent until it is ended', async () => {
  await window.openFile('snooze.py')
  await window.command('Ghostwright: Snooze for 5 Minutes')
  await window.untilStatus('Snoozed for 5 minutes')
  await window.openFile('snooze.py')
  await window.type('self.')
  await window.saved('snooze.py', (text) => text === `${POINT}self.`)
  assert.equal(await window.ghostText(), '')
  await window.command('Ghostwright: End the Snooze')
  await window.untilStatus('Ready')
  await window.openFile('snooze.py')
  await window.press('Backspace')
  await window.type('.')
  assert.match(await window.untilGhostText(), /^y = y/)
})

test('it is right behind characters that take two units', async () => {
  await window.openFile('emoji.py')
  await window.page.keyboard.insertText("a = 'é😀'; ")
  await window.type('self.')
  const shown = await window.untilGhostText()
  await window.press('Tab')
  await window.saved('emoji.py', (text) => text === `${POINT}a = 'é😀'; self.${shown}`)
})

test('a file with CRLF keeps it', async () => {
  await window.openFile('crlf.py')
  await window.type('self.')
  const shown = await window.untilGhostText()
  await window.press('Tab')
  await window.press('End')
  await window.press('Enter')
  await window.untilGhostText()
  await window.press('Tab')
  const text = await window.saved('crlf.py', (text) => text.includes(`self.${shown}\r\n`))
  assert.doesNotMatch(text, /[^\r]\n/)
})

test('a language server keeps it to members that there are', async () => {
  await window.openFile('members.py')
  await until(async () => {
    await window.type('basket.')
    const shown = await window.untilGhostText()
    if (shown.startsWith('zx_fruits')) {
      return true
    }
    await window.press('Escape')
    for (let count = 0; count < 'basket.'.length; count++) {
      await window.press('Backspace')
    }
    return false
  }, 'a name that only the language server knows')
})

test('what is asked is written at the cursor, and its import where imports stand', async () => {
  await window.openFile('delivery.py')
  await window.command('Ghostwright: Ask How to Do Something Here…')
  await window.answer('put more of an item into the inventory')
  await window.choose(/restock\(.*insert at the cursor/)
  const text = await window.saved('delivery.py', (text) => text !== DELIVERY)
  assert.match(text, /^"""Deliveries."""\n\n(import logging\n)?from inventory import restock\n/)
  assert.match(text, /\n {4}restock\(name, count\)\n?$/)
})

test('what a search finds is opened', async () => {
  await window.openFile('delivery.py')
  await window.command('Ghostwright: Search the Repository…')
  await window.answer('put more of an item into the inventory')
  await window.choose(/def restock\(/)
  await window.page.locator('.tab.active[data-resource-name="inventory.py"]').waitFor()
})

test('the doctor reports in a terminal', async () => {
  await window.command('Ghostwright: Doctor: Find What Is Wrong')
  const terminal = window.page.locator('.xterm-rows')
  await until(
    async () => /[✓✗] completion/.test((await terminal.allTextContents()).join(' ').replaceAll('\u00a0', ' ')),
    'its report',
  )
})

test('nothing was asked of another host', () => {
  assert.deepEqual(browser.refused, [])
})
