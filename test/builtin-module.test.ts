import { expect, it, vi } from 'vitest'
import { builtinModule } from '../src/builtin-module.js'

it('returns a module of Node.js', () => {
  expect(builtinModule('node:util')).toHaveProperty('debuglog')
})

it.each([
  undefined,
  {},
  { getBuiltinModule: () => undefined },
  {
    getBuiltinModule() {
      throw new Error('not supported')
    }
  }
])('returns undefined on a runtime without it: process is %j', (process) => {
  vi.stubGlobal('process', process)
  // Nothing may be awaited while process is replaced: timers of the test runner use it.
  const found = builtinModule('node:util')
  vi.unstubAllGlobals()
  expect(found).toBeUndefined()
})
