/** The package: how large it is, what is in it, and that it works once it is installed as users install it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { BIN, EXTENSION, startBrowser, startVsCode, until, Window, writeFiles } from './workbench.mjs'

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

test('installed from the package, it completes; updated while it runs, it goes on, and is new after a reload', async () => {
  const vscode = await startVsCode({ files: { 'point.py': POINT }, extension: PACKAGE })
  const browser = await startBrowser(vscode.folder)
  try {
    const window = await Window.open(browser.context, vscode)
    await window.untilStatus('Ready')
    await window.warmUp('point.py')
    await vscode.install(withVersion('0.1.1', vscode.place('newer.vsix')))
    rmSync(vscode.place('extensions', 'ghostwright.ghostwright-0.1.0'), { recursive: true })
    await window.command('Ghostwright: Restart the Server')
    await until(async () => !(await window.status()).includes('Ready'), 'the end of the old server')
    await window.untilStatus('Ready')
    await window.page.reload()
    await window.untilStatus('Ready')
    await window.warmUp('point.py')
    assert.deepEqual(await window.notifications(), [])
  } finally {
    await browser.context.close()
    await vscode.close()
  }
})

test('an update that takes the code away before it was needed is told, with a way out', async () => {
  const vscode = await startVsCode({ files: { 'point.py': POINT }, extension: PACKAGE, path: [] })
  const browser = await startBrowser(vscode.folder)
  try {
    const window = await Window.open(browser.context, vscode)
    await window.untilStatus('neither on the PATH')
    await vscode.install(withVersion('0.1.1', vscode.place('newer.vsix')))
    rmSync(vscode.place('extensions', 'ghostwright.ghostwright-0.1.0'), { recursive: true })
    await writeFiles(vscode.place('home', '.local', 'bin'), {
      ghostwright: `#!/bin/sh\nexec '${BIN}/ghostwright' "$@"\n`,
    })
    await window.command('Ghostwright: Restart the Server')
    await window.untilStatus('Reload the window')
    await window.page.locator('.statusbar-item').filter({ hasText: 'Ghostwright' }).click()
    await window.choose('Reload the Window')
    await window.untilStatus('Ready')
  } finally {
    await browser.context.close()
    await vscode.close()
  }
})

/** The package under another version. */
function withVersion(version, target) {
  const script = `
import sys, zipfile
source, target, version = sys.argv[1:]
with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
    for entry in old.infolist():
        data = old.read(entry)
        if entry.filename in ("extension/package.json", "extension.vsixmanifest"):
            data = data.replace(b"0.1.0", version.encode(), 1)
        new.writestr(entry, data)
`
  execFileSync('python3', ['-c', script, PACKAGE, target, version])
  return target
}
