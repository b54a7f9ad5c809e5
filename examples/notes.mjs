/** The notes that each API keeps: in memory, by owner. @module */

/** The `acr` that deletion requires (RFC 9470): a sign-in with a second factor. The authorization server lists it. */
export const TWO_FACTOR = 'urn:example:two-factor'

/** @returns {{ of(owner: string): string[], add(owner: string, text: string): void, clear(owner: string): void }} */
export function createNotes() {
  const notes = new Map([['alice', ['Water the plants']]])
  const of = (owner) => notes.get(owner) ?? []
  return {
    of,
    add: (owner, text) => notes.set(owner, [...of(owner), text]),
    clear: (owner) => notes.delete(owner)
  }
}
