/**
 * Bundles the extension into `out/extension.js` and, loaded later, `out/client.js`, without the parts of the language
 * client that it does not use; and puts the licences of what is in the bundles into `out/NOTICES.txt`.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

/** Files of vscode-languageclient and vscode-jsonrpc for what the server does not offer. */
const UNUSED = `
  callHierarchy codeAction codeLens colorProvider completion declaration definition diagnostic documentHighlight
  documentLink documentSymbol fileOperations fileSystemWatcher foldingRange formatting hover implementation
  inlayHint inlineValue linkedEditingRange notebook reference rename selectionRange semanticTokens signatureHelp
  textDocumentContent typeDefinition typeHierarchy workspaceSymbol
  protocolCallHierarchyItem protocolCodeAction protocolCodeLens protocolDocumentLink protocolInlayHint
  protocolTypeHierarchyItem protocolWorkspaceSymbol sharedArrayCancellation
`.trim()

/** Whatever class is asked for: a feature that announces nothing and does nothing. */
const INERT = `
  class Inert {
    getState() { return { kind: 'static' } }
    fillClientCapabilities() {}
    initialize() {}
    clear() {}
  }
  module.exports = new Proxy({}, { get: () => Inert })
`

const ours = {
  name: 'the client apart, without unused features',
  setup(build) {
    const filter = new RegExp(
      `vscode-(languageclient|jsonrpc)/lib/common/(${UNUSED.split(/\s+/).join('|')})\\.js$`.replaceAll('/', '[\\\\/]'),
    )
    build.onResolve({ filter: /^\.\/client\.js$/ }, ({ path }) => ({ path, external: true }))
    build.onLoad({ filter }, () => ({ contents: INERT, loader: 'js' }))
  },
}

const { metafile } = await build({
  entryPoints: ['src/extension.ts', 'src/client.ts'],
  outdir: 'out',
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  mainFields: ['module', 'main'],
  external: ['vscode'],
  supported: { 'dynamic-import': false }, // a native import would go around the editor's own way to load “vscode”
  legalComments: 'none',
  charset: 'utf8',
  plugins: [ours],
  metafile: true,
})
await writeFile('out/NOTICES.txt', (await notices(Object.keys(metafile.inputs))).join('\n\n'))

/** A licence for each package that files were taken from. */
async function notices(files) {
  const packages = new Set(files.map((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]).filter(Boolean))
  return Promise.all([...packages].sort().map(notice))
}

async function notice(name) {
  const folder = join('node_modules', name)
  const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each))
  if (!file) {
    throw new Error(`${folder} has no licence file: its bundle must not be shipped without one`)
  }
  return `${name}\n\n${await readFile(join(folder, file), 'utf-8')}`
}
