/** NestJS apps for the contract suite, of whichever version `@nestjs/*` is in the test that imports this. */

import 'reflect-metadata'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  Body,
  Catch,
  Controller,
  type ExecutionContext,
  Get,
  HttpCode,
  HttpException,
  type INestApplication,
  Logger,
  Module,
  type ModuleMetadata,
  Post,
  Scope,
  SetMetadata,
  UseGuards
} from '@nestjs/common'
import { APP_GUARD, HttpAdapterHost, NestFactory, Reflector } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import {
  createVerifier,
  DPoPError,
  DPoPUnavailableError,
  type Policy,
  type VerifiedRequest,
  type VerifierOptions
} from 'dpop-guard'
import {
  Authorize,
  DPOP_OPTIONS,
  DPOP_VERIFIER,
  DPoPAuth,
  DPoPException,
  DPoPGuard,
  DPoPModule,
  type DPoPModuleOptions,
  DPoPProtected,
  Public,
  RequireAnyScope,
  RequireAuthentication,
  RequireScopes
} from 'dpop-guard/nestjs'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { authOf } from '../../adapters/nestjs/dpop.metadata.js'
import {
  type AppSpec,
  Bench,
  challengesOf,
  describeAdapter,
  type Framework,
  otherChallenge,
  type RunningApp,
  show
} from './contract.js'
import { type AnyRequest, describePolicies } from './policy-contract.js'

type Platform = 'Express' | 'Fastify'

async function serve(
  platform: Platform,
  metadata: ModuleMetadata,
  prepare?: (app: INestApplication) => void
): Promise<RunningApp> {
  class AppModule {}
  Module(metadata)(AppModule)
  const adapter = platform === 'Express' ? new ExpressAdapter() : new FastifyAdapter()
  const app = await NestFactory.create(AppModule, adapter as never, { logger: false, abortOnError: false })
  app.use((_request: unknown, response: { setHeader(name: string, value: string): void }, next: () => void) => {
    response.setHeader('Vary', 'Origin')
    response.setHeader('WWW-Authenticate', otherChallenge)
    next()
  })
  prepare?.(app)
  await app.listen(0, '127.0.0.1')
  return { port: Number(new URL(await app.getUrl()).port), close: () => app.close() }
}

async function start(platform: Platform, spec: AppSpec): Promise<RunningApp> {
  const handle = (auth: VerifiedRequest | undefined, body?: string): object => {
    spec.onHandled(auth)
    return show(auth, body)
  }

  class Routes {
    @Get('notes')
    list(@DPoPAuth() auth: VerifiedRequest): object {
      return handle(auth)
    }

    @HttpCode(200)
    @Post('notes')
    add(@DPoPAuth() auth: VerifiedRequest, @Body() body: string): object {
      return handle(auth, body)
    }

    @RequireScopes('admin')
    @Get('admin')
    administer(@DPoPAuth() auth: VerifiedRequest): object {
      return handle(auth)
    }
  }

  const guarded = UseGuards(DPoPGuard)
  @Controller()
  class RootController extends Routes {}
  @Controller('api')
  class PrefixedController extends Routes {}
  for (const controller of [RootController, PrefixedController]) guarded(controller)

  @Catch()
  class Filter {
    catch(exception: { getStatus?(): number; cause?: { code?: string } }, host: ExecutionContext): void {
      const { httpAdapter } = filterHost()
      httpAdapter.reply(host.switchToHttp().getResponse(), { code: exception.cause?.code }, exception.getStatus?.() ?? 500)
    }
  }
  let application: INestApplication
  const filterHost = (): HttpAdapterHost => application.get(HttpAdapterHost)

  const guard = spec.guard
  const settings = guard === undefined ? [] : [guard]
  return await serve(
    platform,
    {
      imports: [DPoPModule.forRoot(...(settings as [DPoPModuleOptions]))],
      controllers: [RootController, PrefixedController],
      providers: spec.isGuardedTwice ? [{ provide: APP_GUARD, useExisting: DPoPGuard }] : []
    },
    (app) => {
      application = app
      if (platform === 'Express') (app as never as { useBodyParser(type: 'text'): void }).useBodyParser('text')
      if (spec.hasErrorHandler) app.useGlobalFilters(new Filter())
    }
  )
}

/** Runs the contract suite and the NestJS suites on both platforms. */
export function describeNest(version: number): void {
  for (const platform of ['Express', 'Fastify'] as const) {
    const framework: Framework = {
      name: `NestJS ${version} on ${platform}`,
      start: (spec) => start(platform, spec),
      // Guards run for routes only.
      unknownRouteStatus: 404,
      requireScopesNeedsNoOrder: true
    }
    describeAdapter(framework)
    describePolicies({
      name: framework.name,
      hasNoLatePolicies: true,
      start: (options, { early }) =>
        serve(platform, { imports: [DPoPModule.forRoot(options)], controllers: [controllerOf(early)] })
    })
    describeHabits(framework, platform, version)
    describeGuardCheck(framework, platform)
  }
}

/** A controller with a handler for each policy. */
function controllerOf(policies: Record<string, Policy<AnyRequest>>): new () => object {
  class PolicyController {}
  Object.entries(policies).forEach(([path, { scopes, anyScope, authentication, authorize }], index) => {
    const name = `handle${index}`
    Object.defineProperty(PolicyController.prototype, name, { value: () => 'ok', writable: true, configurable: true })
    const decorators = [
      Get(path),
      ...(scopes ? [RequireScopes(...scopes)] : []),
      ...(anyScope ? [RequireAnyScope(...anyScope)] : []),
      ...(authentication ? [RequireAuthentication(authentication)] : []),
      ...(authorize ? [Authorize(authorize)] : [])
    ]
    const descriptor = Object.getOwnPropertyDescriptor(PolicyController.prototype, name) as PropertyDescriptor
    for (const decorate of decorators) decorate(PolicyController.prototype, name, descriptor)
  })
  UseGuards(DPoPGuard)(PolicyController)
  Controller()(PolicyController)
  return PolicyController
}

/** A declared policy is enforced, or the application does not start. */
function describeGuardCheck(framework: Framework, platform: Platform): void {
  describe(`${framework.name}, the check of guards at start-up`, () => {
    const bench = new Bench(framework)
    beforeAll(() => bench.init())

    async function start(metadata: ModuleMetadata, extras: object = {}): Promise<RunningApp> {
      return await serve(platform, { ...metadata, imports: [DPoPModule.forRoot({ ...bench.options(), ...extras })] })
    }

    /** A class with one handler, decorated with `decorators`. */
    function classOf(...decorators: MethodDecorator[]): new () => object {
      class Handlers {
        handle(): string {
          return 'ok'
        }
      }
      const descriptor = Object.getOwnPropertyDescriptor(Handlers.prototype, 'handle') as PropertyDescriptor
      for (const decorate of decorators) decorate(Handlers.prototype, 'handle', descriptor)
      return Handlers
    }

    function controllerWith(...decorators: MethodDecorator[]): new () => object {
      const type = classOf(Get('notes'), ...decorators)
      Controller()(type)
      return type
    }

    const policies: [name: string, decorator: MethodDecorator][] = [
      ['@RequireScopes', RequireScopes('a')],
      ['@RequireAnyScope', RequireAnyScope('a')],
      ['@RequireAuthentication', RequireAuthentication({ acrValues: ['mfa'] })],
      ['@Authorize', Authorize(() => true)]
    ]
    test.each(policies)('fails for a handler with %s and no guard', async (_name, policy) => {
      await expect(start({ controllers: [controllerWith(policy)] })).rejects.toThrow(
        new TypeError(
          'The policy of Handlers.handle is not enforced: add @UseGuards(DPoPGuard), @DPoPProtected() or the option "guardAll"'
        )
      )
    })

    test('fails for a policy on the controller, and for one on an inherited handler', async () => {
      const onClass = controllerWith()
      RequireScopes('a')(onClass)
      const base = classOf(Get('notes'), RequireScopes('a'))
      class Inherited extends base {}
      Controller()(Inherited)
      for (const type of [onClass, Inherited])
        await expect(start({ controllers: [type] })).rejects.toThrow(/^The policy of \w+\.handle is not enforced/)
    })

    class Subclass extends DPoPGuard {}
    class OtherGuard {
      canActivate(): boolean {
        return true
      }
    }

    test.each<[string, () => ModuleMetadata, object?]>([
      ['@UseGuards on the handler', () => ({ controllers: [controllerWith(RequireScopes('a'), UseGuards(DPoPGuard))] })],
      ['@UseGuards with a subclass', () => ({ controllers: [controllerWith(RequireScopes('a'), UseGuards(Subclass))] })],
      ['@DPoPProtected', () => ({ controllers: [controllerWith(DPoPProtected('a'))] })],
      [
        'APP_GUARD',
        () => ({
          controllers: [controllerWith(RequireScopes('a'))],
          providers: [{ provide: APP_GUARD, useExisting: DPoPGuard }]
        })
      ],
      [
        'APP_GUARD of a request-scoped subclass',
        () => ({
          controllers: [controllerWith(RequireScopes('a'))],
          providers: [{ provide: APP_GUARD, useClass: Subclass, scope: Scope.REQUEST }]
        })
      ],
      ['the option guardAll', () => ({ controllers: [controllerWith(RequireScopes('a'))] }), { guardAll: true }],
      ['@Public instead of a policy', () => ({ controllers: [controllerWith(Public())] })],
      ['no handler at all, but a helper method with metadata', () => ({ providers: [classOf(RequireScopes('a'))] })]
    ])('passes with %s', async (_name, metadata, extras) => {
      const app = await start(metadata(), extras)
      await app.close()
    })

    test('fails if only another guard guards the handler', async () => {
      const type = controllerWith(RequireScopes('a'), UseGuards(OtherGuard))
      await expect(start({ controllers: [type] })).rejects.toThrow('is not enforced')
    })

    test('fails for a message handler under a global guard, which Nest does not run for it', async () => {
      const onMessage = SetMetadata('message', 'notes')
      const gateway = classOf(onMessage, RequireScopes('a'))
      await expect(start({ providers: [gateway] }, { guardAll: true })).rejects.toThrow(
        'a message handler needs @UseGuards(DPoPGuard), since global guards do not run for it'
      )
      const guarded = classOf(onMessage, RequireScopes('a'), UseGuards(DPoPGuard))
      await (await start({ providers: [guarded] }, { guardAll: true })).close()
    })

    test.each([
      [undefined, false],
      [{}, false],
      [{ fieldResolverEnhancers: ['filters'] }, false],
      [{ fieldResolverEnhancers: ['guards'] }, true]
    ])('a field resolver with a policy requires fieldResolverEnhancers: %j', async (options, isStarted) => {
      const resolver = classOf(SetMetadata('graphql:resolve_property', true), RequireScopes('a'), UseGuards(DPoPGuard))
      const graphql = options === undefined ? [] : [{ provide: 'GqlModuleOptions', useValue: options }]
      const starting = start({ providers: [resolver, ...graphql] })
      if (isStarted) await (await starting).close()
      else await expect(starting).rejects.toThrow('guards do not run for field resolvers')
    })

    test('guardAll protects every route, also with forRootAsync', async () => {
      for (const module of [
        DPoPModule.forRoot({ ...bench.options(), guardAll: true }),
        DPoPModule.forRootAsync({ guardAll: true, useFactory: () => bench.options() })
      ]) {
        const app = await serve(platform, { imports: [module], controllers: [controllerWith()] })
        expect((await bench.call(app, { headers: [] })).status).toBe(401)
        expect((await bench.call(app)).status).toBe(200)
        await app.close()
      }
    })

    test('@DPoPProtected() without scopes requires a verified request only', async () => {
      const app = await start({ controllers: [controllerWith(DPoPProtected())] })
      expect((await bench.call(app, { headers: [] })).status).toBe(401)
      expect((await bench.call(app)).status).toBe(200)
      await app.close()
    })

    test('a policy of the controller and one of another name on the handler are combined', async () => {
      const type = controllerWith(RequireScopes('notes:read'))
      Authorize(() => false)(type)
      UseGuards(DPoPGuard)(type)
      const app = await start({ controllers: [type] })
      expect((await bench.call(app)).status).toBe(403)
      await app.close()
    })
  })
}

function describeHabits(framework: Framework, platform: Platform, version: number): void {
  describe(`${framework.name}, beyond the contract`, () => {
    const bench = new Bench(framework)
    const apps: RunningApp[] = []
    beforeAll(() => bench.init())
    afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())))

    async function run(metadata: ModuleMetadata): Promise<RunningApp> {
      const app = await serve(platform, metadata)
      apps.push(app)
      return app
    }

    @UseGuards(DPoPGuard)
    @Controller()
    class NotesController {
      @Get('notes')
      list(@DPoPAuth() auth: VerifiedRequest): object {
        return show(auth)
      }

      @Public()
      @Get('health')
      health(@DPoPAuth() auth: VerifiedRequest | undefined): object {
        return show(auth)
      }
    }

    test('a rejected request has a body with the members of Nest and of RFC 6749 §5.2', async () => {
      const app = await run({ imports: [DPoPModule.forRoot(bench.options())], controllers: [NotesController] })
      const response = await bench.call(app, { proof: false })
      expect(JSON.parse(response.body)).toEqual({
        statusCode: 401,
        message: 'The DPoP header field is missing',
        error: 'invalid_dpop_proof',
        error_description: 'The DPoP header field is missing'
      })
    })

    test('the message of the exception is the description of the error', () => {
      expect(new DPoPException(new DPoPError('ERR_DPOP_PROOF_HTM')).message).toBe(
        'The DPoP proof htm does not match the request method'
      )
      expect(new DPoPException(new DPoPUnavailableError('ERR_DPOP_KEYS_UNAVAILABLE')).getResponse()).toEqual({
        statusCode: 503,
        message: 'The keys of the authorization server are unavailable',
        error_description: 'The keys of the authorization server are unavailable'
      })
    })

    test('an outage is logged once with its cause, which the client does not receive', async () => {
      const log = vi.spyOn(Logger.prototype, 'error').mockReturnValue(undefined)
      const jwksUri = `https://nestjs-${version}-${platform.toLowerCase()}.keys.example/jwks`
      const options = bench.options({
        issuer: { issuer: bench.issuer.issuer, jwksUri },
        fetch: () => Promise.reject(new Error('connect ECONNREFUSED'))
      })
      const app = await run({ imports: [DPoPModule.forRoot(options)], controllers: [NotesController] })
      for (let i = 0; i < 3; i++) {
        const response = await bench.call(app)
        expect(response.status).toBe(503)
        expect(response.body).not.toMatch(/keys\.example|ECONNREFUSED/)
      }
      const lines = log.mock.calls.map(([line]) => String(line)).filter((line) => line.includes(jwksUri))
      expect(lines).toEqual([expect.stringContaining('ECONNREFUSED')])
      log.mockRestore()
    })

    test('the diagnostics events have the method and the path template', async () => {
      @UseGuards(DPoPGuard)
      @Controller('api')
      class OneNoteController {
        @Get('notes/:id')
        read(): object {
          return {}
        }
      }
      const app = await run({ imports: [DPoPModule.forRoot(bench.options())], controllers: [OneNoteController] })
      const events: unknown[] = []
      const keep = (event: unknown) => void events.push(event)
      subscribe('dpop-guard:refused', keep)
      await bench.call(app, { target: '/api/notes/7', proof: false })
      unsubscribe('dpop-guard:refused', keep)
      expect(events).toMatchObject([{ method: 'GET', route: '/api/notes/:id' }])
    })

    test('with nonce.onEveryResponse, the response of the handler has the current nonce [AT-03]', async () => {
      const nonce = { secrets: ['a secret of thirty-two characters or more'], onEveryResponse: true }
      const app = await run({ imports: [DPoPModule.forRoot(bench.options({ nonce }))], controllers: [NotesController] })
      const [current = ''] = (await bench.call(app)).lines('DPoP-Nonce')
      const response = await bench.call(app, { proof: { nonce: current } })
      expect([response.status, response.lines('DPoP-Nonce')]).toEqual([200, [current]])
      expect(response.lines('Cache-Control').join()).toContain('no-store')
    })

    test('@Public excludes a handler from verification, also for requests with invalid credentials', async () => {
      const app = await run({ imports: [DPoPModule.forRoot(bench.options())], controllers: [NotesController] })
      const response = await bench.call(app, { target: '/health', headers: [['Authorization', 'DPoP invalid']] })
      expect([response.status, response.body]).toEqual([200, '{"anonymous":true}'])
    })

    test('the module serves the metadata without credentials (RFC 9728 §3) [M-05]', async () => {
      const metadata = { resourceName: 'Notes' }
      const app = await run({ imports: [DPoPModule.forRoot(bench.options({ metadata }))], controllers: [NotesController] })
      const target = '/.well-known/oauth-protected-resource'
      const response = await bench.call(app, { target, headers: [] })
      expect([response.status, JSON.parse(response.body)]).toEqual([200, expect.objectContaining({ resource_name: 'Notes' })])
      expect((await bench.call(app, { method: 'POST', target, headers: [] })).status).toBe(405)
    })

    describe('@Public', () => {
      const settings = () => ({ imports: [DPoPModule.forRoot({ ...bench.options(), guardAll: true })] })

      test('on a controller is overridden by @DPoPProtected on a handler', async () => {
        @Public()
        @Controller()
        class OpenController {
          @DPoPProtected()
          @Get('notes')
          closed(): string {
            return 'closed'
          }
        }
        const app = await run({ ...settings(), controllers: [OpenController] })
        expect((await bench.call(app, { headers: [] })).status).toBe(401)
        expect((await bench.call(app)).status).toBe(200)
      })

      test('on a class is overridden by @DPoPProtected and by a policy on a class that extends it', async () => {
        @Public()
        class Base {
          @Get()
          one(): string {
            return 'one'
          }

          @Authorize(() => true)
          @Get('two')
          two(): string {
            return 'two'
          }
        }
        @DPoPProtected()
        @Controller('notes')
        class ProtectedController extends Base {}
        @RequireScopes('admin')
        @Controller('admin')
        class AdminController extends Base {}
        @Controller('open')
        class OpenController extends Base {}
        const app = await run({ ...settings(), controllers: [ProtectedController, AdminController, OpenController] })
        const statusOf = async (target: string, headers?: []) =>
          (await bench.call(app, { target, ...(headers && { headers }) })).status
        expect([await statusOf('/notes', []), await statusOf('/notes')]).toEqual([401, 200])
        expect([await statusOf('/admin'), await statusOf('/admin/two')]).toEqual([403, 403])
        expect([await statusOf('/open', []), await statusOf('/open/two', [])]).toEqual([200, 401])
      })

      test('on a class that extends a protected one makes it public', async () => {
        @DPoPProtected()
        class Base {
          @Get()
          one(): string {
            return 'one'
          }
        }
        @Public()
        @Controller('notes')
        class OpenController extends Base {}
        const app = await run({ ...settings(), controllers: [OpenController] })
        expect((await bench.call(app, { headers: [] })).status).toBe(200)
      })

      test('that disables a nearer @UseGuards(DPoPGuard) fails the start', async () => {
        @Public()
        @Controller()
        class OpenController {
          @UseGuards(DPoPGuard)
          @Get('notes')
          closed(): string {
            return 'closed'
          }
        }
        @Public()
        class Base {
          @Get('notes')
          list(): string {
            return 'list'
          }
        }
        @UseGuards(DPoPGuard)
        @Controller()
        class GuardedController extends Base {}
        for (const [type, handler] of [
          [OpenController, 'closed'],
          [GuardedController, 'list']
        ] as const)
          await expect(run({ ...settings(), controllers: [type] })).rejects.toThrow(
            new TypeError(
              `${type.name}.${handler} is public in spite of @UseGuards(DPoPGuard): use @DPoPProtected(), which overrides @Public()`
            )
          )
      })
    })

    test('@Public and @RequireScopes on a handler override those on the controller', async () => {
      @Public()
      @UseGuards(DPoPGuard)
      @Controller()
      class OpenController {
        @Get('open')
        open(): string {
          return 'open'
        }

        @RequireScopes('admin')
        @Get('closed')
        closed(): string {
          return 'closed'
        }
      }
      @RequireScopes('admin')
      @UseGuards(DPoPGuard)
      @Controller('admin')
      class AdminController {
        @Get()
        all(): string {
          return 'all'
        }

        @RequireScopes('notes:read')
        @Get('notes')
        notes(): string {
          return 'notes'
        }
      }
      const app = await run({
        imports: [DPoPModule.forRoot(bench.options())],
        controllers: [OpenController, AdminController]
      })
      expect((await bench.call(app, { target: '/open', headers: [] })).status).toBe(200)
      expect((await bench.call(app, { target: '/closed', headers: [] })).status).toBe(401)
      expect((await bench.call(app, { target: '/closed' })).status).toBe(403)
      expect((await bench.call(app, { target: '/admin' })).status).toBe(403)
      expect((await bench.call(app, { target: '/admin/notes' })).status).toBe(200)
    })

    test('scopes are checked before the proof is consumed (RFC 6750 §3.1)', async () => {
      const used: string[] = []
      const replay = { reserve: (key: string) => used.push(key) > 0 }
      const app = await bench.start({ guard: bench.options({ replay }) })
      apps.push(app)
      expect((await bench.call(app, { target: '/admin' })).status).toBe(403)
      expect(used).toEqual([])
    })

    test('as APP_GUARD it protects every route, also of other modules', async () => {
      @Controller()
      class PlainController {
        @Get('plain')
        plain(): string {
          return 'plain'
        }
      }
      class FeatureModule {}
      Module({ controllers: [PlainController] })(FeatureModule)
      const app = await run({
        imports: [DPoPModule.forRoot(bench.options()), FeatureModule],
        providers: [{ provide: APP_GUARD, useExisting: DPoPGuard }]
      })
      expect((await bench.call(app, { target: '/plain', headers: [] })).status).toBe(401)
      expect((await bench.call(app, { target: '/plain' })).status).toBe(200)
    })

    test('forRootAsync creates the options with useFactory, useClass and useExisting', async () => {
      class Options {
        create(): DPoPModuleOptions {
          return bench.options()
        }
      }
      class OptionsModule {}
      Module({ providers: [Options], exports: [Options] })(OptionsModule)
      const modules = [
        DPoPModule.forRootAsync({ useFactory: async () => bench.options() }),
        DPoPModule.forRootAsync({ useFactory: () => ({ verifier: createVerifier(bench.options()) }) }),
        DPoPModule.forRootAsync({ useFactory: () => createVerifier(bench.options()) as never }),
        DPoPModule.forRootAsync({ imports: [OptionsModule], inject: [Options], useFactory: (made: Options) => made.create() }),
        DPoPModule.forRootAsync({ useClass: Options }),
        DPoPModule.forRootAsync({ imports: [OptionsModule], useExisting: Options })
      ]
      for (const module of modules) {
        const app = await run({ imports: [module], controllers: [NotesController] })
        expect((await bench.call(app)).status).toBe(200)
        expect((await bench.call(app, { headers: [] })).status).toBe(401)
      }
    })

    test('options and verifier can be injected, with isGlobal false only in modules that import DPoPModule', async () => {
      const found: unknown[] = []
      const probe = {
        provide: 'probe',
        inject: [DPOP_OPTIONS, DPOP_VERIFIER],
        useFactory: (...injected: unknown[]) => found.push(...injected)
      }
      const options = bench.options()
      await run({ imports: [DPoPModule.forRoot({ ...options, isGlobal: false })], providers: [probe] })
      expect(found).toEqual([options, expect.objectContaining({})])
      class FeatureModule {}
      Module({ controllers: [NotesController] })(FeatureModule)
      await expect(run({ imports: [DPoPModule.forRoot({ ...options, isGlobal: false }), FeatureModule] })).rejects.toThrow(
        'DPoPGuard'
      )
    })

    test('invalid module options cause a TypeError when the application starts', async () => {
      const starts = [
        { ...bench.options(), verifier: createVerifier(bench.options()) },
        { verifier: undefined },
        { baseUrl: 'nowhere' } as never as VerifierOptions
      ].map((options) => run({ imports: [DPoPModule.forRoot(options as DPoPModuleOptions)] }))
      for (const started of starts) await expect(started).rejects.toThrow(TypeError)
      await expect(run({ imports: [DPoPModule.forRootAsync({ useFactory: () => null as never })] })).rejects.toThrow(
        '"options" must'
      )
    })

    test.each(['guardAll', 'isGlobal'])('%s is true or false: anything else is a TypeError', (name) => {
      for (const value of ['true', 1, 0, null, []]) {
        const message = `"${name}" must be true or false`
        expect(() => DPoPModule.forRoot({ ...bench.options(), [name]: value })).toThrow(new TypeError(message))
        const wrong = { useFactory: () => bench.options(), [name]: value }
        expect(() => DPoPModule.forRootAsync(wrong)).toThrow(new TypeError(message))
      }
      expect(DPoPModule.forRoot({ ...bench.options(), isGlobal: undefined } as never).global).toBe(true)
    })

    test.each([() => bench.options(), null])('forRoot() rejects options that are not an object: %s', (options) => {
      expect(() => DPoPModule.forRoot(options as never)).toThrow(
        new TypeError('"options" must be an object; forRootAsync() takes a function as "useFactory"')
      )
    })

    test('a subclass may replace the exception and the source of the request', async () => {
      class OwnGuard extends DPoPGuard {
        protected override getRequest(context: ExecutionContext) {
          return super.getRequest(context)
        }

        protected override handleError(error: Parameters<DPoPGuard['handleError']>[0]): never {
          throw Object.assign(new DPoPException(error), { message: `own ${error.code}` })
        }
      }
      @UseGuards(OwnGuard)
      @Controller()
      class OwnController {
        @Get('notes')
        list(@DPoPAuth() auth: VerifiedRequest): object {
          return show(auth)
        }
      }
      const app = await run({ imports: [DPoPModule.forRoot(bench.options())], controllers: [OwnController] })
      expect((await bench.call(app)).status).toBe(200)
      const response = await bench.call(app, { headers: [] })
      expect([response.status, challengesOf(response).length]).toEqual([401, 1])
    })

    test('a rejection is an HttpException of this version, with the error as its cause', async () => {
      const context = contextOf('http', {})
      const refusal = makeGuard(DPoPGuard, vi.fn()).canActivate(context)
      await expect(refusal).rejects.toBeInstanceOf(HttpException)
      await expect(refusal).rejects.toMatchObject({ status: 401, cause: { code: 'ERR_DPOP_CREDENTIALS_MISSING' } })
    })

    test.each(['ws', 'rpc', 'graphql'])('a context that is not HTTP is rejected: %s', async (type) => {
      const setHeader = vi.fn()
      const denied = makeGuard(DPoPGuard, setHeader).canActivate(contextOf(type, {}))
      await expect(denied).rejects.toMatchObject({ code: 'ERR_DPOP_VERIFIER_UNAVAILABLE', cause: { name: 'TypeError' } })
      expect(setHeader).not.toHaveBeenCalled()
    })

    test('@DPoPAuth injects the verified request of a GraphQL context', () => {
      const dpop = { scheme: 'DPoP' }
      expect(authOf(contextOf('graphql', { req: { dpop } }))).toBe(dpop)
      expect(authOf(contextOf('graphql', {}))).toBeUndefined()
      expect(authOf(contextOf('http', {}))).toBeUndefined()
    })

    test('a subclass that overrides getRequest and getResponse verifies requests of a context that is not HTTP', async () => {
      class GraphqlGuard extends DPoPGuard {
        protected override getRequest(context: ExecutionContext) {
          return context.getArgByIndex(2).req
        }

        protected override getResponse(context: ExecutionContext) {
          return context.getArgByIndex(2).res
        }
      }
      const [setHeader, res] = [vi.fn(), {}]
      const guard = makeGuard(GraphqlGuard, setHeader)
      const headers = Object.fromEntries(await bench.credentials())
      const req = {
        method: 'GET',
        originalUrl: '/notes',
        rawHeaders: [],
        headers: { host: 'api.example', ...headers },
        dpop: undefined
      }
      expect(await guard.canActivate(contextOf('graphql', { req, res }))).toBe(true)
      expect(req.dpop).toMatchObject({ scheme: 'DPoP' })
      await expect(guard.canActivate(contextOf('graphql', { req: { ...req }, res }))).rejects.toBeInstanceOf(DPoPException)
      expect(setHeader).toHaveBeenCalledExactlyOnceWith(res, 'WWW-Authenticate', expect.stringContaining('invalid_dpop_proof'))
    })

    function makeGuard(Guard: typeof DPoPGuard, setHeader: (...args: unknown[]) => void): DPoPGuard {
      const host = { httpAdapter: { getHeader() {}, setHeader } } as never as HttpAdapterHost
      return new Guard(createVerifier(bench.options()), new Reflector(), host)
    }

    function contextOf(type: string, third: object): ExecutionContext {
      const request = { method: 'GET', originalUrl: '/', rawHeaders: [], headers: {} }
      return {
        getType: () => type,
        getHandler: () => contextOf,
        getClass: () => Bench,
        getArgByIndex: () => third,
        switchToHttp: () => ({ getRequest: () => request, getResponse: () => ({}) })
      } as never
    }

    test('an unexpected error of the verifier results in 500', async () => {
      const verifier = { verifyRequest: () => Promise.reject(new RangeError('broken')), requireScopes() {} }
      const app = await run({ imports: [DPoPModule.forRoot({ verifier: verifier as never })], controllers: [NotesController] })
      expect((await bench.call(app)).status).toBe(500)
    })
  })
}
