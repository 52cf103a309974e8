/** Finds programs: the server's, and those that can install it. */
import { access, constants, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, isAbsolute, join } from 'node:path'
import { workspace } from 'vscode'
import { section } from './settings'

const WINDOWS = process.platform === 'win32'
const ENDINGS = WINDOWS ? ['.exe', '.cmd', '.bat'] : ['']

/** Where `uv tool` and `pipx` put programs; an editor that was started from a desktop may not have it on its PATH. */
const TOOLS = join(homedir(), '.local', 'bin')

/**
 * The server's program; undefined if there is none.
 *
 * The user's own choice comes first, then one that came with the extension, the PATH, and a virtual environment of the
 * workspace: this one only if the workspace is trusted, since it brings that program along.
 */
export async function findServer(extension: string): Promise<string | undefined> {
  const chosen = workspace.getConfiguration(section).get<string>('command', '').trim()
  if (chosen) {
    return findProgram(chosen)
  }
  const bundled = await firstRunnable([join(extension, 'server', WINDOWS ? 'Scripts' : 'bin', 'ghostwright')])
  return bundled ?? (await findProgram('ghostwright')) ?? (await firstRunnable(inWorkspace('ghostwright')))
}

/** A program by its full path, or by its name on the PATH or among the user's tools. */
export async function findProgram(name: string): Promise<string | undefined> {
  const expanded = name.startsWith('~/') ? join(homedir(), name.slice(2)) : name
  if (isAbsolute(expanded)) {
    return firstRunnable([expanded])
  }
  const folders = (process.env.PATH ?? '').split(delimiter).filter(isAbsolute)
  return /[\\/]/.test(name) ? undefined : firstRunnable([...folders, TOOLS].map((folder) => join(folder, name)))
}

function inWorkspace(name: string): string[] {
  const folders = workspace.isTrusted ? (workspace.workspaceFolders ?? []) : []
  return folders
    .filter((folder) => folder.uri.scheme === 'file')
    .flatMap((folder) =>
      ['.venv', 'venv'].map((venv) => join(folder.uri.fsPath, venv, WINDOWS ? 'Scripts' : 'bin', name)),
    )
}

async function firstRunnable(paths: string[]): Promise<string | undefined> {
  for (const path of paths.flatMap((each) => ENDINGS.map((ending) => each + ending))) {
    if (await isRunnable(path)) {
      return path
    }
  }
  return undefined
}

async function isRunnable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}
