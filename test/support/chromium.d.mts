import type { Browser } from 'playwright-core'

/** The path of the executable: the variable CHROMIUM_PATH, or the first in PATH. Undefined if there is none and it cannot be installed. */
export function findChromium(): string | undefined
/** Starts Chromium without a window. Its sandbox does not support root. */
export function launchChromium(): Promise<Browser>
