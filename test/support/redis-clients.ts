/** The clients that redisReplayStore supports, each configured as in docs/operations.md: commands fail immediately during an outage. */

import { GlideClient, GlideClusterClient, Logger } from '@valkey/valkey-glide'
import type { RedisReplayStoreOptions } from 'dpop-guard'
import { Redis } from 'ioredis'
import { Redis as Valkey } from 'iovalkey'
import { createClient, createCluster, createSentinel } from 'redis'

/** A connection to one server or a cluster. */
export interface Connection {
  readonly sendCommand: RedisReplayStoreOptions['sendCommand']
  close(): unknown
}

const RECONNECT_MS = 50
const reconnect = () => RECONNECT_MS

/** Options of ioredis and its fork iovalkey: no offline queue, no command is sent twice, and concurrent commands are sent together. */
const failAtOnce = {
  enableAutoPipelining: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: reconnect
}

async function connectNodeRedis(port: number): Promise<Connection> {
  const socket = { host: '127.0.0.1', port, reconnectStrategy: RECONNECT_MS }
  const client = createClient({ socket, disableOfflineQueue: true })
  client.on('error', () => {})
  await client.connect()
  return { sendCommand: (...args) => client.sendCommand(args), close: () => client.destroy() }
}

async function connectIoRedis(port: number, options: { enableAutoPipelining?: boolean } = {}): Promise<Connection> {
  const client = new Redis({ host: '127.0.0.1', port, ...failAtOnce, ...options })
  client.on('error', () => {})
  await new Promise((resolve) => client.once('ready', resolve))
  return { sendCommand: (name, ...args) => client.call(name, ...args), close: () => client.disconnect() }
}

async function connectIoValkey(port: number, options: { enableAutoPipelining?: boolean } = {}): Promise<Connection> {
  const client = new Valkey({ host: '127.0.0.1', port, ...failAtOnce, ...options })
  client.on('error', () => {})
  await new Promise((resolve) => client.once('ready', resolve))
  return { sendCommand: (name, ...args) => client.call(name, ...args), close: () => client.disconnect() }
}

// It would log every outage of a test.
Logger.setLoggerConfig('off')

async function connectGlide(port: number): Promise<Connection> {
  const client = await GlideClient.createClient({ addresses: [{ host: '127.0.0.1', port }], requestTimeout: 1000 })
  return { sendCommand: (...args) => client.customCommand(args), close: () => client.close() }
}

/** By name: a connection to one server. */
export const clients: Readonly<Record<string, (port: number) => Promise<Connection>>> = {
  'node-redis': connectNodeRedis,
  ioredis: (port) => connectIoRedis(port),
  'ioredis without enableAutoPipelining': (port) => connectIoRedis(port, { enableAutoPipelining: false }),
  iovalkey: (port) => connectIoValkey(port),
  'iovalkey without enableAutoPipelining': (port) => connectIoValkey(port, { enableAutoPipelining: false }),
  'valkey-glide': connectGlide
}

async function connectNodeRedisCluster(ports: readonly number[]): Promise<Connection> {
  const rootNodes = ports.map((port) => ({ socket: { host: '127.0.0.1', port } }))
  const cluster = createCluster({
    rootNodes,
    defaults: { disableOfflineQueue: true, socket: { reconnectStrategy: RECONNECT_MS } }
  })
  cluster.on('error', () => {})
  await cluster.connect()
  return { sendCommand: (...args) => cluster.sendCommand(args[1], false, args), close: () => cluster.destroy() }
}

async function connectIoRedisCluster(ports: readonly number[]): Promise<Connection> {
  const cluster = new Redis.Cluster(
    ports.map((port) => ({ host: '127.0.0.1', port })),
    { redisOptions: failAtOnce, enableOfflineQueue: false, clusterRetryStrategy: reconnect, retryDelayOnFailover: RECONNECT_MS }
  )
  cluster.on('error', () => {})
  await new Promise((resolve) => cluster.once('ready', resolve))
  return { sendCommand: (name, ...args) => cluster.call(name, ...args), close: () => cluster.disconnect() }
}

async function connectIoValkeyCluster(ports: readonly number[]): Promise<Connection> {
  const cluster = new Valkey.Cluster(
    ports.map((port) => ({ host: '127.0.0.1', port })),
    { redisOptions: failAtOnce, enableOfflineQueue: false, clusterRetryStrategy: reconnect, retryDelayOnFailover: RECONNECT_MS }
  )
  cluster.on('error', () => {})
  await new Promise((resolve) => cluster.once('ready', resolve))
  return { sendCommand: (name, ...args) => cluster.call(name, ...args), close: () => cluster.disconnect() }
}

async function connectGlideCluster(ports: readonly number[]): Promise<Connection> {
  const addresses = ports.map((port) => ({ host: '127.0.0.1', port }))
  const client = await GlideClusterClient.createClient({ addresses, requestTimeout: 1000 })
  return { sendCommand: (...args) => client.customCommand(args), close: () => client.close() }
}

/** By name: a connection to a cluster. */
export const clusterClients: Readonly<Record<string, (ports: readonly number[]) => Promise<Connection>>> = {
  'node-redis': connectNodeRedisCluster,
  ioredis: connectIoRedisCluster,
  iovalkey: connectIoValkeyCluster,
  'valkey-glide': connectGlideCluster
}

async function connectNodeRedisSentinel(port: number): Promise<Connection> {
  const sentinel = createSentinel({
    name: 'notes',
    sentinelRootNodes: [{ host: '127.0.0.1', port }],
    nodeClientOptions: { disableOfflineQueue: true, socket: { reconnectStrategy: RECONNECT_MS } },
    scanInterval: 200
  })
  sentinel.on('error', () => {})
  await sentinel.connect()
  return { sendCommand: (...args) => sentinel.sendCommand(false, args), close: () => sentinel.destroy() }
}

async function connectIoRedisSentinel(port: number): Promise<Connection> {
  const sentinels = [{ host: '127.0.0.1', port }]
  const client = new Redis({ sentinels, name: 'notes', sentinelRetryStrategy: reconnect, ...failAtOnce })
  client.on('error', () => {})
  await new Promise((resolve) => client.once('ready', resolve))
  return { sendCommand: (name, ...args) => client.call(name, ...args), close: () => client.disconnect() }
}

async function connectIoValkeySentinel(port: number): Promise<Connection> {
  const sentinels = [{ host: '127.0.0.1', port }]
  const client = new Valkey({ sentinels, name: 'notes', sentinelRetryStrategy: reconnect, ...failAtOnce })
  client.on('error', () => {})
  await new Promise((resolve) => client.once('ready', resolve))
  return { sendCommand: (name, ...args) => client.call(name, ...args), close: () => client.disconnect() }
}

/** By name: a connection to the master that a Sentinel monitors as `notes`. valkey-glide does not support Sentinel. */
export const sentinelClients: Readonly<Record<string, (sentinelPort: number) => Promise<Connection>>> = {
  'node-redis': connectNodeRedisSentinel,
  ioredis: connectIoRedisSentinel,
  iovalkey: connectIoValkeySentinel
}
