/** A real VS Code as tests need one: code-server as a process, a browser, and what a user does and sees in it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const HOME = process.env.GHOSTWRIGHT_VSCODE
const BIN = resolve(process.env.GHOSTWRIGHT_BIN)
export const EXTENSION = resolve(import.meta.dirname, '..')
const { chromium } = createRequire(join(HOME, 'e2e', 'package.json'))('playwright-core')

/** Milliseconds after which a test gives up waiting: long, since they fail a test that would only be slow. */
export const PATIENCE = Number(process.env.GHOSTWRIGHT_PATIENCE ?? 120) * 1000

const SETTINGS = {
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'workbench.enableExperiments': false,
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.reduceMotion': 'on',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'security.workspace.trust.enabled': false,
  'editor.inlineSuggest.enabled': true,
  'editor.minimap.enabled': false,
  'git.enabled': false,
  'npm.fetchOnlinePackageInfo': false,
  'json.schemaDownload.enable': false,
  'files.autoSave': 'off',
  'terminal.integrated.gpuAcceleration': 'off', // so that its text is in the page
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'ghostwright.minProbability': 0,
  'ghostwright.debounce': 0,
}

/**
 * Starts a VS Code with the extension on a new workspace.
 *
 * `files` go into the workspace, `home` into the user's home; `settings` are added to the user's, `machine` to the
 * machine's. `path` are folders before the PATH, the one with the real server unless others are named. `extension` is
 * `link`, `none`, or a .vsix file.
 */
export async function startVsCode({
  files = {},
  settings = {},
  machine = {},
  path = [BIN],
  extension = 'link',
  options = [],
  home = {},
}) {
  const folder = await mkdtemp(join(tmpdir(), 'ghostwright-vscode-'))
  const place = (...parts) => join(folder, ...parts)
  await writeFiles(place('work'), { '.git/HEAD': 'ref: refs/heads/main\n', ...files })
  await writeFiles(place('user'), {
    'User/settings.json': JSON.stringify({ ...SETTINGS, ...settings }),
    'Machine/settings.json': JSON.stringify(machine),
  })
  // VS Code asks a login shell for the environment of extensions.
  await writeFiles(place('home'), { ...home, '.profile': `PATH=${[...path, '/usr/bin', '/bin'].join(delimiter)}\n` })
  await mkdir(place('extensions'), { recursive: true })
  if (extension === 'link') {
    await symlink(EXTENSION, place('extensions', 'ghostwright.ghostwright-0.1.0'))
  }
  const port = await freePort()
  const env = environment(folder)
  const given = [
    '--config',
    place('config.yaml'),
    '--user-data-dir',
    place('user'),
    '--extensions-dir',
    place('extensions'),
  ]
  const install = (vsix) => run([...given, '--install-extension', vsix, '--force'], env)
  if (extension.endsWith('.vsix')) {
    await install(extension)
  }
  const child = spawn(
    process.execPath,
    [ENTRY, ...given, ...QUIET, '--bind-addr', `127.0.0.1:${port}`, ...options, place('work')],
    {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const output = collect(child)
  const url = `http://127.0.0.1:${port}`
  await until(
    () =>
      fetch(`${url}/healthz`).then(
        (answer) => answer.ok,
        () => false,
      ),
    () => `code-server:\n${output()}`,
  )
  const close = async () => {
    process.kill(-child.pid, 'SIGTERM')
    await Promise.race([once(child, 'exit'), pause(5_000)])
    killGroup(child.pid)
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  return { folder, work: place('work'), url, port, child, output, close, place, install }
}

const ENTRY = join(HOME, 'code-server', 'node_modules', 'code-server', 'out', 'node', 'entry.js')
const QUIET = [
  '--auth',
  'none',
  '--disable-telemetry',
  '--disable-update-check',
  '--disable-getting-started-override',
  '--disable-proxy',
  '--disable-file-downloads',
  '--disable-file-uploads',
]

function environment(folder) {
  const own = {
    XDG_CONFIG_HOME: join(folder, 'config'),
    XDG_DATA_HOME: join(folder, 'data'),
    HOME: join(folder, 'home'),
  }
  return {
    ...process.env,
    ...own,
    EXTENSIONS_GALLERY: '{"serviceUrl":"","itemUrl":""}',
    GHOSTWRIGHT_CONFIG: join(folder, 'none.toml'),
    PATH: '/usr/bin:/bin',
  }
}

export async function writeFiles(folder, files) {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(resolve(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), text, { mode: text.startsWith('#!') ? 0o755 : 0o644 })
  }
}

/** Runs code-server to its end. What it says is told if it fails; in between it complains of parts that are not needed. */
async function run(given, env) {
  const child = spawn(process.execPath, [ENTRY, ...given], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = collect(child)
  const [code] = await once(child, 'close')
  if (code !== 0) {
    throw new Error(`code-server ${given.join(' ')} ended with ${code}:\n${output()}`)
  }
}

/** What a process has said so far. */
function collect(child) {
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => (output += data))
  }
  return () => output
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // all of them are gone
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return port
}

/** What a condition gives once it holds. */
export async function until(condition, what, patience = PATIENCE) {
  const end = Date.now() + patience
  for (;;) {
    const found = await condition()
    if (found) {
      return found
    }
    if (Date.now() > end) {
      throw new Error(`waited ${patience / 1000} seconds for ${typeof what === 'function' ? what() : what}`)
    }
    await pause(50)
  }
}

/** Starts a browser of its own; what it asks other hosts for is refused and counted. */
export async function startBrowser(folder, size = { width: 1280, height: 800 }) {
  const context = await chromium.launchPersistentContext(join(folder, 'browser'), {
    executablePath: '/usr/bin/chromium',
    headless: true,
    viewport: size,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
  const refused = []
  await context.route(/^(?!http:\/\/127\.0\.0\.1:|ws:\/\/127\.0\.0\.1:|data:|blob:)/, (route) => {
    refused.push(route.request().url())
    return route.abort()
  })
  context.setDefaultTimeout(PATIENCE)
  return { context, refused }
}

/** One window of VS Code: what a user does and sees. */
export class Window {
  constructor(page, vscode) {
    this.page = page
    this.vscode = vscode
  }

  /** Opens the workspace and waits until it is drawn. */
  static async open(context, vscode, payload = []) {
    const page = await context.newPage()
    const query = `folder=${encodeURIComponent(vscode.work)}&payload=${encodeURIComponent(JSON.stringify(payload))}`
    await page.goto(`${vscode.url}/?${query}`)
    await page.locator('.monaco-workbench').waitFor()
    return new Window(page, vscode)
  }

  /** The status bar item's words, for those who cannot see it: `Ghostwright: Ready: …`. */
  async status() {
    const item = this.page.locator(
      '.statusbar-item[aria-label^="Ghostwright: "], .statusbar-item [aria-label^="Ghostwright: "]',
    )
    return (await item.count()) ? ((await item.first().getAttribute('aria-label')) ?? '') : ''
  }

  async untilStatus(part) {
    let last = ''
    const matches = async () => (
      (last = await this.status()),
      typeof part === 'string' ? last.includes(part) : part.test(last)
    )
    await until(matches, () => `the status ${part}; it is “${last}”`)
    return last
  }

  /** Opens a file of the workspace and puts the cursor at its end. */
  async openFile(name) {
    await this.fillQuickInput('Control+P', name)
    await this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: name }).first().waitFor()
    await this.page.keyboard.press('Enter')
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor()
    await this.editor.waitFor()
    await this.page.keyboard.press('Control+End')
  }

  /** Opens the field at the top, and again if the window was not ready for the key, and writes into it. */
  async fillQuickInput(key, text) {
    const input = this.page.locator('.quick-input-widget input[type="text"]').first()
    await until(async () => {
      await this.page.keyboard.press(key)
      return input.waitFor({ timeout: 5_000 }).then(
        () => true,
        () => false,
      )
    }, `the field that ${key} opens`)
    await input.fill(text)
  }

  get editor() {
    return this.page.locator('.editor-instance .monaco-editor').first()
  }

  async type(text) {
    await this.page.keyboard.type(text, { delay: 60 })
  }

  press(keys) {
    return this.page.keyboard.press(keys)
  }

  /** The ghost text as it is drawn: the rest of the line, and the lines below. */
  async ghostText() {
    const first = await this.page
      .locator('.view-lines .ghost-text-decoration, .view-lines .ghost-text-decoration-preview')
      .allTextContents()
    const below = await this.page.locator('.suggest-preview-text .view-line').allTextContents()
    return [first.join(''), ...below].join('\n').replaceAll('\u00a0', ' ').replace(/\n+$/, '')
  }

  untilGhostText(wanted = (text) => text !== '') {
    let last = ''
    return until(
      async () => {
        last = await this.ghostText()
        return wanted(last) ? last || true : undefined
      },
      () => `ghost text; there is “${last}”`,
    )
  }

  /** Asks until the model has answered once: on a busy machine its first answer may take longer than it has. */
  async warmUp(name) {
    await this.openFile(name)
    await this.type('self')
    await until(async () => {
      await this.type('.')
      const shown = await until(() => this.ghostText(), 'ghost text', 10_000).catch(() => '')
      await this.press('Backspace')
      return shown
    }, 'the first ghost text')
  }

  async untilNoGhostText() {
    await until(async () => (await this.ghostText()) === '', 'no ghost text')
  }

  /** Saves the active file and gives its text once it is as wanted. */
  async saved(name, wanted) {
    await this.page.keyboard.press('Control+S')
    let text = ''
    await until(
      async () => wanted((text = await readFile(join(this.vscode.work, name), 'utf-8'))),
      () => `the saved text; it is ${JSON.stringify(text)}`,
    )
    return text
  }

  /** Runs a command by its name in the palette. */
  async command(title) {
    await this.fillQuickInput('F1', `>${title}`)
    await this.choose(title)
  }

  /** Writes into the field at the top, which asks something. */
  async answer(text) {
    await this.page.locator('.quick-input-message').filter({ hasText: 'Enter' }).waitFor()
    await this.page.locator('.quick-input-widget input[type="text"]').first().fill(text)
    await this.page.keyboard.press('Enter')
  }

  /** Takes an entry of the list at the top. */
  async choose(entry) {
    await this.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: entry }).first().click()
  }

  /** What pop-ups say. */
  notifications() {
    return this.page.locator('.notification-list-item-message').allTextContents()
  }

  /** Keeps what is seen when a test fails, in the folder that GHOSTWRIGHT_SCREENS names. */
  async keep(name) {
    const folder = process.env.GHOSTWRIGHT_SCREENS
    if (folder) {
      await this.page.screenshot({ path: join(folder, `${name.replace(/\W+/g, '-')}.png`) })
    }
  }

  async screenshot(name, clip) {
    await pause(1_000) // until what fades in is there
    await this.page.screenshot({ path: join(EXTENSION, 'images', name), clip })
  }
}

export { pause, BIN }
