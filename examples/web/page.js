/** The state that the parts of the page share: configuration, session, and the diagram. @module */

import { saveSession } from './session.js'

/** How long a step is highlighted before the next one, so that the order can be seen. */
const STEP_MS = 160

/**
 * @typedef {object} Page
 * @property {Awaited<ReturnType<import('./demo-server.js').loadConfig>>} config
 * @property {{ authorization_endpoint: string, token_endpoint: string }} metadata of the authorization server (RFC 8414)
 * @property {import('./session.js').Session} session
 * @property {(step: number, data: import('./sections.js').StepData) => Promise<void>} show
 * @property {(firstStep: number) => void} reset clears that step and all after it
 */

/** @returns {Promise<Page>} */
export async function createPage(config, session, diagram) {
  const response = await fetch(`${config.issuer}/.well-known/openid-configuration`)
  return {
    config,
    session,
    metadata: await response.json(),
    async show(step, data) {
      session.steps[step] = data
      diagram.show(step, data)
      await pause()
    },
    reset(firstStep) {
      session.steps = Object.fromEntries(Object.entries(session.steps).filter(([step]) => Number(step) < firstStep))
      diagram.reset(firstStep)
    }
  }
}

/** The API that the visitor chose. */
export function chosenApi({ config, session }) {
  return config.apis.find(({ id }) => id === session.api)
}

export async function saveCurrent({ session }) {
  await saveSession(session)
}

async function pause() {
  if (matchMedia('(prefers-reduced-motion: reduce)').matches) return
  await new Promise((resolve) => setTimeout(resolve, STEP_MS))
}
