/** Takes the screenshots of the web demo in screenshots/: `node examples/screenshots.mjs`, after a build. @module */

import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { launchChromium } from '../test/support/chromium.mjs'
import { startWebDemo } from './web-server/start.mjs'

const sizes = { desktop: { width: 1280, height: 1400 }, phone: { width: 360, height: 740 } }

const folder = new URL('screenshots/', import.meta.url)
await mkdir(folder, { recursive: true })
const demo = await startWebDemo({ port: 0 })
const browser = await launchChromium()
try {
  for (const [size, viewport] of Object.entries(sizes)) {
    for (const colorScheme of ['light', 'dark']) await photograph(`${size}-${colorScheme}`, { viewport, colorScheme })
  }
} finally {
  await browser.close()
  await demo.close()
}

/** After a sign-in, at the steps of the API and at an attack. */
async function photograph(name, options) {
  const context = await browser.newContext({ ...options, reducedMotion: 'reduce' })
  const page = await context.newPage()
  async function save(part) {
    // The sticky names of the parties are painted after the scroll.
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
    await page.screenshot({ path: fileURLToPath(new URL(`${part}-${name}.png`, folder)) })
  }
  const click = (text) => page.getByRole('button', { name: text, exact: true }).click()

  await page.goto(demo.url)
  await click('Sign in')
  await page.getByLabel('Password').waitFor()
  await click('Sign in')
  await click('Allow')
  await page.getByRole('status').filter({ hasText: '200' }).waitFor({ state: 'attached' })
  await page.evaluate(() => document.activeElement?.blur())
  const start = page.locator(name.startsWith('phone') ? '#legend' : 'header')
  await start.evaluate((part) => part.scrollIntoView())
  await save('steps')
  await click('Use another key')
  await page.locator('.verdict').waitFor()
  await page.evaluate(() => document.activeElement?.blur())
  await page.locator('#attack-key').evaluate((attack) => attack.scrollIntoView())
  await save('attack')
  await context.close()
}
