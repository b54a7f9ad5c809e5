/** The clients of Redis and Valkey, each as the documentation of the store has it. By name: a connection to one server. */

import { once } from 'node:events'
import { GlideClient, Logger } from '@valkey/valkey-glide'
import { Redis } from 'ioredis'
import { Redis as Valkey } from 'iovalkey'
import { createClient } from 'redis'

Logger.setLoggerConfig('off')

export const redisClients = {
  async 'node-redis'(port) {
    const client = await createClient({ socket: { host: '127.0.0.1', port }, disableOfflineQueue: true }).connect()
    return { sendCommand: (...args) => client.sendCommand(args), close: () => client.destroy() }
  },
  ioredis: (port) => connectIoRedis(Redis, port),
  'ioredis, enableAutoPipelining': (port) => connectIoRedis(Redis, port, { enableAutoPipelining: true }),
  iovalkey: (port) => connectIoRedis(Valkey, port),
  async 'valkey-glide'(port) {
    const client = await GlideClient.createClient({ addresses: [{ host: '127.0.0.1', port }], requestTimeout: 10_000 })
    return { sendCommand: (...args) => client.customCommand(args), close: () => client.close() }
  }
}

async function connectIoRedis(Client, port, options = {}) {
  const client = new Client({ host: '127.0.0.1', port, enableOfflineQueue: false, maxRetriesPerRequest: 0, ...options })
  await once(client, 'ready')
  return { sendCommand: (name, ...args) => client.call(name, ...args), close: () => client.disconnect() }
}
