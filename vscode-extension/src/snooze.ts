/** Quiet for some minutes. The server is told when it begins and, so that the status says so, when it is over. */
import { Disposable } from 'vscode'
import { Server } from './server'

export class Snooze implements Disposable {
  private timer: NodeJS.Timeout | undefined

  constructor(private readonly server: Server) {}

  /** Keeps the server silent while the user types; 0 minutes end it. */
  async for(minutes: number): Promise<void> {
    clearTimeout(this.timer)
    await this.server.execute('ghostwright.snooze', minutes)
    if (minutes > 0) {
      this.timer = setTimeout(() => void this.for(0).catch(() => undefined), minutes * 60_000)
    }
  }

  dispose(): void {
    clearTimeout(this.timer)
  }
}
