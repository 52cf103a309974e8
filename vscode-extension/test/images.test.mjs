/** Takes the pictures of the README and the walkthrough if GHOSTWRIGHT_IMAGES is set. Look at each before you keep it. */
import { after, before, test } from 'node:test'
import { startBrowser, startVsCode, until, Window } from './workbench.mjs'

const options = { skip: !process.env.GHOSTWRIGHT_IMAGES && 'GHOSTWRIGHT_IMAGES is not set' }
const INVENTORY = `"""A small shop's inventory."""

from dataclasses import dataclass


@dataclass
class Item:
    name: str
    price: float
    quantity: int = 0

    def value(self) -> float:
        return self.price * self.quantity
`
const ORDERS = `"""Orders, and what they cost."""

from inventory import Item


class Order:
    def __init__(self, item: Item, quantity: int) -> None:
        self.item = item
        self.quantity = quantity

    def total(self) -> float:
        return self.item.`

let vscode, browser, window

before(async () => {
  if (options.skip) {
    return
  }
  const settings = {
    'editor.fontSize': 15,
    'workbench.colorTheme': 'Default Dark Modern',
    'breadcrumbs.enabled': false,
  }
  vscode = await startVsCode({ files: { 'inventory.py': INVENTORY, 'orders.py': ORDERS.slice(0, -1) }, settings })
  browser = await startBrowser(vscode.folder, { width: 1000, height: 680 })
  window = await Window.open(browser.context, vscode)
  await window.untilStatus('Ready')
  await window.openFile('inventory.py')
  await window.openFile('orders.py')
  await widenSideBar(380)
})

/** Drags the border of the side bar, and goes back to the editor. */
async function widenSideBar(width) {
  const { page } = window
  await page.mouse.move(300, 400)
  await page.mouse.down()
  await page.mouse.move(width, 400, { steps: 5 })
  await page.mouse.up()
  await page.mouse.move(width + 300, 500)
  await window.press('Control+1')
}

after(async () => {
  await browser?.context.close()
  await vscode?.close()
})

test('ghost text', options, async () => {
  await until(async () => {
    await window.type('.')
    const shown = await until(() => window.ghostText(), 'ghost text', 10_000).catch(() => '')
    if (/^(price|value|quantity)/.test(shown)) {
      return true
    }
    await window.press('Backspace')
    return false
  }, 'ghost text with a member of the item')
  await window.screenshot('ghost-text.png')
})

test('what it was made of', options, async () => {
  await window.command('Ghostwright: Explain the Last Completion')
  await window.page.locator('.pane-header').filter({ hasText: 'work' }).click()
  await window.page.locator('.monaco-list-row').filter({ hasText: 'Timings' }).waitFor()
  await window.screenshot('explanation.png')
})

test('the menu', options, async () => {
  await window.page.locator('.pane-header').filter({ hasText: 'work' }).click()
  await window.page.locator('.statusbar-item').filter({ hasText: 'Ghostwright' }).click()
  await window.page.locator('.quick-input-list .monaco-list-row').first().waitFor()
  await window.screenshot('menu.png')
  await window.press('Escape')
})
