/** What the user and the authorization server sent to each other, which the page of the client cannot see by itself. @module */

const MAX_ENTRIES = 200

/** @typedef {import('../login-and-consent.mjs').Interaction} Interaction */

/** @returns {{ add: import('../login-and-consent.mjs').Observe, of(state: string): Interaction[] }} */
export function createInteractionLog() {
  /** @type {Interaction[]} */
  const entries = []
  return {
    add(interaction) {
      entries.push(interaction)
      if (entries.length > MAX_ENTRIES) entries.shift()
    },
    /** Those of one authorization request. Its `state` is known to its client alone. */
    of: (state) => entries.filter((entry) => entry.state === state)
  }
}
