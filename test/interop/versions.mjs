/** Installs the implementations, and finds their versions. */

import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { installDebianPackages } from '../support/debian-packages.mjs'

/** The version of each implementation in the same order; undefined for one that is not installed. */
export async function installImplementations(implementations) {
  installMissing(implementations)
  return Promise.all(implementations.map(({ npm, packages }) => (npm ? npmVersion(npm) : debianVersion(packages))))
}

/** Installs all packages with one command. It fails if the distribution lacks one of them; then each is installed separately. */
function installMissing(implementations) {
  const missing = implementations.filter(({ packages }) => packages && debianVersion(packages) === undefined)
  if (missing.length > 0) installDebianPackages(...missing.flatMap(({ packages }) => packages))
  for (const { packages } of missing) if (debianVersion(packages) === undefined) installDebianPackages(...packages)
}

/** The upstream version of the first package if all are installed: of `2:1.4.0-1+deb12u1`, `1.4.0`. */
function debianVersion(packages) {
  const format = `\${db:Status-Status} \${Version}\n`
  const versions = packages.map((name) => spawnSync('dpkg-query', ['-W', '-f', format, name], { encoding: 'utf8' }).stdout)
  const [version, ...others] = versions.map((text) => /^installed (?:\d+:)?([\d.]*\d)/.exec(text)?.[1])
  return others.includes(undefined) ? undefined : version
}

async function npmVersion(name) {
  const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url)
  return JSON.parse(await readFile(manifest, 'utf8')).version
}
