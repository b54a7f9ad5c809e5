/** oidc-provider, imported without its warning about the version of Node.js. @module */

// oidc-provider 9 recommends Node.js 22 and warns on every start with 20, without an option to disable it. It works.
// Other warnings are shown.
const { warn } = console
console.warn = (...words) => String(words[0]).includes('Unsupported runtime') || warn(...words)
export const { errors, interactionPolicy, Provider } = await import('oidc-provider')
console.warn = warn
