/** The server's life: found, started, watched, started again after a pause, and given up if that does not help. */
import { ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { homedir } from 'node:os'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { Disposable, EventEmitter, LogOutputChannel, TextDocument } from 'vscode'
import type { Client } from './client'
import { findServer } from './programs'
import { Status } from './status'

/** The oldest server that this extension works with. */
const OLDEST = '0.1.0'

/** Milliseconds before each new start; so often it is tried. */
const PAUSES = [500, 2_000, 5_000, 15_000]

/** Milliseconds after which a crash has nothing to do with those before it. */
const FORGOTTEN = 180_000

/** Milliseconds for the first answer: then it is called slow; then it is given up. */
const SLOW = 15_000
const HOPELESS = 120_000

/** Milliseconds that a server has to say goodbye. */
const FAREWELL = 2_000

/** Milliseconds in which what an ended process has written is read. */
const LAST_WORDS = 200

export class Server implements Disposable {
  program: string | undefined
  private readonly answered = new EventEmitter<void>()
  private readonly changed = new EventEmitter<void>()
  private client: Client | undefined
  private child: ChildProcessWithoutNullStreams | undefined
  private crashes: number[] = []
  private verdict: Status | undefined
  private run = 0

  /** Fires when ghost text was shown. */
  readonly onDidAnswer = this.answered.event

  /** Fires when the server has become ready, or is no longer. */
  readonly onDidChange = this.changed.event

  constructor(
    private readonly extension: string,
    private readonly log: LogOutputChannel,
    private readonly show: (status: Status) => void,
  ) {}

  get isReady(): boolean {
    return this.client?.isRunning() ?? false
  }

  /** The server's process. */
  get pid(): number | undefined {
    return this.child?.pid
  }

  /** Whether the server has a command: an older one may lack it. */
  has(command: string): boolean {
    const offered = this.client?.initializeResult?.capabilities.executeCommandProvider?.commands ?? []
    return this.isReady && offered.includes(command)
  }

  /** What a command of the server answers. Raises if the server is not there, or refuses. */
  async execute<T>(command: string, ...given: unknown[]): Promise<T> {
    if (!this.client) {
      throw new Error('The server is not running.')
    }
    return this.client.sendRequest<T>('workspace/executeCommand', { command, arguments: given })
  }

  /** Tells the server which document the user has turned to. */
  focus(document: TextDocument): void {
    if (this.client && this.isReady) {
      void this.client.sendNotification('textDocument/didFocus', { textDocument: { uri: document.uri.toString() } })
    }
  }

  /** Starts the server anew, as a user asks for it: what has happened before is forgotten. */
  async restart(): Promise<void> {
    this.crashes = []
    await this.start()
  }

  async stop(): Promise<void> {
    this.run++
    const { client, child } = this
    this.client = this.child = undefined
    await client?.dispose(FAREWELL).catch((error) => this.log.debug(`The client does not stop: ${error}`))
    if (child && child.exitCode === null && child.signalCode === null) {
      child.stdin.end()
      await Promise.race([once(child, 'exit'), pause(FAREWELL)])
      child.kill('SIGKILL')
    }
    this.changed.fire()
  }

  dispose(): void {
    this.answered.dispose()
    this.changed.dispose()
  }

  private async start(): Promise<void> {
    const stopping = this.stop()
    const run = this.run // a start that is asked for meanwhile has another number, and this one gives way to it
    await stopping
    const program = await findServer(this.extension)
    if (run !== this.run) {
      return
    }
    this.program = program
    this.show({ kind: 'Normal', message: 'Starting', busy: true })
    if (!this.program) {
      this.show(MISSING)
      this.changed.fire()
      return
    }
    const loaded = await import('./client.js').catch(() => undefined) // most of the code: activation need not wait for it
    if (!loaded) {
      this.show(UPDATED)
      return
    }
    this.log.info(`Starting ${this.program}`)
    try {
      await this.connect(this.program, run, loaded.Client)
    } catch (error) {
      this.ended(run, `${error instanceof Error ? error.message : error}`)
    }
  }

  /** Starts a process and talks to it until it has answered the first request. Raises what prevents that. */
  private async connect(program: string, run: number, Connection: typeof Client): Promise<void> {
    const child = spawn(program, ['lsp'], { cwd: homedir(), shell: /\.(cmd|bat)$/.test(program) })
    const last = tail(child, this.log)
    child.once('exit', async (code, signal) => {
      await Promise.race([once(child, 'close'), pause(LAST_WORDS)])
      await this.ended(run, `ended with ${signal ?? `exit code ${code}`}${last()}`)
    })
    child.stdin.on('error', () => undefined)
    await once(child, 'spawn')
    if (run !== this.run) {
      child.kill()
      return
    }
    this.child = child
    const client = new Connection(child, this.log, {
      answered: () => this.answered.fire(),
      spoilt: (reason) => void this.spoilt(run, child, reason),
    })
    client.onNotification('didChangeStatus', (status: Status) => {
      if (run === this.run) {
        this.show(this.judged(status))
      }
    })
    this.client = client
    const watch = this.expectAnswer(run)
    try {
      await client.start()
    } catch (error) {
      await this.spoilt(run, child, `could not be connected: ${error instanceof Error ? error.message : error}`)
      return
    } finally {
      watch.dispose()
    }
    if (run !== this.run) {
      await client.dispose(FAREWELL)
      return
    }
    this.verdict = verdict(client, program)
    this.show(this.judged({ kind: 'Normal', message: 'Loading the model', busy: true }))
    this.changed.fire()
  }

  /** Says that the first answer is late, and gives up when it does not come at all. */
  private expectAnswer(run: number): Disposable {
    const message = 'The server is slow to start: the machine may be busy. It goes on waiting.'
    const slow = setTimeout(() => this.show({ kind: 'Warning', message, busy: true, remedy: 'log' }), SLOW)
    const hopeless = setTimeout(() => this.ended(run, 'did not answer within two minutes'), HOPELESS)
    return new Disposable(() => [slow, hopeless].forEach(clearTimeout))
  }

  /** A state, or what is wrong with a server that seems well. */
  private judged(status: Status): Status {
    return status.kind === 'Normal' && this.verdict ? this.verdict : status
  }

  /** Ends a run whose connection is of no use; that of a process which has ended is told by that. */
  private async spoilt(run: number, child: ChildProcessWithoutNullStreams, reason: string): Promise<void> {
    await Promise.race([once(child, 'close'), pause(LAST_WORDS)])
    if (child.exitCode === null && child.signalCode === null) {
      await this.ended(run, reason)
    }
  }

  /** Starts a run that has ended anew, after a pause that grows; the last time it only says what was wrong. */
  private async ended(run: number, reason: string): Promise<void> {
    if (run !== this.run) {
      return
    }
    this.log.error(`The server ${reason}`)
    const now = Date.now()
    this.crashes = [...this.crashes.filter((time) => now - time < FORGOTTEN), now]
    const count = this.crashes.length
    const wait = PAUSES[count - 1]
    const stopping = this.stop()
    const halted = this.run
    await stopping
    if (wait === undefined) {
      const message = `The server ${reason}. It was started ${count} times in a row; restart it when that is mended.`
      this.show({ kind: 'Error', message, busy: false, remedy: 'log' })
      return
    }
    const message = `The server ${reason}. It is started again in ${wait / 1000} s.`
    this.show({ kind: 'Warning', message, busy: false, remedy: 'log' })
    await pause(wait)
    if (halted === this.run) {
      await this.start()
    }
  }
}

const MISSING: Status = {
  kind: 'Error',
  message:
    'The server “ghostwright” is neither on the PATH nor where the settings say. Install it, or name the program.',
  busy: false,
  remedy: 'install',
}

const UPDATED: Status = {
  kind: 'Warning',
  message: 'The extension was updated while it ran. Reload the window to go on with the new one.',
  busy: false,
  remedy: 'reload',
}

/** What is wrong with a program that has answered, if it is not one that this extension works with. */
function verdict(client: Client, program: string): Status | undefined {
  const { name, version } = client.initializeResult?.serverInfo ?? { name: 'something else' }
  if (name !== 'ghostwright') {
    const message = `${program} is not Ghostwright's server but ${name}. Correct the setting “ghostwright.command”.`
    return { kind: 'Error', message, busy: false, remedy: 'command' }
  }
  if (version && isOlder(version, OLDEST)) {
    const message = `${program} is version ${version}; this extension needs ${OLDEST}. Install it anew.`
    return { kind: 'Warning', message, busy: false, remedy: 'install' }
  }
  return undefined
}

/** Hands a process's standard error output to the log; the last line of it explains an end: `: cannot import …`. */
function tail(child: ChildProcessWithoutNullStreams, log: LogOutputChannel): () => string {
  let last = ''
  createInterface({ input: child.stderr }).on('line', (line) => {
    last = line.trim() || last
    log.appendLine(line)
  })
  return () => (last ? `: ${last.slice(0, 200)}` : '')
}

/** `0.9.1` is older than `0.10`. What is not a number counts as 0. */
export function isOlder(version: string, than: string): boolean {
  const [one, other] = [version, than].map((each) => each.split('.').map((part) => Number.parseInt(part, 10) || 0))
  const differing = [0, 1, 2].find((place) => (one[place] ?? 0) !== (other[place] ?? 0))
  return differing !== undefined && (one[differing] ?? 0) < (other[differing] ?? 0)
}
