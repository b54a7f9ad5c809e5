/** Programs that tests start, installed from Debian's packages where they are missing. Types are beside, in debian-packages.d.mts. */

import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'

/** Where a policy says no (101), Debian starts no service of a package that it installs. */
const POLICY = '/usr/sbin/policy-rc.d'

/** Whether a program can be started; on Debian as root its package is installed where it is missing. */
export function hasProgram(program, packageName = program, versionOption = '--version') {
  const canRun = () => spawnSync(program, [versionOption], { timeout: 60_000 }).status === 0
  if (!canRun()) installDebianPackages(packageName)
  return canRun()
}

/** Installs packages on Debian as root, and starts no service of theirs. Does nothing elsewhere: the caller sees what is missing. */
export function installDebianPackages(...names) {
  const isDebian = existsSync('/etc/debian_version') && process.getuid?.() === 0
  if (!isDebian) return
  const hasPolicy = existsSync(POLICY)
  if (!hasPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const apt = ['-qq', '-o', 'DPkg::Lock::Timeout=120']
    spawnSync('apt-get', [...apt, 'update'], { env, timeout: 120_000 })
    spawnSync('apt-get', [...apt, 'install', '-y', '--no-install-recommends', ...names], { env, timeout: 600_000 })
  } finally {
    if (!hasPolicy) rmSync(POLICY, { force: true })
  }
}
