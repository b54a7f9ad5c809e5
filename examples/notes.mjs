/** The notes that each API keeps: in memory, by owner. @module */

/** @returns {{ of(owner: string): string[], add(owner: string, text: string): void }} */
export function createNotes() {
  const notes = new Map([['alice', ['Water the plants']]])
  const of = (owner) => notes.get(owner) ?? []
  return { of, add: (owner, text) => notes.set(owner, [...of(owner), text]) }
}
