/** The notes of each user, in memory. */

import { Injectable } from '@nestjs/common'

@Injectable()
export class NotesService {
  readonly #notes = new Map<string, readonly string[]>()

  list(owner: string): readonly string[] {
    return this.#notes.get(owner) ?? []
  }

  add(owner: string, text: string): readonly string[] {
    const notes = [...this.list(owner), text]
    this.#notes.set(owner, notes)
    return notes
  }
}
