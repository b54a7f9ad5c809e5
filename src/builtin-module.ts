/** Loads modules of Node.js at run time, so that the core also loads on runtimes without them. @module */

interface BuiltinModules {
  readonly 'node:cluster': { readonly isWorker?: boolean }
  readonly 'node:diagnostics_channel': typeof import('node:diagnostics_channel')
  readonly 'node:util': typeof import('node:util')
}

/** A module of Node.js, Bun and Deno; undefined on runtimes without it. */
export function builtinModule<Name extends keyof BuiltinModules>(name: Name): BuiltinModules[Name] | undefined {
  try {
    return globalThis.process?.getBuiltinModule?.(name) as BuiltinModules[Name] | undefined
  } catch {
    // The edge runtime of Next.js has the function, but throws.
    return undefined
  }
}
