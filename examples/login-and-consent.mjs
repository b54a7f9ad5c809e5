/** The two pages of the authorization server that its user sees: sign-in, and consent. @module */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { TWO_FACTOR } from './notes.mjs'

/** What the second factor of this demo sends to the user. */
const ONE_TIME_CODE = '123456'

const styles = readFileSync(new URL('login-and-consent.css', import.meta.url), 'utf8')
const styleHash = createHash('sha256').update(styles).digest('base64')

/**
 * @typedef {{ name: string, password: string }} DemoUser
 *
 * @typedef {object} Interaction one request to a page of the authorization server
 * @property {string} state of the authorization request
 * @property {string} title of the page
 * @property {string} method
 * @property {string} path
 * @property {Record<string, string>} form what was sent, without the password
 * @property {number} status
 *
 * @typedef {(interaction: Interaction) => void} Observe
 */

/**
 * @param {import('oidc-provider').default} provider
 * @param {object} settings
 * @param {Map<string, string>} settings.passwords by name of the user
 * @param {DemoUser} [settings.demoUser] whose form fields are filled in
 * @param {Observe} [settings.observe]
 * @returns {import('node:http').RequestListener}
 */
export function createPages(provider, { passwords, demoUser, observe = () => {} }) {
  const filledIn = (text) => (demoUser ? `value="${toHtml(text)}"` : '')

  const login = {
    title: 'Sign in',
    html: ({ params }, isRejected) => `
      ${isRejected ? '<p role="alert">The name, password or code is wrong. Try again.</p>' : ''}
      <form method="post">
        <label>Name <input name="name" autocomplete="username" required ${filledIn(demoUser?.name)}></label>
        <label>Password <input name="password" type="password" autocomplete="current-password" required ${filledIn(demoUser?.password)}></label>
        ${needsSecondFactor(params) ? `<label>One-time code <input name="code" inputmode="numeric" autocomplete="one-time-code" required ${filledIn(ONE_TIME_CODE)}></label>` : ''}
        <button>Sign in</button>
      </form>
      ${demoUser ? '<p>This demo has one user, whose data is filled in.</p>' : ''}`,
    async submit(form, { params }) {
      const name = form.get('name')
      if (passwords.get(name) !== form.get('password')) return undefined
      if (!needsSecondFactor(params)) return { login: { accountId: name, acr: 'urn:example:password', amr: ['pwd'] } }
      return form.get('code') === ONE_TIME_CODE ? { login: { accountId: name, acr: TWO_FACTOR, amr: ['pwd', 'otp'] } } : undefined
    }
  }

  const consent = {
    title: 'Allow access',
    html: ({ params }) => `
      <p>${toHtml(params.client_id)} asks for <strong>${toHtml(params.scope)}</strong> at</p>
      <ul>${[params.resource]
        .flat()
        .map((resource) => `<li>${toHtml(resource)}</li>`)
        .join('')}</ul>
      <form method="post"><button name="answer" value="allow">Allow</button> <button name="answer" value="deny" class="plain">Deny</button></form>`,
    async submit(form, { session, params, prompt, grantId }) {
      if (form.get('answer') !== 'allow') return { error: 'access_denied' }
      // What the user allows is added to what they allowed this client before, so that a client can ask for further scopes.
      const earlier = grantId === undefined ? undefined : await provider.Grant.find(grantId)
      const grant = earlier ?? new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
      const { missingOIDCScope, missingResourceScopes = {} } = prompt.details
      if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '))
      for (const [resource, scopes] of Object.entries(missingResourceScopes)) grant.addResourceScope(resource, scopes.join(' '))
      return { consent: { grantId: await grant.save() } }
    }
  }

  return async (request, response) => {
    try {
      const interaction = await provider.interactionDetails(request, response)
      const page = interaction.prompt.name === 'login' ? login : consent
      const form = new URLSearchParams(request.method === 'POST' ? await text(request) : '')
      response.on('finish', () => observe(describe(request, response, page, form, interaction)))
      if (request.method !== 'POST') return send(response, 200, page, interaction)
      const result = await page.submit(form, interaction)
      if (result === undefined) return send(response, 401, page, interaction)
      await provider.interactionFinished(request, response, result)
    } catch (error) {
      const page = { title: 'Error', html: () => `<p>${toHtml(error.message)}</p>` }
      send(response, error.statusCode ?? 500, page, {})
    }
  }
}

function needsSecondFactor({ acr_values: acrValues = '' }) {
  return acrValues.split(' ').includes(TWO_FACTOR)
}

/** @returns {Interaction} */
function describe({ method, url }, { statusCode }, { title }, form, { params }) {
  const secret = { ...(form.has('password') && { password: '***' }), ...(form.has('code') && { code: '***' }) }
  return { state: params.state, title, method, path: url, form: { ...Object.fromEntries(form), ...secret }, status: statusCode }
}

function send(response, status, page, interaction) {
  const { title } = page
  const body = `<title>${title}</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <link rel="icon" href="data:,">
    <style>${styles}</style>
    <main><p class="server">Authorization server</p><h1>${title}</h1>${page.html(interaction, status === 401)}</main>`
  response.writeHead(status, headersFor(interaction)).end(`<!doctype html><html lang="en">${body}</html>`)
}

/** The consent form ends in a redirect to the client, which `form-action` must allow. */
function headersFor({ params }) {
  const client = params ? new URL(params.redirect_uri).origin : ''
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Content-Security-Policy': [
      "default-src 'none'",
      `style-src 'sha256-${styleHash}'`,
      'img-src data:',
      `form-action 'self' ${client}`,
      "base-uri 'none'",
      "frame-ancestors 'none'"
    ].join('; ')
  }
}

function toHtml(value) {
  return String(value).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
