/** Injection tokens. @module */

/** Injects the options that the module was given. */
export const DPOP_OPTIONS: unique symbol = Symbol('DPOP_OPTIONS')

/** Injects the verifier; override it in tests, or use it where there is no guard. */
export const DPOP_VERIFIER: unique symbol = Symbol('DPOP_VERIFIER')
