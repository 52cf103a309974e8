/** The item in the status bar: the server's state in one icon, the reason when hovered, what to do when clicked. */
import {
  commands,
  Disposable,
  MarkdownString,
  StatusBarAlignment,
  StatusBarItem,
  ThemeColor,
  window,
  workspace,
} from 'vscode'
import { section } from './settings'

/** What mends a state. */
export type Remedy = 'install' | 'restart' | 'log' | 'command' | 'reload' | 'wake'

/** A state with a sentence for the user: the server's `didChangeStatus`, or one of the extension's own. */
export interface Status {
  kind: 'Normal' | 'Warning' | 'Error' | 'Inactive'
  message: string
  busy: boolean
  remedy?: Remedy
}

const ICONS = { Normal: '$(sparkle)', Warning: '$(warning)', Error: '$(error)', Inactive: '$(circle-slash)' }

/** Milliseconds that work must take until it is shown: most completions are there before. */
const BRIEF = 300

export class StatusView implements Disposable {
  status: Status = { kind: 'Normal', message: 'Starting', busy: true }
  private readonly item: StatusBarItem
  private readonly listeners: Disposable[]
  private timer: NodeJS.Timeout | undefined

  constructor() {
    this.item = window.createStatusBarItem('ghostwright.status', StatusBarAlignment.Right)
    this.item.name = 'Ghostwright'
    this.item.command = 'ghostwright.menu'
    this.listeners = [
      window.onDidChangeActiveTextEditor(() => this.draw()),
      workspace.onDidChangeConfiguration((event) => event.affectsConfiguration(section) && this.draw()),
    ]
  }

  /** Takes over a state. A busy one is drawn a little later, if it still holds by then. */
  show(status: Status): void {
    if (isSnoozed(status) !== isSnoozed(this.status)) {
      setContext('snoozed', isSnoozed(status))
    }
    this.status = status
    clearTimeout(this.timer)
    if (status.busy) {
      this.timer = setTimeout(() => this.draw(), BRIEF)
    } else {
      this.draw()
    }
  }

  /** The state as the user sees it: a file or a setting may keep a server silent that is ready. */
  get shown(): Status {
    if (this.status.kind !== 'Normal' || this.status.busy) {
      return this.status
    }
    const silence = silenceOfSettings()
    return silence ? { kind: 'Inactive', message: silence, busy: false } : this.status
  }

  dispose(): void {
    clearTimeout(this.timer)
    this.item.dispose()
    this.listeners.forEach((listener) => listener.dispose())
  }

  private draw(): void {
    const { kind, message, busy } = this.shown
    const icon = isSnoozed(this.shown) ? '$(bell-slash)' : ICONS[kind]
    this.item.text = `${busy ? '$(loading~spin)' : icon} ${progress(message) ?? 'Ghostwright'}`
    this.item.tooltip = new MarkdownString().appendText(message).appendMarkdown('\n\nClick to see what you can do.')
    this.item.accessibilityInformation = { label: `Ghostwright: ${message}` }
    this.item.backgroundColor = background(kind)
    this.item.show()
  }
}

/** Sets what `when` in package.json asks for, without `ghostwright.` before it. */
export function setContext(key: string, value: boolean): void {
  void commands.executeCommand('setContext', `ghostwright.${key}`, value)
}

export function isSnoozed({ kind, message }: Status): boolean {
  return kind === 'Inactive' && message.startsWith('Snoozed')
}

function background(kind: Status['kind']): ThemeColor | undefined {
  const colors = { Error: 'statusBarItem.errorBackground', Warning: 'statusBarItem.warningBackground' }
  return kind === 'Error' || kind === 'Warning' ? new ThemeColor(colors[kind]) : undefined
}

/** `Indexing: 43 % of shop` → `Indexing 43 %`: what takes long is told in the bar itself. */
function progress(message: string): string | undefined {
  const match = /^(Indexing)\D*(\d+)\s*%/.exec(message)
  return match ? `${match[1]} ${match[2]} %` : undefined
}

/** Why a ready server shows nothing in the active editor by the user's own settings; empty if it does. */
function silenceOfSettings(): string {
  const settings = workspace.getConfiguration(section)
  const document = window.activeTextEditor?.document
  if (!settings.get<boolean>('automatic', true)) {
    return 'Completion comes on request only.'
  }
  if (document && settings.get<string[]>('disabledLanguages', []).includes(document.languageId)) {
    return `Completion is off for ${document.languageId}.`
  }
  return ''
}
