/** Starts the server and connects it. Everything else is decided by the server. */
import { commands, ExtensionContext, StatusBarAlignment, StatusBarItem, window, workspace } from 'vscode'
import { LanguageClient } from 'vscode-languageclient/node'

/** `didChangeStatus`: what the server is doing, or why it offers nothing here. */
interface Status {
  kind: 'Normal' | 'Warning' | 'Error' | 'Inactive'
  message: string
  busy: boolean
}

const ICONS = { Normal: '$(sparkle)', Warning: '$(warning)', Error: '$(error)', Inactive: '$(circle-slash)' }

let client: LanguageClient | undefined

export async function activate(context: ExtensionContext): Promise<void> {
  const item = window.createStatusBarItem(StatusBarAlignment.Right)
  context.subscriptions.push(
    item,
    commands.registerCommand('ghostwright.restart', () => start(item)),
    commands.registerCommand('ghostwright.showLog', () => client?.outputChannel.show()),
  )
  item.command = 'ghostwright.showLog'
  await start(item)
}

export async function deactivate(): Promise<void> {
  await client?.stop()
}

async function start(item: StatusBarItem): Promise<void> {
  await client?.stop()
  const command = workspace.getConfiguration('ghostwright').get<string>('command', 'ghostwright')
  client = new LanguageClient(
    'ghostwright',
    'Ghostwright',
    { command, args: ['lsp'] },
    { documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }] },
  )
  client.onNotification('didChangeStatus', (status: Status) => show(item, status))
  try {
    await client.start()
  } catch (error) {
    const message = `The server “${command}” does not start: ${error}. Install it, or set ghostwright.command.`
    show(item, { kind: 'Error', message, busy: false })
  }
}

function show(item: StatusBarItem, status: Status): void {
  item.text = `${status.busy ? '$(loading~spin)' : ICONS[status.kind]} Ghostwright`
  item.tooltip = status.message
  item.show()
}
