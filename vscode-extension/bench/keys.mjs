/**
 * From key to ghost text drawn, in the browser, over a hundred keys; beside what the server took for the same keys. And
 * how long the extension takes to be activated, by VS Code's own account.
 *
 *     bench/run --keys 100 --json keys.json
 *
 * A key is pressed when the ghost text of the one before is there, or two seconds have gone by. Its time ends with the
 * first frame in which its character and ghost text behind it are drawn; keys without ghost text are counted.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BIN, pause, startBrowser, startVsCode, Window, writeFiles } from '../test/workbench.mjs'

const { values } = parseArgs({ options: { keys: { type: 'string', default: '100' }, json: { type: 'string' } } })
const START = `class Account:
    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance

    def deposit(self, amount):
        `
const TEXT = `self.balance += amount
return self.balance

# Takes money.
self.balance = self.balance - amount
if self.balance < 0:
self.owner = None
return self`
const GIVE_UP = 2_000

const bin = await mkdtemp(join(tmpdir(), 'ghostwright-relay-'))
const journal = join(bin, 'journal')
const relay = join(import.meta.dirname, 'relay.mjs')
await writeFiles(bin, {
  ghostwright: `#!/bin/sh\nexec '${process.execPath}' '${relay}' '${BIN}/ghostwright' '${journal}' "$@"\n`,
  journal: '',
})
const settings = {
  'editor.autoClosingBrackets': 'never',
  'editor.autoClosingQuotes': 'never',
  'editor.autoIndent': 'keep',
}
const vscode = await startVsCode({ files: { 'account.py': START }, settings, path: [bin] })
const browser = await startBrowser(vscode.folder)
try {
  const window = await Window.open(browser.context, vscode)
  await window.untilStatus('Ready')
  await window.openFile('account.py')
  await pause(3_000)
  writeFileSync(journal, '')
  const drawn = await keys(window)
  const activation = await activationTime(window)
  report({ activation, drawn, answered: answered(), load: loadavg()[0] })
} finally {
  await browser.context.close()
  await vscode.close()
}

/** Milliseconds that VS Code says the extension took, loading its code included. */
async function activationTime(window) {
  await window.command('Developer: Show Running Extensions')
  const row = window.page.locator('.runtime-extensions-editor .extension').filter({ hasText: 'Ghostwright' })
  const text = await row.first().locator('.activation-time').textContent()
  return Number(/(\d+)\s*ms/.exec(text)[1])
}

/** Milliseconds by key until ghost text is drawn; null where none was. */
async function keys(window) {
  const times = []
  for (const character of TEXT.repeat(3).slice(0, Number(values.keys))) {
    await window.page.evaluate(watch, GIVE_UP)
    await window.press(character === '\n' ? 'Enter' : character === ' ' ? 'Space' : character)
    times.push(await window.page.evaluate(() => globalThis.drawn))
  }
  return times
}

/** In the page: from the next key on, waits for a frame that shows another text of the user's, and ghost text. */
function watch(giveUp) {
  const first = '.view-lines .ghost-text-decoration, .view-lines .ghost-text-decoration-preview'
  const all = `${first}, .suggest-preview-text .view-line`
  const length = (found) => [...found].reduce((sum, element) => sum + element.textContent.length, 0)
  const typed = () =>
    length(document.querySelectorAll('.editor-instance .view-line')) - length(document.querySelectorAll(all))
  const before = typed()
  globalThis.drawn = new Promise((resolve) => {
    document.addEventListener(
      'keydown',
      ({ timeStamp }) => {
        const look = () => {
          const now = performance.now()
          if (now - timeStamp > giveUp) {
            resolve(null)
          } else if (typed() !== before && document.querySelector(all)) {
            resolve(now - timeStamp)
          } else {
            requestAnimationFrame(look)
          }
        }
        requestAnimationFrame(look)
      },
      { once: true, capture: true },
    )
  })
}

/** Milliseconds by request that the server took, cancelled ones left out. */
function answered() {
  const lines = readFileSync(journal, 'utf-8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number))
  return lines.filter(([, count]) => count > 0).map(([time]) => time)
}

function percentiles(times) {
  const sorted = times.filter((time) => time !== null).sort((one, other) => one - other)
  const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] * 10) / 10
  return sorted.length ? { count: sorted.length, p50: at(0.5), p95: at(0.95), max: at(1) } : { count: 0 }
}

function report({ activation, drawn, answered, load }) {
  const figures = {
    activation,
    drawn: percentiles(drawn),
    nothing: drawn.filter((time) => time === null).length,
    server: percentiles(answered),
    load,
  }
  console.log(`activation, by VS Code's account   ${activation} ms`)
  console.table({ 'key → ghost text drawn': figures.drawn, 'request → answer, the server': figures.server })
  console.log(`${figures.nothing} keys without ghost text; load of the machine ${load.toFixed(1)}`)
  if (values.json) {
    writeFileSync(values.json, JSON.stringify({ ...figures, times: drawn }, null, 1))
  }
}
