/** Wires the page: what each control does, and what is shown afterwards. @module */

import { callApi, isAccepted, notesOf, outcomeOf } from './api-call.js'
import { createAttackList } from './attack-list.js'
import { clear } from './database.js'
import { loadConfig, requireNonces } from './demo-server.js'
import { createDiagram } from './diagram.js'
import { byId, element } from './dom.js'
import { decodeJwt } from './encoding.js'
import { challengeParam, errorOf } from './exchange.js'
import { loadOrCreateKeyPair, thumbprintOf, toPublicJwk } from './keys.js'
import { chosenApi, createPage, saveCurrent } from './page.js'
import { mark } from './render.js'
import { loadSession } from './session.js'
import { completeSignIn, startSignIn } from './sign-in.js'
import { FIRST_API_STEP, steps } from './steps.js'

const FIRST_SCOPE = 'notes:read'

const diagram = createDiagram([
  { list: byId('sign-in-steps'), first: 1, last: FIRST_API_STEP - 1 },
  { list: byId('api-steps'), first: FIRST_API_STEP, last: steps.length }
])
const attackList = createAttackList({ list: byId('attacks'), total: byId('attack-summary') }, () => page, run)

/** @type {import('./page.js').Page} */
let page

let running = Promise.resolve()

await run(start)

async function start() {
  const config = await loadConfig()
  page = await createPage(config, await loadSession(config), diagram)
  diagram.restore(page.session.steps)
  showApis()
  byId('nonces').checked = config.noncesRequired
  addListeners()
  await showSession()
  return await returnFromSignIn()
}

/** Goes on after the redirect of the authorization server, if this is one. */
async function returnFromSignIn() {
  const received = new URL(location.href).searchParams
  if (!received.has('state')) return ''
  history.replaceState(null, '', '/')
  byId('account').focus()
  const next = await completeSignIn(page, received)
  await showSession()
  return `Signed in. ${await call(next)}`
}

/** Runs one piece of work at a time. */
async function run(work) {
  running = running.then(() => runNow(work))
  await running
}

/** The result is announced, and an error is shown. */
async function runNow(work) {
  byId('error').hidden = true
  document.body.setAttribute('aria-busy', 'true')
  setDisabled(true)
  try {
    announce(await work())
  } catch (error) {
    byId('error').hidden = false
    byId('error').textContent = error instanceof TypeError ? 'The demo does not respond. Is it still running?' : error.message
  } finally {
    document.body.removeAttribute('aria-busy')
    setDisabled(false)
  }
}

/** Buttons keep the focus while a request runs, so they are not disabled for the browser. */
function setDisabled(isBusy) {
  const isSignedIn = page?.session.refreshToken !== undefined
  for (const button of document.querySelectorAll('button')) button.setAttribute('aria-disabled', String(isBusy))
  for (const group of document.querySelectorAll('[data-signed-in]')) group.disabled = !isSignedIn
}

function announce(text) {
  byId('announcement').textContent = text
}

function addListeners() {
  document.addEventListener('click', stopWhileBusy, true)
  onClick('sign-in', () => leave({ scope: FIRST_SCOPE, prompt: 'login consent' }))
  onClick('read', () => call({ method: 'GET' }))
  onClick('add', () => call({ method: 'POST', text: byId('note').value }))
  onClick('delete', () => call({ method: 'DELETE' }))
  onClick('start-over', startOver)
  onClick('run-all', () => attackList.runAll())
  byId('nonces').addEventListener('change', ({ target }) => run(() => switchNonces(target.checked)))
}

/** A second click while a request runs is ignored. */
function stopWhileBusy(event) {
  if (event.target.closest('button[aria-disabled="true"]')) event.stopPropagation()
}

function onClick(id, work) {
  byId(id).addEventListener('click', () => run(work))
}

function showApis() {
  const choices = page.config.apis.map(({ id, name }) =>
    element(
      'label',
      { class: 'choice' },
      element('input', {
        type: 'radio',
        name: 'api',
        value: id,
        checked: id === page.session.api,
        onchange: () => run(() => choose(id))
      }),
      element('span', {}, name)
    )
  )
  byId('apis').append(...choices)
  diagram.nameApi(chosenApi(page).name)
}

async function choose(id) {
  page.session.api = id
  page.reset(FIRST_API_STEP)
  attackList.clear()
  showResult()
  const { name } = chosenApi(page)
  diagram.nameApi(name)
  await saveCurrent(page)
  await showSession()
  return `The next request goes to the API on ${name}.`
}

/** The nonces of the page are dropped, so that the next request shows the retry. */
async function switchNonces(isRequired) {
  await requireNonces(isRequired)
  page.session.nonces = {}
  await saveCurrent(page)
  return isRequired ? 'Nonces are required. The next request is sent twice.' : 'Nonces are not required.'
}

async function leave(wish) {
  await startSignIn(page, wish)
  return 'Going to the authorization server.'
}

async function call(request) {
  const sent = await callApi(page, request)
  await showSession()
  showResult(request, sent)
  return `${request.method} /notes: ${outcomeOf(sent)}`
}

/** The notes, or what the challenge requires. */
function showResult(request, sent) {
  const result = byId('result')
  if (sent === undefined) return result.replaceChildren()
  const title = element('p', {}, element('code', {}, `${request.method} /notes`), ' ', element('strong', {}, outcomeOf(sent)))
  if (isAccepted(sent)) result.replaceChildren(title, notesList(notesOf(sent)))
  else result.replaceChildren(title, ...remedyFor(request, sent))
  result.dataset.state = isAccepted(sent) ? 'done' : 'rejected'
}

function notesList(notes) {
  return notes.length === 0
    ? element('p', {}, 'There are no notes.')
    : element(
        'ul',
        {},
        notes.map((note) => element('li', {}, note))
      )
}

/** A new authorization request with what the challenge names (RFC 6750 §3, RFC 9470 §4). */
function remedyFor(request, { exchange }) {
  const { headers } = exchange.response
  const acrValues = challengeParam(headers, 'acr_values')
  // oidc-provider accepts acr_values only in OpenID Connect requests.
  const scopes = [acrValues && 'openid', page.session.scope, challengeParam(headers, 'scope')].filter(Boolean)
  const scope = [...new Set(scopes.join(' ').split(' '))].join(' ')
  const wish = { scope, acrValues, next: request }
  const again = (text) => element('button', { type: 'button', onclick: () => run(() => leave(wish)) }, text)
  if (errorOf(exchange) === 'insufficient_scope')
    return [
      element('p', {}, `The token lacks a scope. The challenge names it: ${challengeParam(headers, 'scope')}`),
      again('Request the scope')
    ]
  if (errorOf(exchange) === 'insufficient_user_authentication')
    return [element('p', {}, `The challenge requires another sign-in: ${acrValues}`), again('Sign in with a second factor')]
  return [element('p', {}, challengeParam(headers, 'error_description') ?? '')]
}

async function showSession() {
  const { tokens, refreshToken, api } = page.session
  const isSignedIn = refreshToken !== undefined
  byId('sign-in').hidden = isSignedIn
  byId('start-over').hidden = !isSignedIn
  if (!isSignedIn)
    return byId('account').replaceChildren(
      element('p', {}, 'Not signed in. The authorization server has one user, alice, and fills in her password.')
    )
  const { keyPair } = await loadOrCreateKeyPair()
  const token = tokens[api]
  const claims = token && decodeJwt(token.accessToken).claims
  const rows = [
    ['Key in IndexedDB', mark('key', await thumbprintOf(await toPublicJwk(keyPair)))],
    ...(claims
      ? [
          ['User', claims.sub],
          ['Token is for', claims.aud],
          ['Scope', claims.scope],
          ['Sign-in (acr)', claims.acr],
          ['Token expires', new Date(claims.exp * 1000).toLocaleTimeString()]
        ]
      : [['Token', 'The next request gets one for this API.']])
  ]
  const list = rows.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value)))
  byId('account').replaceChildren(element('dl', {}, list))
}

/** Deletes key, tokens and steps. */
async function startOver() {
  await clear()
  page.session = await loadSession(page.config)
  page.reset(1)
  attackList.clear()
  showResult()
  for (const input of document.querySelectorAll('input[name="api"]')) input.checked = input.value === page.session.api
  diagram.nameApi(chosenApi(page).name)
  await showSession()
  byId('sign-in').focus()
  return 'The key and the tokens were deleted.'
}
