/** Injection tokens. @module */

/** Injects the options of the module. */
export const DPOP_OPTIONS: unique symbol = Symbol('DPOP_OPTIONS')

/** Injects the verifier, for tests that override it or for code without a guard. */
export const DPOP_VERIFIER: unique symbol = Symbol('DPOP_VERIFIER')
