/** `npm start`: serves the notes API with INSTANCES (2) processes on PORT (3000) and the Redis of REDIS_URL. */

import cluster from 'node:cluster'
import { optionsFromEnv } from 'dpop-guard'
import { createApp } from './app.js'

const instances = Number(process.env.INSTANCES ?? 2)

if (cluster.isPrimary) {
  for (let index = 0; index < instances; index++) cluster.fork()
  cluster.on('exit', () => process.exit(1)) // a supervisor, such as systemd or Kubernetes, starts it again
} else {
  const redisUrl = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379'
  const { app } = await createApp({ ...optionsFromEnv(), instances, redisUrl })
  app.listen(Number(process.env.PORT ?? 3000))
}
