import base from './vitest.config.js'

/** The tests that mutation testing runs for a change of one room: those that `test/mutation/run.mjs` names for it. */
export default { ...base, test: { ...base.test, include: (process.env['MUTATION_TESTS'] ?? '').split(';') } }
