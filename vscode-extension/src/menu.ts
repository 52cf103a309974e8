/** What a click on the status bar item shows: the state, and what can be done about it. */
import { commands, QuickPickItem, QuickPickItemKind, window, workspace } from 'vscode'
import { Server } from './server'
import { section } from './settings'
import { isSnoozed, Remedy, Status } from './status'

interface Action extends QuickPickItem {
  command?: string
  given?: unknown[]
}

export async function showMenu(status: Status, server: Server): Promise<void> {
  const actions = [...remedies(status), separator(), ...usual(server)]
  const chosen = await window.showQuickPick(actions, { title: 'Ghostwright', placeHolder: status.message })
  if (chosen?.command) {
    await commands.executeCommand(chosen.command, ...(chosen.given ?? []))
  }
}

const REMEDIES: Record<Remedy, Action> = {
  install: { label: '$(cloud-download) Install the Server…', command: 'ghostwright.install' },
  restart: { label: '$(debug-restart) Restart the Server', command: 'ghostwright.restart' },
  log: { label: '$(output) Show the Log', command: 'ghostwright.showLog' },
  reload: { label: '$(refresh) Reload the Window', command: 'workbench.action.reloadWindow' },
  wake: { label: '$(bell) End the Snooze', command: 'ghostwright.wake' },
  command: {
    label: '$(gear) Name the Server’s Program',
    command: 'workbench.action.openSettings',
    given: ['ghostwright.command'],
  },
}

/** What mends a state, the best first. */
function remedies(status: Status): Action[] {
  if (isSnoozed(status)) {
    return [REMEDIES.wake]
  }
  const others: Record<Status['kind'], Remedy[]> = {
    Normal: [],
    Inactive: [],
    Warning: ['restart', 'log'],
    Error: ['restart', 'log', 'command'],
  }
  const wanted = [...(status.remedy ? [status.remedy] : []), ...others[status.kind]]
  return [...new Set(wanted)].map((remedy) => REMEDIES[remedy])
}

function usual(server: Server): Action[] {
  const automatic = workspace.getConfiguration(section).get<boolean>('automatic', true)
  const language = window.activeTextEditor?.document.languageId
  const actions: (Action | false | undefined)[] = [
    server.has('ghostwright.explain') && {
      label: '$(list-tree) Explain the Last Completion',
      command: 'ghostwright.explainLast',
    },
    server.isReady && { label: '$(sparkle) Complete Now', command: 'ghostwright.completeNow' },
    server.has('ghostwright.search') && {
      label: '$(search) Search the Repository…',
      command: 'ghostwright.searchRepository',
    },
    server.has('ghostwright.ask') && {
      label: '$(question) Ask How to Do Something Here…',
      command: 'ghostwright.askRepository',
    },
    separator(),
    {
      label: `$(circle-slash) Turn Completion While Typing ${automatic ? 'Off' : 'On'}`,
      command: 'ghostwright.toggle',
    },
    language
      ? {
          label: `$(code) ${isOff(language) ? 'Turn On' : 'Turn Off'} for ${language}`,
          command: 'ghostwright.toggleLanguage',
        }
      : undefined,
    ...(server.has('ghostwright.snooze') ? [5, 30, 60].map(snooze) : []),
    separator(),
    server.program ? { label: '$(pulse) Doctor: Find What Is Wrong', command: 'ghostwright.doctor' } : undefined,
    { label: '$(gear) Settings', command: 'workbench.action.openSettings', given: ['@ext:ghostwright.ghostwright'] },
    { label: '$(output) Show the Log', command: 'ghostwright.showLog' },
    { label: '$(debug-restart) Restart the Server', command: 'ghostwright.restart' },
  ]
  return actions.filter((action) => action !== false && action !== undefined)
}

function isOff(language: string): boolean {
  return workspace.getConfiguration(section).get<string[]>('disabledLanguages', []).includes(language)
}

function snooze(minutes: number): Action {
  return { label: `$(bell-slash) Snooze for ${minutes} Minutes`, command: `ghostwright.snoozeFor${minutes}` }
}

function separator(): Action {
  return { label: '', kind: QuickPickItemKind.Separator }
}
