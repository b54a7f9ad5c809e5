/** The flow in headless Chromium: that of CHROMIUM_PATH, or `chromium` of the path. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { createTestClient } from 'dpop-guard/testing'
import { chromium } from 'playwright-core'
import { startServers } from '../servers/start.js'

let servers
let browser
let page

before(async () => {
  servers = await startServers()
  const executablePath =
    process.env.CHROMIUM_PATH ?? execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim()
  browser = await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
  page = await browser.newPage()
})

after(async () => {
  await browser?.close()
  servers.close()
})

test('a user signs in, and the page lists the notes with a token that is bound to its key', async () => {
  const statuses = []
  page.on('response', (response) => {
    if (response.url() === `${servers.apiUrl}/notes` && response.request().method() === 'GET') statuses.push(response.status())
  })
  await page.goto(servers.pageUrl)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.locator('input[name=login]').fill('alice')
  await page.locator('input[name=password]').fill('any')
  await page.locator('button[type=submit]').click()
  await page.locator('button[type=submit]').click() // consent
  await page.getByText('Water the plants').waitFor()
  assert.equal(await page.getByRole('status').textContent(), 'Notes of alice')
  assert.deepEqual(statuses, [401, 200]) // the API requires a nonce, which the page reads from the first response
})

test('after a reload the key is still there', async () => {
  await page.reload()
  await page.getByText('Water the plants').waitFor()
})

test('the private key cannot be exported', async () => {
  const outcome = await page.evaluate(async () => {
    const database = await new Promise((resolve) => {
      const request = indexedDB.open('notes')
      request.onsuccess = () => resolve(request.result)
    })
    const { privateKey } = await new Promise((resolve) => {
      const request = database.transaction('keys').objectStore('keys').get('dpop')
      request.onsuccess = () => resolve(request.result)
    })
    return await crypto.subtle.exportKey('jwk', privateKey).then(
      () => 'exported',
      (error) => error.name
    )
  })
  assert.equal(outcome, 'InvalidAccessError')
})

test('the token of the page is rejected with another key', async () => {
  const token = await page.evaluate(() => sessionStorage.getItem('token'))
  const attacker = await createTestClient()
  const response = await attacker.fetch(`${servers.apiUrl}/notes`, token)
  assert.equal(response.status, 401)
  assert.match(response.headers.get('www-authenticate'), /error="invalid_token"/)
})
