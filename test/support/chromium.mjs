/** Chromium for tests of pages, installed from Debian's package where it is missing. Types are in chromium.d.mts. */

import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'
import { installDebianPackages } from './debian-packages.mjs'

const names = ['chromium', 'google-chrome', 'chromium-browser']

/** The path of the executable: the variable CHROMIUM_PATH, or the first in PATH. Undefined if there is none and it cannot be installed. */
export function findChromium() {
  if (process.env.CHROMIUM_PATH) return process.env.CHROMIUM_PATH
  const found = findInPath()
  if (found !== undefined) return found
  installDebianPackages('chromium')
  return findInPath()
}

function findInPath() {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path))
}

/** Starts Chromium without a window. Its sandbox does not support root. */
export async function launchChromium() {
  const executablePath = findChromium()
  if (executablePath === undefined) throw new Error('Chromium is not installed')
  return await chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] })
}
