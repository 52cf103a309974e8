/** The view that shows what the last completion was made of, as the server's command `ghostwright.explain` tells it. */
import {
  commands,
  Event,
  EventEmitter,
  ThemeIcon,
  TreeDataProvider,
  TreeItem,
  TreeItemCollapsibleState,
  Uri,
} from 'vscode'

/** What monitors made of one place. */
interface Ruling {
  monitors: string[]
  place: string
  legal: number | null
  mass: number
  refused: string[]
  written: string
}

/** A stretch of the prompt, and the file that it was taken from. */
interface Part {
  source: string
  tokens: number
  text: string
  uri?: string
}

/** The JSON of `ghostwright complete --explain --json`, with the place and the files. */
export interface Explanation {
  uri: string
  line: number
  text: string
  probability: number
  timings: Record<string, number>
  waited: number
  evaluated: number
  recalled: boolean
  reason: string
  prompt: Part[]
  left_out: string[]
  rulings: Ruling[]
  silences: { monitor: string; reason: string }[]
}

/** A row of the tree, with those below it. */
interface Row {
  label: string
  detail?: string
  icon?: string
  tooltip?: string
  uri?: Uri
  line?: number
  rows?: Row[]
}

export class ExplanationView implements TreeDataProvider<Row> {
  private readonly changed = new EventEmitter<void>()
  private rows: Row[] = []
  readonly onDidChangeTreeData: Event<void> = this.changed.event

  show(explanation: Explanation | null): void {
    this.rows = explanation ? rows(explanation) : []
    this.changed.fire()
  }

  getChildren(row?: Row): Row[] {
    return row ? (row.rows ?? []) : this.rows
  }

  getTreeItem(row: Row): TreeItem {
    const { None, Expanded } = TreeItemCollapsibleState
    const item = new TreeItem(row.label, row.rows?.length ? Expanded : None)
    item.description = row.detail
    item.tooltip = row.tooltip
    item.iconPath = row.icon ? new ThemeIcon(row.icon) : undefined
    if (row.uri) {
      const selection = row.line === undefined ? undefined : { startLineNumber: row.line + 1 }
      item.command = {
        title: 'Open',
        command: 'ghostwright.openFile',
        arguments: [row.uri, selection?.startLineNumber],
      }
    }
    return item
  }
}

function rows(found: Explanation): Row[] {
  return [completion(found), sources(found), guards(found), timings(found)].filter((row) => row.rows?.length !== 0)
}

function completion(found: Explanation): Row {
  const uri = Uri.parse(found.uri)
  const sure = found.text ? `${percent(found.probability)} sure` : found.reason
  const label = visible(found.text) || 'Nothing to show'
  const place = { label: `${base(uri)}:${found.line + 1}`, detail: sure, icon: 'location', uri, line: found.line }
  return { label, tooltip: found.text, icon: 'sparkle', rows: [place] }
}

function sources(found: Explanation): Row {
  const read = found.prompt.filter((part) => part.text.trim() && !SPECIAL.test(part.text)).map(source)
  const left = found.left_out.map((sentence) => ({ label: sentence, icon: 'circle-slash', tooltip: 'Left out' }))
  const tokens = found.prompt.reduce((sum, part) => sum + part.tokens, 0)
  return { label: 'Sources', detail: `${tokens} tokens`, icon: 'library', rows: [...read, ...left] }
}

const SOURCES: Record<string, string> = {
  prefix: 'Above the cursor',
  suffix: 'Below the cursor',
  file: 'Name of this file',
}

/** What only tells the model where a part begins: `<|file_sep|>`. */
const SPECIAL = /^<[^<>\s]*>$/

function source(part: Part): Row {
  const uri = part.uri ? Uri.parse(part.uri) : undefined
  const label = uri ? base(uri) : (SOURCES[part.source] ?? part.source)
  const detail = uri ? `${part.source} · ${part.tokens} tokens` : `${part.tokens} tokens`
  return { label, detail, icon: uri ? 'file-code' : 'symbol-text', tooltip: part.text, uri }
}

function guards(found: Explanation): Row {
  const silent = found.silences.map(({ monitor, reason }) => ({ label: monitor, detail: reason, icon: 'mute' }))
  return { label: 'Guards', icon: 'shield', rows: [...found.rulings.map(guard), ...silent] }
}

function guard(ruling: Ruling): Row {
  const legal = ruling.legal === null ? [] : [`${ruling.legal} legal`]
  const refused = ruling.refused.length ? [`not ${ruling.refused.map(visible).join(' ')}`] : []
  const detail = [...legal, `${percent(ruling.mass)} of the model's probability`, ...refused].join(', ')
  const behind = `behind “${ruling.place.trim().slice(-40)}”`
  return { label: `${ruling.monitors.join(', ')}: ${visible(ruling.written)}`, detail, tooltip: behind, icon: 'check' }
}

function timings(found: Explanation): Row {
  const stages = Object.entries(found.timings).map(([stage, seconds]) => ({
    label: stage,
    detail: milliseconds(seconds),
    icon: 'watch',
  }))
  const waited = found.waited
    ? [
        {
          label: 'of it, waiting',
          detail: milliseconds(found.waited),
          icon: 'watch',
          tooltip: 'For the language server',
        },
      ]
    : []
  const total = Object.values(found.timings).reduce((sum, seconds) => sum + seconds, 0)
  const detail = found.recalled
    ? 'remembered, without the model'
    : `${milliseconds(total)}, ${found.evaluated} tokens evaluated`
  return { label: 'Timings', detail, icon: 'dashboard', rows: [...stages, ...waited] }
}

function milliseconds(seconds: number): string {
  return `${(seconds * 1000).toFixed(1)} ms`
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function visible(text: string): string {
  return text.replaceAll('\r', '').replaceAll('\n', '⏎').trim()
}

function base(uri: Uri): string {
  return uri.path.slice(uri.path.lastIndexOf('/') + 1)
}

/** Puts the view where it is seen. */
export async function reveal(): Promise<void> {
  await commands.executeCommand('ghostwright.explanation.focus')
}
