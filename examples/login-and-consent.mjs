/** The two pages of the authorization server that its user sees: sign-in, and consent. @module */

import { text } from 'node:stream/consumers'

/**
 * @param {import('oidc-provider').default} provider
 * @param {Map<string, string>} passwords by name of the user
 * @returns {import('node:http').RequestListener}
 */
export function createPages(provider, passwords) {
  const login = {
    html: () => `
      <title>Sign in</title>
      <form method="post">
        <label>Name <input name="name" autocomplete="username" required></label>
        <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
        <button>Sign in</button>
      </form>`,
    async submit(form) {
      const name = form.get('name')
      return passwords.get(name) === form.get('password') ? { login: { accountId: name } } : undefined
    }
  }

  const consent = {
    html: ({ params }) => `
      <title>Allow access</title>
      <p>${toHtml(params.client_id)} asks for ${toHtml(params.scope)} at ${toHtml(params.resource)}</p>
      <form method="post"><button name="answer" value="allow">Allow</button> <button name="answer" value="deny">Deny</button></form>`,
    async submit(form, { session, params, prompt, grantId }) {
      if (form.get('answer') !== 'allow') return { error: 'access_denied' }
      // What the user allows is added to what they allowed this client before, so that a client can ask for further scopes.
      const earlier = grantId === undefined ? undefined : await provider.Grant.find(grantId)
      const grant = earlier ?? new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
      for (const [resource, scopes] of Object.entries(prompt.details.missingResourceScopes ?? {}))
        grant.addResourceScope(resource, scopes.join(' '))
      return { consent: { grantId: await grant.save() } }
    }
  }

  return async (request, response) => {
    try {
      const interaction = await provider.interactionDetails(request, response)
      const page = interaction.prompt.name === 'login' ? login : consent
      if (request.method !== 'POST') return send(response, 200, page.html(interaction))
      const result = await page.submit(new URLSearchParams(await text(request)), interaction)
      if (result === undefined) return send(response, 401, page.html(interaction))
      await provider.interactionFinished(request, response, result)
    } catch (error) {
      send(response, error.statusCode ?? 500, `<p>${toHtml(error.message)}</p>`)
    }
  }
}

function send(response, status, body) {
  const headers = { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store', 'X-Frame-Options': 'DENY' }
  response.writeHead(status, headers).end(`<!doctype html><html lang="en">${body}</html>`)
}

function toHtml(value) {
  return String(value).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
