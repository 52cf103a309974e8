/** A file in which a new user sees ghost text with the next key. */
import { commands, Selection, window, workspace } from 'vscode'

const TEXT = `class Account:
    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance

    def deposit(self, amount):
        self.balance += amount

    def withdraw(self, amount):
        self.`

export async function openSample(): Promise<void> {
  const document = await workspace.openTextDocument({ language: 'python', content: TEXT })
  const editor = await window.showTextDocument(document)
  const end = document.positionAt(TEXT.length)
  editor.selection = new Selection(end, end)
  await commands.executeCommand('editor.action.inlineSuggest.trigger')
}
