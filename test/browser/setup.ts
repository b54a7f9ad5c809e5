/** Installs Chromium before the tests where it is missing, and ends the run if it cannot. */

import { findChromium } from '../support/chromium.mjs'

export function setup(): void {
  if (findChromium() !== undefined) return
  console.error('The browser tests need Chromium: install it, or set CHROMIUM_PATH to its executable.')
  process.exit(1)
}
