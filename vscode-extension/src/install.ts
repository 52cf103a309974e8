/** Offers to install the server, and says what that will run before it does. */
import { ShellExecution, Task, tasks, TaskScope, window, workspace } from 'vscode'
import { findProgram } from './programs'

/** What is installed: the version that belongs to this extension. */
const PACKAGE = 'ghostwright==0.1.0'

/** Programs that install each tool into an environment of its own, the best first, and how they are called. */
const INSTALLERS: [string, string[]][] = [
  ['uv', ['tool', 'install', '--force', PACKAGE]],
  ['pipx', ['install', '--force', PACKAGE]],
]

/** Asks, installs in a terminal, and tells whether the server is there now. */
export async function install(): Promise<boolean> {
  const command = await installation()
  if (!command) {
    await window.showErrorMessage(
      'The server is installed with uv or pipx, and neither is on the PATH. Install one of them, or install the ' +
        'server yourself and name its program in the setting “ghostwright.command”.',
    )
    return false
  }
  const [program, given] = command
  const question = 'Install the server of Ghostwright?'
  const detail =
    `This runs in a terminal:

${program} ${given.join(' ')}

` + `It downloads packages from the index that ${program} is set up for, and may compile for a few minutes.`
  const answer = await window.showInformationMessage(question, { modal: true, detail }, 'Install')
  return answer === 'Install' && (await runInTerminal('Install the Server', program, given)) === 0
}

/** The installer that is there, and its arguments. */
async function installation(): Promise<[string, string[]] | undefined> {
  for (const [program, given] of INSTALLERS) {
    const path = await findProgram(program)
    if (path) {
      return [path, given]
    }
  }
  return undefined
}

/** Runs a program where the user sees it, and gives its exit code; undefined if it was closed before its end. */
export async function runInTerminal(title: string, program: string, given: string[]): Promise<number | undefined> {
  const execution = new ShellExecution({ value: program, quoting: 2 }, given)
  const folder = workspace.workspaceFolders?.[0]
  const task = new Task({ type: 'ghostwright', title }, folder ?? TaskScope.Global, title, 'Ghostwright', execution)
  task.presentationOptions = { focus: true, clear: true }
  const running = await tasks.executeTask(task)
  return new Promise((resolve) => {
    const listener = tasks.onDidEndTaskProcess((event) => {
      if (event.execution === running) {
        listener.dispose()
        resolve(event.exitCode)
      }
    })
  })
}
