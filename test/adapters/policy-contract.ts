/** The contract of policies in all adapters: one suite that runs over real sockets. */

import type { Policy, VerifiedRequest, VerifierOptions } from 'dpop-guard'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { BASE_URL, Bench, type CallSpec, challengesOf, type RunningApp } from './contract.js'
import type { RawResponse } from './raw-http.js'

/** The request of a framework, as far as all of them agree. */
export type AnyRequest = { readonly method?: string | undefined; readonly url?: string | undefined }

/** The policies of the app under test, by path. */
export interface Policies {
  /** Checked by the guard, before the proof is consumed. */
  readonly early: Record<string, Policy<AnyRequest>>
  /** Checked by requireScopes, requireAnyScope, requireAuthentication and authorize, in this order, after the guard. */
  readonly late: Record<string, Policy<AnyRequest>>
}

/** Starts an app that responds to GET with 200 at each path, if its policy is satisfied. */
export interface PolicyFramework {
  readonly name: string
  start(options: VerifierOptions & { readonly optional?: false }, policies: Policies): Promise<RunningApp>
  /** All policies are part of the guard. */
  readonly hasNoLatePolicies?: boolean
}

/** Runs the suite through a framework. */
export function describePolicies(framework: PolicyFramework): void {
  describe(`policies in ${framework.name}`, () => {
    const decide = vi.fn<(auth: VerifiedRequest, request: AnyRequest) => boolean | Promise<boolean>>()
    const bench = new Bench({ name: framework.name, start: () => Promise.reject(new Error('not used')) })
    const apps: RunningApp[] = []
    const policies = {
      '/any': { anyScope: ['admin', 'notes:read'] },
      '/files': { scopes: ['files:read'] },
      '/step-up': { authentication: { acrValues: ['phr', 'mfa'], maxAgeSeconds: 300 } },
      '/step-up-scoped': { scopes: ['admin'], authentication: { acrValues: ['mfa'] } },
      '/decide': { authorize: decide }
    } satisfies Record<string, Policy<AnyRequest>>
    const late = Object.fromEntries(Object.entries(policies).map(([path, policy]) => [`/late${path}`, policy]))

    beforeAll(async () => {
      await bench.init()
      const scopeSatisfies = (granted: string, required: string) => required === granted || required.startsWith(`${granted}:`)
      const start = async (more: Partial<VerifierOptions>) => {
        const app = await framework.start(bench.options({ token: { scopeSatisfies }, ...more }) as never, {
          early: policies,
          late: framework.hasNoLatePolicies ? {} : late
        })
        apps.push(app)
      }
      await start({})
      await start({ allowBearer: true })
      await start({ optional: true })
    })
    beforeEach(() => void decide.mockReset())
    afterAll(() => Promise.all(apps.map((app) => app.close())))

    const call = (spec: CallSpec, app = 0): Promise<RawResponse> => bench.call(apps[app] as RunningApp, spec)
    const tokenWith = (claims: Record<string, unknown>, scope = 'notes:read') => bench.token({ scope, claims })
    const seconds = () => Math.floor(bench.clock() / 1000)

    for (const prefix of framework.hasNoLatePolicies ? [''] : ['', '/late']) {
      const place = prefix === '' ? 'in the guard' : 'after the guard'

      test(`anyScope ${place} accepts a token with one of the scopes, and rejects one with none (RFC 6750 §3.1) [A-08 C-03]`, async () => {
        const target = `${prefix}/any`
        expect((await call({ target, scope: 'notes:read other' })).status).toBe(200)
        const response = await call({ target, scope: 'other' })
        expect(response.status).toBe(403)
        expect(challengesOf(response)).toMatchObject([
          { scheme: 'DPoP', params: { error: 'insufficient_scope', scope: 'admin notes:read' } }
        ])
      })

      test(`scopeSatisfies ${place} decides whether a broader scope satisfies a required one`, async () => {
        const target = `${prefix}/files`
        expect((await call({ target, scope: 'files' })).status).toBe(200)
        expect((await call({ target, scope: 'files:write' })).status).toBe(403)
      })

      test(`authentication ${place} requires acr and auth_time, never iat instead (RFC 9470 §3, §6.1) [S-04 S-07 S-08 S-09]`, async () => {
        const target = `${prefix}/step-up`
        const status = async (claims: Record<string, unknown>) => (await call({ target, token: await tokenWith(claims) })).status
        const now = seconds()
        expect(await status({ acr: 'mfa', auth_time: now - 305 })).toBe(200)
        expect(await status({ acr: 'phr', auth_time: now + 5 })).toBe(200)
        expect(await status({ acr: 'mfa', auth_time: now - 306 })).toBe(401)
        expect(await status({ acr: 'mfa', auth_time: now + 6 })).toBe(401)
        expect(await status({ acr: 'MFA', auth_time: now })).toBe(401)
        expect(await status({ auth_time: now })).toBe(401)
        expect(await status({ acr: 'mfa' })).toBe(401)
      })

      test(`authentication ${place} sends a challenge with acr_values and max_age (RFC 9470 §3) [S-01 S-02 S-06]`, async () => {
        const response = await call({ target: `${prefix}/step-up` })
        expect(response.status).toBe(401)
        expect(challengesOf(response)).toMatchObject([
          { scheme: 'DPoP', params: { error: 'insufficient_user_authentication', acr_values: 'phr mfa', max_age: '300' } }
        ])
        expect(response.text).toContain('max_age="300"')
      })

      test(`authentication and scopes ${place} are in one challenge if they are one policy (RFC 9470 §3) [S-03 S-12]`, async () => {
        const target = `${prefix}/step-up-scoped`
        const [both] = challengesOf(await call({ target }))
        expect(both?.params).toMatchObject({ error: 'insufficient_user_authentication', acr_values: 'mfa' })
        expect(both?.params['scope']).toBe(prefix === '' ? 'admin' : undefined)
        const [authentication] = challengesOf(await call({ target, scope: 'admin' }))
        expect(authentication?.params).not.toHaveProperty('scope')
        const scope = await call({ target, token: await tokenWith({ acr: 'mfa' }) })
        expect([scope.status, challengesOf(scope)[0]?.params['error']]).toEqual([403, 'insufficient_scope'])
      })

      test(`scopes ${place} are in the challenge for a request without a valid token, if they are options of the guard (RFC 6750 §3)`, async () => {
        const announced = prefix === '' ? 'files:read' : undefined
        for (const headers of [[], [['Authorization', 'DPoP invalid']]] as [string, string][][]) {
          const [challenge] = challengesOf(await call({ target: `${prefix}/files`, headers }))
          expect(challenge?.params['scope']).toBe(announced)
        }
      })

      test(`authorize ${place} is called with the verified request and the request of the framework`, async () => {
        decide.mockReturnValue(true)
        expect((await call({ target: `${prefix}/decide?x=1` })).status).toBe(200)
        const [auth, request] = decide.mock.calls[0] ?? []
        expect(auth).toMatchObject({ scheme: 'DPoP', claims: { sub: 'user' } })
        expect(request?.method).toBe('GET')
        expect(request?.url).toContain('/decide?x=1')
      })

      test.each([false, undefined, 'yes', 1])(`authorize ${place} that returns %j is 403 without challenge`, async (decision) => {
        decide.mockResolvedValue(decision as never)
        const response = await call({ target: `${prefix}/decide` })
        expect(response.status).toBe(403)
        expect(challengesOf(response)).toEqual([])
      })

      test(`authorize ${place} that throws is 503`, async () => {
        decide.mockRejectedValue(new Error('policy server down'))
        const response = await call({ target: `${prefix}/decide` })
        expect(response.status).toBe(503)
        expect(response.text).not.toContain('policy server down')
      })

      test(`a policy ${place} has its error in the challenge of the scheme of the request (RFC 9449 §7.2) [S-11]`, async () => {
        const errorsOf = (response: RawResponse) => challengesOf(response).map(({ scheme, params }) => [scheme, params['error']])
        const bearer = await bench.issuer.issue({ scope: 'notes:read' })
        const target = `${prefix}/step-up`
        expect(errorsOf(await call({ target, token: bearer, proof: false, scheme: 'Bearer' }, 1))).toEqual([
          ['Bearer', 'insufficient_user_authentication'],
          ['DPoP', undefined]
        ])
        expect(errorsOf(await call({ target }, 1))).toEqual([
          ['Bearer', undefined],
          ['DPoP', 'insufficient_user_authentication']
        ])
      })

      test.each(Object.keys(policies))(
        `a policy ${place} rejects requests without credentials under optional: %s`,
        async (path) => {
          decide.mockReturnValue(true)
          const response = await call({ target: `${prefix}${path}`, headers: [] }, 2)
          expect(response.status).toBe(401)
          expect(challengesOf(response)[0]?.params).not.toHaveProperty('error')
          expect(decide).not.toHaveBeenCalled()
        }
      )
    }

    test('a policy in the guard is checked before the proof is consumed (RFC 9449 §11.1) [S-14]', async () => {
      const target = '/decide'
      const headers = await bench.credentials({ target })
      decide.mockReturnValueOnce(false).mockReturnValue(true)
      const statuses = []
      for (let i = 0; i < 3; i++) statuses.push((await call({ target, headers })).status)
      expect(statuses).toEqual([403, 200, 401])
      // The third is a replay, which is found after the policy was checked.
      expect(decide).toHaveBeenCalledTimes(3)
    })

    test('a policy is not evaluated for a request that is rejected before (RFC 9470 §9) [S-05]', async () => {
      decide.mockReturnValue(true)
      await call({ target: '/decide', proof: { method: 'POST', url: `${BASE_URL}/decide` } })
      await call({ target: '/decide', token: await bench.token({ expiresInSeconds: -60 }) })
      expect(decide).not.toHaveBeenCalled()
    })
  })
}
