/** Starts the server, shows its state, and offers what only VS Code can. What a completion is, the server decides. */
import { commands, Disposable, ExtensionContext, Range, TreeView, Uri, window, workspace } from 'vscode'
import { Explanation, ExplanationView, reveal } from './explanation'
import { install, runInTerminal } from './install'
import { showMenu } from './menu'
import { askRepository, searchRepository } from './questions'
import { openSample } from './sample'
import { Server } from './server'
import { section, toggleAutomatic, toggleLanguage } from './settings'
import { Snooze } from './snooze'
import { setContext, StatusView } from './status'

/** Commands of the server, each with the context key that shows what needs it. */
const OPTIONAL = ['explain', 'snooze', 'search', 'ask', 'rebuildIndex']

/** Milliseconds after ghost text until the view reads what it was made of: while somebody types, it need not. */
const LATER = 300

let stop: () => Promise<void> = async () => undefined

export function activate(context: ExtensionContext): { server: Server; status: StatusView } {
  const status = new StatusView()
  const log = window.createOutputChannel('Ghostwright', { log: true })
  const server = new Server(context.extensionPath, log, (each) => status.show(each))
  stop = () => server.stop()
  context.subscriptions.push(status, log, server, ...actions(server, status, log), ...explaining(server))
  context.subscriptions.push(
    server.onDidChange(() => announce(server)),
    ...beginnings(server),
  )
  setImmediate(() => void server.restart()) // the editor need not wait for it
  return { server, status }
}

export async function deactivate(): Promise<void> {
  await stop()
}

/** Events after which a server is looked for again, or told where the user is. */
function beginnings(server: Server): Disposable[] {
  return [
    workspace.onDidGrantWorkspaceTrust(() => void server.restart()),
    window.onDidChangeActiveTextEditor((editor) => editor && server.focus(editor.document)),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(`${section}.command`)) {
        void server.restart()
      }
    }),
  ]
}

function actions(server: Server, status: StatusView, log: { show(): void }): Disposable[] {
  const snooze = new Snooze(server)
  const handlers: Record<string, (...given: never[]) => unknown> = {
    menu: () => showMenu(status.shown, server),
    completeNow: () => commands.executeCommand('editor.action.inlineSuggest.trigger'),
    toggle: toggleAutomatic,
    toggleLanguage: () => window.activeTextEditor && toggleLanguage(window.activeTextEditor.document.languageId),
    snoozeFor5: () => snooze.for(5),
    snoozeFor30: () => snooze.for(30),
    snoozeFor60: () => snooze.for(60),
    wake: () => snooze.for(0),
    searchRepository: () => searchRepository(server),
    askRepository: () => askRepository(server),
    rebuild: () => server.execute('ghostwright.rebuildIndex'),
    doctor: () => server.program && runInTerminal('Doctor', server.program, ['doctor']),
    restart: () => server.restart(),
    showLog: () => log.show(),
    install: async () => (await install()) && server.restart(),
    sample: openSample,
    openFile: openFile,
  }
  const registered = Object.entries(handlers).map(([name, handler]) =>
    commands.registerCommand(`ghostwright.${name}`, handler),
  )
  return [snooze, ...registered]
}

/** The view, which reads the last completion when it is asked to, and when there is a new one while it is seen. */
function explaining(server: Server): Disposable[] {
  const provider = new ExplanationView()
  const view: TreeView<unknown> = window.createTreeView('ghostwright.explanation', { treeDataProvider: provider })
  const refresh = async (): Promise<void> => {
    if (server.has('ghostwright.explain')) {
      provider.show(await server.execute<Explanation | null>('ghostwright.explain'))
    }
  }
  let timer: NodeJS.Timeout | undefined
  const later = (): void => {
    clearTimeout(timer)
    timer = view.visible ? setTimeout(() => void refresh(), LATER) : undefined
  }
  return [
    view,
    view.onDidChangeVisibility(later),
    server.onDidAnswer(later),
    new Disposable(() => clearTimeout(timer)),
    commands.registerCommand('ghostwright.explainLast', async () => {
      await reveal()
      await refresh()
    }),
  ]
}

/** Tells the editor what is there, so that commands show only where they work. */
function announce(server: Server): void {
  const keys: Record<string, boolean> = { ready: server.isReady, found: !!server.program, missing: !server.program }
  for (const name of OPTIONAL) {
    keys[`has.${name}`] = server.has(`ghostwright.${name}`)
  }
  for (const [key, value] of Object.entries(keys)) {
    setContext(key, value)
  }
}

async function openFile(uri: Uri, line = 1): Promise<void> {
  const selection = new Range(line - 1, 0, line - 1, 0)
  await window.showTextDocument(uri, { preview: true, selection })
}
