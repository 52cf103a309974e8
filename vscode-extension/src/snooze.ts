/** Quiet for some minutes. The server is told when it begins and, so that the status says so, when it is over. */
import { Disposable } from 'vscode'
import { Server } from './server'

const MINUTE = 60_000

export class Snooze implements Disposable {
  private readonly listener: Disposable
  private timer: NodeJS.Timeout | undefined
  private end = 0

  constructor(private readonly server: Server) {
    this.listener = server.onDidChange(() => void this.renew().catch(() => undefined))
  }

  /** Keeps the server silent while the user types; 0 minutes end it. */
  async for(minutes: number): Promise<void> {
    clearTimeout(this.timer)
    this.end = Date.now() + minutes * MINUTE
    if (minutes > 0) {
      this.timer = setTimeout(() => void this.for(0).catch(() => undefined), minutes * MINUTE)
    }
    await this.server.execute('ghostwright.snooze', minutes)
  }

  dispose(): void {
    clearTimeout(this.timer)
    this.listener.dispose()
  }

  /** Tells a server that has just been started that the user still wants quiet. */
  private async renew(): Promise<void> {
    const left = Math.ceil((this.end - Date.now()) / MINUTE)
    if (left > 0 && this.server.has('ghostwright.snooze')) {
      await this.server.execute('ghostwright.snooze', left)
    }
  }
}
