/** The language client over a process that is running already. */
import { ChildProcessWithoutNullStreams } from 'node:child_process'
import { LogOutputChannel } from 'vscode'
import {
  BaseLanguageClient,
  CloseAction,
  ErrorAction,
  InitializeParams,
  LanguageClientOptions,
  MessageTransports,
  Middleware,
  RevealOutputChannelOn,
} from 'vscode-languageclient'
import { StreamMessageReader, StreamMessageWriter } from 'vscode-languageserver-protocol/node'
import { serverSettings } from './settings'

/** What a client tells: that ghost text was shown; that the connection is of no use, and why. */
interface Listener {
  answered(): void
  spoilt(reason: string): void
}

export class Client extends BaseLanguageClient {
  constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    log: LogOutputChannel,
    listener: Listener,
  ) {
    super(
      'ghostwright',
      'Ghostwright',
      options(log, listener, () => this),
    )
  }

  protected override fillInitializeParams(params: InitializeParams): void {
    super.fillInitializeParams(params)
    params.processId = process.pid
  }

  protected override async createMessageTransports(): Promise<MessageTransports> {
    const { stdin, stdout } = this.child
    return { reader: new StreamMessageReader(stdout), writer: new StreamMessageWriter(stdin) }
  }
  /** Goes into the log only: the status says what is wrong, and how to mend it. */
  override error(message: string, data?: unknown): void {
    super.error(message, data, false)
  }
}

function options(log: LogOutputChannel, listener: Listener, client: () => Client): LanguageClientOptions {
  return {
    documentSelector: [{ scheme: 'file' }, { scheme: 'untitled' }],
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: serverSettings,
    initializationFailedHandler: () => false,
    middleware: middleware(listener, client),
    errorHandler: {
      error: (error) => {
        listener.spoilt(`wrote what is not a message of the protocol: ${error.message}`)
        return { action: ErrorAction.Continue, handled: true }
      },
      closed: () => ({ action: CloseAction.DoNotRestart, handled: true }),
    },
  }
}

function middleware(listener: Listener, client: () => Client): Middleware {
  return {
    workspace: {
      configuration: (parameters) => parameters.items.map(serverSettings),
      didChangeConfiguration: () => {
        const settings = { ghostwright: serverSettings() }
        return client().sendNotification('workspace/didChangeConfiguration', { settings })
      },
    },
    provideInlineCompletionItems: async (document, position, context, token, next) => {
      const items = await next(document, position, context, token)
      if (items && (Array.isArray(items) ? items : items.items).length > 0) {
        listener.answered()
      }
      return items
    },
  }
}
