/** The settings, as the server knows them. */
import { ConfigurationTarget, workspace } from 'vscode'

export const section = 'ghostwright'

/** Those that the server has too. What a user has not set is left to the server, and so to `ghostwright.toml`. */
const SHARED = [
  'automatic',
  'disabledLanguages',
  'maxLines',
  'minProbability',
  'model',
  'openFiles',
  'repositoryApis',
  'debounce',
  'languageServers',
]

/** What the user has set, under the server's names: `maxLines` → `max_lines`; and whether the workspace is not trusted. */
export function serverSettings(): Record<string, unknown> {
  const settings = workspace.getConfiguration(section)
  const changed = SHARED.filter((key) => isSet(settings.inspect(key)))
  const values = Object.fromEntries(changed.map((key) => [serverName(key), settings.get(key)]))
  return workspace.isTrusted ? values : { ...values, trust_project: false }
}

/** Turns completion while typing on or off. */
export async function toggleAutomatic(): Promise<void> {
  const settings = workspace.getConfiguration(section)
  await settings.update('automatic', !settings.get<boolean>('automatic', true), target('automatic'))
}

/** Turns a language off, or on again. */
export async function toggleLanguage(language: string): Promise<void> {
  const settings = workspace.getConfiguration(section)
  const off = settings.get<string[]>('disabledLanguages', [])
  const changed = off.includes(language) ? off.filter((each) => each !== language) : [...off, language]
  await settings.update('disabledLanguages', changed, target('disabledLanguages'))
}

/** Where a change of a setting has an effect: in the workspace if that sets it, else for this user. */
function target(key: string): ConfigurationTarget {
  const values = workspace.getConfiguration(section).inspect(key)
  return values?.workspaceValue === undefined ? ConfigurationTarget.Global : ConfigurationTarget.Workspace
}

function serverName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function isSet(
  values: { globalValue?: unknown; workspaceValue?: unknown; workspaceFolderValue?: unknown } | undefined,
) {
  return [values?.globalValue, values?.workspaceValue, values?.workspaceFolderValue].some(
    (value) => value !== undefined,
  )
}
