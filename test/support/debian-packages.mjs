/** Programs that tests start, installed from Debian's packages where they are missing. Types are in debian-packages.d.mts. */

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** With a policy that returns 101, Debian does not start the services of packages that it installs. */
const POLICY = '/usr/sbin/policy-rc.d'
const LOCK = join(tmpdir(), 'dpop-guard-apt.lock')

/** Whether a program can be started; on Debian as root its package is installed where it is missing. */
export function hasProgram(program, packageName = program, versionOption = '--version') {
  const canRun = () => spawnSync(program, [versionOption], { timeout: 60_000 }).status === 0
  if (!canRun()) installDebianPackages(packageName)
  return canRun()
}

/** Without a policy, Debian starts the services of the packages that it installs. */
const install = `
  if [ ! -e ${POLICY} ]; then
    trap 'rm -f ${POLICY}' EXIT
    printf '#!/bin/sh\\nexit 101\\n' > ${POLICY}
    chmod 755 ${POLICY}
  fi
  apt-get -qq -o DPkg::Lock::Timeout=120 update
  apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"
`

/**
 * Installs packages on Debian as root, and starts no service of theirs. Does nothing elsewhere: the caller sees what is missing. Processes
 * that install at the same time wait for each other.
 */
export function installDebianPackages(...names) {
  const isDebian = existsSync('/etc/debian_version') && process.getuid?.() === 0
  if (!isDebian) return
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  spawnSync('flock', [LOCK, 'sh', '-c', install, 'sh', ...names], { env, timeout: 900_000 })
}
