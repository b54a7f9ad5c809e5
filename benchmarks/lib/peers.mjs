/** Packages that are installed under `peers/`, apart from our own dependencies. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const home = new URL('../peers/', import.meta.url)
const { resolve } = createRequire(new URL('package.json', home))

/** Imports a module of a peer. */
export function importPeer(specifier) {
  return import(pathToFileURL(resolve(specifier)))
}

/** The version of a peer that is installed. */
export function versionOf(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, home), 'utf8')).version
}
