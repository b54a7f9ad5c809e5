import { vi } from 'vitest'
import { describeNest } from './nestjs-apps.js'

// The app, the adapter and the platforms all use this version.
vi.mock('@nestjs/common', () => import('../compat/nest11/node_modules/@nestjs/common/index.js'))
vi.mock('@nestjs/core', () => import('../compat/nest11/node_modules/@nestjs/core/index.js'))
vi.mock('@nestjs/platform-express', () => import('../compat/nest11/node_modules/@nestjs/platform-express/index.js'))
vi.mock('@nestjs/platform-fastify', () => import('../compat/nest11/node_modules/@nestjs/platform-fastify/index.js'))

describeNest(11)
