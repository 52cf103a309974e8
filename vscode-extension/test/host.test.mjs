/** Runs the suite in test/host within the extension host, as `@vscode/test-electron` does on the desktop. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { BIN, EXTENSION, PATIENCE, startBrowser, startVsCode, until, Window } from './workbench.mjs'

test('the suite in the extension host passes', async () => {
  const fakes = join(import.meta.dirname, 'host', 'servers')
  const vscode = await startVsCode({
    files: {
      'point.py': 'class Point:\n    def __init__(self, x, y):\n        self.x = x\n        ',
      '.env': 'KEY=1\n',
    },
    extension: 'none',
    options: ['--vscode-option', 'enable-smoke-test-driver'],
    home: { 'fakes.json': JSON.stringify({ fakes, real: join(BIN, 'ghostwright') }) },
  })
  const browser = await startBrowser(vscode.folder)
  const lines = []
  let code
  await browser.context.exposeFunction('codeAutomationExit', (status) => (code = status))
  await browser.context.exposeFunction('codeAutomationLog', (type, args) => lines.push(args.join(' ')))
  try {
    const remote = (path) => `vscode-remote://127.0.0.1:${vscode.port}${path}`
    await Window.open(browser.context, vscode, [
      ['extensionDevelopmentPath', remote(EXTENSION)],
      ['extensionTestsPath', remote(join(EXTENSION, 'test', 'host', 'suite.cjs'))],
      ['skipWelcome', 'true'],
    ])
    await until(
      () => code !== undefined,
      () => `the end of the suite; so far:\n${lines.join('\n')}`,
      8 * PATIENCE,
    )
  } finally {
    console.log(lines.filter((line) => /^[✔✖]|^\d+ passed/.test(line)).join('\n'))
    await browser.context.close()
    await vscode.close()
  }
  assert.equal(code, 0, lines.join('\n'))
})
