/** The page of `npm run demo:web` in Chromium: sign-in, requests, attacks, and accessibility. Runs the built package. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { launchChromium } from '../support/chromium.mjs'
import { findFreePort } from '../support/free-port.js'

const frameworks = ['Express', 'Fastify', 'Koa', 'NestJS', 'Hono']

/** The response to each attack, and the check that caught it. */
const rejections = {
  'Replay the last proof': ['401 invalid_dpop_proof', 'replay'],
  'Use another key': ['401 invalid_token', 'binding'],
  'Use another method': ['401 invalid_dpop_proof', 'htm'],
  'Use another URL': ['401 invalid_dpop_proof', 'htu'],
  'Use the token as Bearer': ['401 invalid_token', 'scheme'],
  'Send no proof': ['401 invalid_dpop_proof', 'proof'],
  'Use an old proof': ['401 invalid_dpop_proof', 'freshness'],
  'Tamper with a proof': ['401 invalid_dpop_proof', 'signature'],
  'Use a proof for another token': ['401 invalid_dpop_proof', 'ath']
}

const desktop = { width: 1280, height: 900 }
const phone = { width: 360, height: 740 }

vi.setConfig({ testTimeout: 60_000 })

let demo: Demo
let url: string
let browser: Browser

beforeAll(async () => {
  demo = await startDemo()
  url = demo.url
  browser = await launchChromium()
}, 60_000)

afterAll(async () => {
  await browser?.close()
  demo?.child.kill()
})

interface Demo {
  readonly child: ChildProcess
  readonly url: string
}

async function startDemo(...args: string[]): Promise<Demo> {
  const script = fileURLToPath(new URL('../../examples/web-demo.mjs', import.meta.url))
  const child = spawn(process.execPath, [script, ...args])
  const [line] = await once(child.stdout, 'data')
  return { child, url: /http:\/\/127\.0\.0\.1:\d+/.exec(String(line))?.[0] as string }
}

/** Opens the demo in a browser profile of its own. Its errors and its requests to other machines fail the test. */
async function open(options: BrowserContextOptions = {}, at = url): Promise<Page> {
  const context = await browser.newContext({ viewport: desktop, reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  const errors: string[] = []
  page.on('pageerror', ({ message }) => errors.push(message))
  page.on('console', (message) => {
    // Chromium itself logs each response with 4xx, which rejected requests have.
    const isRejection = message.text().startsWith('Failed to load resource: the server responded with a status of 4')
    if (['error', 'warning'].includes(message.type()) && !isRejection) errors.push(message.text())
  })
  page.on('request', (request) => {
    if (!/^(http:\/\/127\.0\.0\.1:|data:)/.test(request.url())) errors.push(`requested ${request.url()}`)
  })
  onTestFinished(async () => {
    await context.close()
    expect(errors).toEqual([])
  })
  await page.goto(at)
  await page.getByRole('radio', { name: 'Hono' }).waitFor()
  return page
}

async function signIn(page: Page): Promise<void> {
  await goToSignIn(page)
  await click(page, 'Sign in')
  await click(page, 'Allow')
  await announced(page, /^Signed in\. GET \/notes: 200$/)
}

/** Leaves for the authorization server, whose button has the same name. */
async function goToSignIn(page: Page): Promise<void> {
  await click(page, 'Sign in')
  await page.getByLabel('Password').waitFor()
}

async function announced(page: Page, text: RegExp): Promise<void> {
  await page.getByRole('status').filter({ hasText: text }).waitFor({ state: 'attached' })
}

async function choose(page: Page, framework: string): Promise<void> {
  const choice = page.getByRole('radio', { name: framework })
  if (await choice.isChecked()) return
  await choice.check()
  await announced(page, new RegExp(`API on ${framework}`))
}

async function click(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click()
}

const step = (page: Page, number: number) => page.locator('.step').nth(number - 1)

async function openStep(page: Page, number: number): Promise<string> {
  await step(page, number).locator('summary').first().click()
  return await step(page, number).locator('.step-content').innerText()
}

const statesOf = (page: Page) =>
  page.locator('.step').evaluateAll((steps) => steps.map((step) => (step as HTMLElement).dataset['state']))

async function switchNonces(page: Page, isRequired: boolean): Promise<void> {
  await page.getByRole('checkbox', { name: /Require nonces/ }).setChecked(isRequired)
  await announced(page, isRequired ? /^Nonces are required/ : /^Nonces are not required/)
}

describe('the sign-in', () => {
  test('completes the thirteen steps, each of which shows what was sent', async () => {
    const page = await open()
    expect(new Set(await statesOf(page))).toEqual(new Set(['waiting']))

    await signIn(page)

    expect(await statesOf(page)).toEqual(Array.from({ length: 13 }, () => 'done'))
    expect(await openStep(page, 2)).toMatch(/code_challenge_method=S256/)
    expect(await openStep(page, 3)).toMatch(/Sign in[\s\S]*Allow access/)
    expect(await openStep(page, 4)).toMatch(/name=alice\npassword=\*\*\*/)
    expect(await openStep(page, 6)).toMatch(/"extractable": false[\s\S]*InvalidAccessError/)
    expect(await openStep(page, 8)).toMatch(/POST[\s\S]*\/token[\s\S]*DPoP: eyJ/)
    expect(await openStep(page, 9)).toMatch(/"cnf": [\s\S]*"jkt"/)
    expect(await openStep(page, 11)).toMatch(/Authorization: DPoP [\s\S]*"typ": "dpop\+jwt"[\s\S]*"htm":[\s\S]*"GET"/)
    expect(await openStep(page, 12)).toMatch(/binding[\s\S]*passed[\s\S]*replay[\s\S]*passed/)
    expect(await openStep(page, 13)).toMatch(/200 OK[\s\S]*Water the plants/)
  })

  test('shows values that must be equal with the same label and color', async () => {
    const page = await open()
    await signIn(page)
    await openStep(page, 9)
    await openStep(page, 12)

    const rows = step(page, 12).locator('.agreements li')
    expect(await rows.locator('.mark-label').allInnerTexts()).toEqual(['key', 'token', 'method', 'URL'])
    for (const [left, right] of await rows.evaluateAll((items) =>
      items.map((item) => [...item.querySelectorAll('code')].map((code) => code.textContent))
    ))
      expect(left).toBe(right)
    const bound = await step(page, 9).locator('.agreements code').first().innerText()
    expect(await rows.first().locator('code').allInnerTexts()).toEqual([bound, bound])
    expect(await page.locator('#account .mark-key').innerText()).toContain(bound)
  })

  test('ends in an error when the user denies consent, and can be repeated', async () => {
    const page = await open()
    await goToSignIn(page)
    await click(page, 'Sign in')
    await click(page, 'Deny')

    await page.getByRole('alert').filter({ hasText: 'access_denied' }).waitFor()
    expect((await statesOf(page)).slice(0, 6)).toEqual(['done', 'done', 'done', 'done', 'rejected', 'waiting'])
    await signIn(page)
  })

  test('rejects an authorization response without a pending sign-in of the page', async () => {
    const page = await open()
    await page.goto(`${url}/?code=forged&state=forged`)

    await page.getByRole('alert').filter({ hasText: 'belongs to no sign-in' }).waitFor()
    expect(page.url()).toBe(`${url}/`)
  })
})

describe('the key and the session', () => {
  test('survive a reload; the private key cannot be exported', async () => {
    const page = await open()
    await signIn(page)
    const thumbprint = await page.locator('#account .mark-key').innerText()

    await page.reload()
    await page.locator('#account .mark-key').waitFor()

    expect(await page.locator('#account .mark-key').innerText()).toBe(thumbprint)
    expect(await statesOf(page)).toEqual(Array.from({ length: 13 }, () => 'done'))
    await click(page, 'Read the notes')
    await announced(page, /^GET \/notes: 200$/)
    expect(await page.evaluate(exportStoredKey)).toBe('InvalidAccessError')
  })

  test('are kept when the access token has expired, and the page requests another one', async () => {
    const page = await open()
    await signIn(page)
    await page.evaluate(expireStoredTokens)
    await page.reload()
    await page.locator('#account .mark-key').waitFor()

    await click(page, 'Read the notes')
    await announced(page, /^GET \/notes: 200$/)
    expect(await step(page, 8).innerText()).toContain('POST /token, refresh_token')
  })

  test('are deleted when the demo was started again, with another authorization server', async () => {
    const port = String(await findFreePort())
    const first = await startDemo('--port', port)
    onTestFinished(() => void first.child.kill())
    const page = await open({}, first.url)
    await signIn(page)
    first.child.kill()
    await once(first.child, 'close')
    const second = await startDemo('--port', port)
    onTestFinished(() => void second.child.kill())

    await page.reload()

    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    expect(new Set(await statesOf(page))).toEqual(new Set(['waiting']))
    await signIn(page)
  })

  test('are deleted by Start over', async () => {
    const page = await open()
    await signIn(page)
    const thumbprint = await page.locator('#account .mark-key').innerText()

    await click(page, 'Start over')
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    expect(new Set(await statesOf(page))).toEqual(new Set(['waiting']))
    expect(await page.getByRole('button', { name: 'Read the notes' }).isDisabled()).toBe(true)

    await signIn(page)
    expect(await page.locator('#account .mark-key').innerText()).not.toBe(thumbprint)
  })
})

describe.each(frameworks)('%s', (framework) => {
  test('accepts the requests of the page and rejects every attack', async () => {
    const page = await open()
    await signIn(page)
    await choose(page, framework)
    await click(page, 'Read the notes')
    await announced(page, /^GET \/notes: 200$/)
    expect(await page.locator('.party-3').first().innerText()).toBe(`API on ${framework}`)

    await click(page, 'Run all attacks')
    await announced(page, /^9 attacks were sent/)

    expect(await page.locator('#attack-summary').innerText()).toBe(
      '9 attacks were sent with the stolen token, and 9 were rejected.'
    )
    expect(await verdictsOf(page)).toEqual(rejections)
    expect(await page.locator('.control').allInnerTexts()).toEqual(
      Object.keys(rejections).map(() => 'The client’s own request afterwards: 200')
    )
    // The check that caught the attack is marked, and the response has the challenge.
    for (const result of await page.locator('.attack-result').all()) {
      await result.getByText('Details').click()
      expect(await result.locator('.check-fail .check-outcome').first().innerText()).toBe('failed: caught here')
      expect(await result.locator('.message').first().innerText()).toMatch(
        /^401 Unauthorized\n[\s\S]*www-authenticate: DPoP error="/
      )
    }
  })

  test('names the missing scope and the second factor, which the page then requests', async () => {
    const page = await open()
    await choose(page, framework)
    await signIn(page)

    await page.getByLabel('New note').fill(`Read RFC 9470 with ${framework}`)
    await click(page, 'Add the note')
    await announced(page, /^POST \/notes: 403 insufficient_scope$/)
    expect(await statesOf(page)).toEqual([...Array.from({ length: 11 }, () => 'done'), 'rejected', 'rejected'])
    expect(await step(page, 12).innerText()).toContain('policy')
    await click(page, 'Request the scope')
    await click(page, 'Allow')
    await announced(page, /^Signed in\. POST \/notes: 201$/)
    expect(await page.locator('#result').innerText()).toContain(`Read RFC 9470 with ${framework}`)

    await click(page, 'Delete the notes')
    await announced(page, /^DELETE \/notes: 401 insufficient_user_authentication$/)
    await click(page, 'Sign in with a second factor')
    await page.getByLabel('One-time code').waitFor()
    await click(page, 'Sign in')
    await click(page, 'Allow')
    await announced(page, /^Signed in\. DELETE \/notes: 200$/)
    expect(await page.locator('#account').innerText()).toContain('urn:example:two-factor')
  })
})

describe('with nonces', () => {
  test('the token request and the API request are sent again with the nonce of the response', async () => {
    const page = await open()
    await switchNonces(page, true)
    onTestFinished(() => switchNonces(page, false))
    await signIn(page)

    expect(await step(page, 8).innerText()).toContain('after a retry with a nonce')
    expect(await step(page, 13).innerText()).toContain('401 use_dpop_nonce, then 200')
    expect(await openStep(page, 13)).toMatch(
      /First attempt[\s\S]*dpop-nonce: [\s\S]*use_dpop_nonce[\s\S]*Second attempt[\s\S]*200 OK/
    )
    await openStep(page, 12)
    const nonces = step(page, 12).locator('.agreements li', { has: page.locator('.mark-nonce') })
    expect(await nonces.count()).toBe(1)
    expect(await nonces.innerText()).toContain('= agrees with')

    await click(page, 'Read the notes')
    await announced(page, /^GET \/notes: 200$/)
    expect(await step(page, 13).locator('.step-fact').innerText()).toBe('200')
  })

  test('every attack is rejected', async () => {
    const page = await open()
    await switchNonces(page, true)
    onTestFinished(() => switchNonces(page, false))
    await signIn(page)
    await click(page, 'Run all attacks')
    await announced(page, /^9 attacks were sent/)

    expect(await verdictsOf(page)).toEqual({ ...rejections, 'Use an old proof': ['401 use_dpop_nonce', 'freshness'] })
  })
})

describe('accessibility', () => {
  test.each([
    ['light', desktop],
    ['dark', desktop],
    ['light', phone],
    ['dark', phone]
  ] as const)('has no axe violation in %s, %o', async (colorScheme, viewport) => {
    const page = await open({ colorScheme, viewport })
    expect(await violationsOf(page)).toEqual([])
    await goToSignIn(page)
    expect(await violationsOf(page)).toEqual([])
    await click(page, 'Sign in')
    await page.getByRole('button', { name: 'Allow' }).waitFor()
    expect(await violationsOf(page)).toEqual([])
    await click(page, 'Allow')
    await announced(page, /^Signed in/)
    await click(page, 'Add the note')
    await announced(page, /403/)
    await click(page, 'Run all attacks')
    await announced(page, /^9 attacks/)
    for (let number = 1; number <= 13; number++) await openStep(page, number)
    for (const details of await page.locator('.attack-details > summary').all()) await details.click()
    expect(await violationsOf(page)).toEqual([])
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    expect(overflow).toBe(0)
  })

  test('is operable with only the keyboard, with a visible focus', async () => {
    const page = await open()
    await tabTo(page, 'Sign in')
    expect(await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle)).toBe('solid')
    await page.keyboard.press('Enter')
    await page.getByLabel('Password').waitFor()
    await tabTo(page, 'Sign in')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Allow' }).waitFor()
    await tabTo(page, 'Allow')
    await page.keyboard.press('Enter')
    await announced(page, /^Signed in/)
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('account')

    await tabTo(page, 'Read the notes')
    await page.keyboard.press('Enter')
    await announced(page, /^GET \/notes: 200$/)
    await tabTo(page, '12Step 12')
    await page.keyboard.press('Enter')
    await step(page, 12).getByText('access token', { exact: true }).waitFor()
    await tabTo(page, 'Use another key')
    await page.keyboard.press('Enter')
    await announced(page, /^Use another key: rejected with 401 invalid_token, caught by the check “binding”$/)
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Use another key')
  })

  test('shows the steps without motion if the user prefers that, and one after the other otherwise', async () => {
    const calm = await open({ reducedMotion: 'reduce' })
    expect(
      await calm
        .locator('.step-number')
        .first()
        .evaluate((node) => getComputedStyle(node).transitionDuration)
    ).toBe('0s')
    const moving = await open({ reducedMotion: 'no-preference' })
    expect(
      await moving
        .locator('.step-number')
        .first()
        .evaluate((node) => getComputedStyle(node).transitionDuration)
    ).toContain('0.2s')
    await signIn(moving)
  })
})

/** The outcome of each attack, and the check that caught it. */
async function verdictsOf(page: Page): Promise<Record<string, (string | null)[]>> {
  const rows = await page.locator('.attack').evaluateAll((attacks) =>
    attacks.map((attack) => {
      const [outcome, , rule] = ['.verdict-line code', '.verdict strong', '.verdict p + p strong'].map(
        (selector) => attack.querySelector(selector)?.textContent ?? null
      )
      return [attack.querySelector('button')?.textContent ?? '', [outcome, rule]] as [string, (string | null)[]]
    })
  )
  return Object.fromEntries(rows)
}

/** Presses Tab until the element with that text has the focus. */
async function tabTo(page: Page, text: string): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press('Tab')
    if ((await page.evaluate(() => document.activeElement?.textContent ?? '')).startsWith(text)) return
  }
  throw new Error(`The focus never reached ${text}`)
}

async function violationsOf(page: Page): Promise<unknown> {
  await page.evaluate(axe.source)
  return await page.evaluate(async () => {
    const { violations } = await (window as unknown as { axe: typeof axe }).axe.run()
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`)
  })
}

/** Runs in the page: the stored access tokens are expired. */
async function expireStoredTokens(): Promise<void> {
  const request = indexedDB.open('dpop-guard-demo')
  await new Promise((resolve) => request.addEventListener('success', resolve))
  const store = request.result.transaction('values', 'readwrite').objectStore('values')
  const get = store.get('session')
  await new Promise((resolve) => get.addEventListener('success', resolve))
  for (const token of Object.values<{ expiresAtMs: number }>(get.result.tokens)) token.expiresAtMs = 0
  const put = store.put(get.result, 'session')
  await new Promise((resolve) => put.addEventListener('success', resolve))
}

/** Runs in the page: what happens when a script exports the stored private key. */
async function exportStoredKey(): Promise<string> {
  const request = indexedDB.open('dpop-guard-demo')
  await new Promise((resolve) => request.addEventListener('success', resolve))
  const get = request.result.transaction('values').objectStore('values').get('key-pair')
  await new Promise((resolve) => get.addEventListener('success', resolve))
  try {
    await crypto.subtle.exportKey('jwk', (get.result as CryptoKeyPair).privateKey)
    return 'exported'
  } catch (error) {
    return (error as Error).name
  }
}
