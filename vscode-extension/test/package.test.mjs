/** The package: how large it is, what is in it, and that it works once it is installed as users install it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { EXTENSION, startBrowser, startVsCode, Window } from './workbench.mjs'

const PACKAGE = join(EXTENSION, 'ghostwright.vsix')
const POINT = 'class Point:\n    def __init__(self, x, y):\n        self.x = x\n        '

test('the package is below 1 MB, the bundle below 300 kB', () => {
  assert.ok(statSync(PACKAGE).size < 1_000_000, `${statSync(PACKAGE).size} bytes`)
  const bundle = ['extension.js', 'client.js'].reduce(
    (sum, name) => sum + statSync(join(EXTENSION, 'out', name)).size,
    0,
  )
  assert.ok(bundle < 300_000, `${bundle} bytes`)
})

test('what the package shows is in it', () => {
  const list = execFileSync('python3', ['-m', 'zipfile', '-l', PACKAGE], { encoding: 'utf-8' })
  const shown = ['README.md', 'package.json'].map((name) => readFileSync(join(EXTENSION, name), 'utf-8')).join()
  const names = [...shown.matchAll(/(?:images|walkthrough|media)\/[\w-]+\.\w+/g)].map(([name]) => name)
  assert.ok(names.length > 5)
  for (const name of [...names, 'LICENSE.txt', 'CHANGELOG.md', 'out/extension.js', 'out/client.js']) {
    assert.ok(list.includes(`extension/${name} `), name)
  }
})

test('installed from the package, it completes', async () => {
  const vscode = await startVsCode({ files: { 'point.py': POINT }, extension: PACKAGE })
  const browser = await startBrowser(vscode.folder)
  try {
    const window = await Window.open(browser.context, vscode)
    await window.untilStatus('Ready')
    await window.warmUp('point.py')
  } finally {
    await browser.context.close()
    await vscode.close()
  }
})
