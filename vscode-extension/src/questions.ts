/** Asks the server in the user's words, and shows what it found: places to go to, and code to insert. */
import { Position, ProgressLocation, QuickPickItem, Range, TextEditor, Uri, window } from 'vscode'
import { Server } from './server'

/** A place, as the protocol writes it. */
interface Location {
  uri: string
  range: { start: { line: number; character: number } }
}

/** An API or a definition that was found. */
interface Found {
  name: string
  signature?: string
  kind?: string
  location?: Location
}

/** What the command `ghostwright.search` answers. */
interface Hits {
  hits: Found[]
  reason?: string
}

/** What the command `ghostwright.ask` answers: `code` replaces so many characters behind the cursor. */
interface Asked {
  apis: Found[]
  code: string
  replaces: number
  imports: string
  imports_line: number
  reason?: string
}

interface Choice extends QuickPickItem {
  act: () => unknown
}

export async function searchRepository(server: Server): Promise<void> {
  const query = await window.showInputBox({
    title: 'Search the Repository',
    placeHolder: 'what the code does, or is called',
  })
  if (query) {
    const { hits, reason } = await working(server.execute<Hits>('ghostwright.search', query))
    await choose(hits.map(place), reason)
  }
}

export async function askRepository(server: Server): Promise<void> {
  const placeHolder = 'how do I add an item to an order'
  const question = await window.showInputBox({ title: 'Ask How to Do Something Here', placeHolder })
  if (question) {
    const editor = window.activeTextEditor
    const at = editor?.selection.active
    const version = editor?.document.version
    const given = editor ? [question, cursor(editor)] : [question]
    const asked = await working(server.execute<Asked>('ghostwright.ask', ...given))
    const fits = editor?.document.version === version // what was typed meanwhile has moved the place
    const call = editor && at && asked.code && fits ? [insertion(editor, at, asked)] : []
    await choose([...call, ...asked.apis.map(place)], fits ? asked.reason : CHANGED)
  }
}

/** Shows that something is looked for: a repository that was never read takes some seconds. */
function working<T>(answer: Promise<T>): Thenable<T> {
  return window.withProgress(
    { location: ProgressLocation.Window, title: 'Ghostwright: looking through the repository' },
    () => answer,
  )
}

async function choose(choices: Choice[], reason = ''): Promise<void> {
  if (choices.length === 0) {
    await window.showInformationMessage(reason || 'Nothing was found.')
    return
  }
  const chosen = await window.showQuickPick(choices, {
    placeHolder: reason,
    matchOnDescription: true,
    matchOnDetail: true,
  })
  await chosen?.act()
}

function place(found: Found): Choice {
  const { location } = found
  const file = location ? Uri.parse(location.uri).path.split('/').slice(-2).join('/') : ''
  return {
    label: `${icon(found.kind)} ${found.signature || found.name}`,
    description: location ? `${file}:${location.range.start.line + 1}` : '',
    act: () => location && open(location),
  }
}

function icon(kind = ''): string {
  return ['class', 'function', 'method', 'field', 'constant'].includes(kind) ? `$(symbol-${kind})` : '$(symbol-misc)'
}

async function open({ uri, range }: Location): Promise<void> {
  const start = new Position(range.start.line, range.start.character)
  await window.showTextDocument(Uri.parse(uri), { selection: new Range(start, start) })
}

const CHANGED = 'The text has changed meanwhile: ask again to have the call inserted.'

function insertion(editor: TextEditor, at: Position, { code, replaces, imports, imports_line }: Asked): Choice {
  const { document } = editor
  const act = () =>
    editor.edit((edit) => {
      const end = document.positionAt(document.offsetAt(at) + replaces)
      edit.replace(new Range(at, end), code)
      if (imports) {
        edit.insert(new Position(imports_line, 0), `${imports}\n`)
      }
    })
  return { label: `$(insert) ${code}`, description: 'insert at the cursor', detail: imports, act }
}

function cursor(editor: TextEditor): object {
  const { line, character } = editor.selection.active
  return { textDocument: { uri: editor.document.uri.toString() }, position: { line, character } }
}
