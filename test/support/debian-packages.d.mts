/** Whether a program can be started; on Debian as root its package is installed where it is missing. */
export function hasProgram(program: string, packageName?: string, versionOption?: string): boolean
/** Installs packages on Debian as root, and starts no service of theirs. Does nothing elsewhere: the caller sees what is missing. */
export function installDebianPackages(...names: string[]): void
