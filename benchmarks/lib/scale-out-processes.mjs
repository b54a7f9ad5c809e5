/** The processes of `scale-out.mjs`: a cluster of servers, and loaders. */

import { fork } from 'node:child_process'
import { once } from 'node:events'

/** Starts a cluster; `settings` are described in `cluster-server.mjs`. */
export async function startCluster(settings) {
  const { ask, started, stop } = startProcess('cluster-server.mjs', settings)
  const { port } = await started
  return {
    port,
    /** Resets what is counted. */
    begin: () => ask('begin'),
    /** CPU in microseconds since `begin`, of all workers and of the primary process. */
    end: () => ask('end'),
    stop
  }
}

/** Starts a process that sends requests. */
export async function startLoader() {
  const { ask, started, stop } = startProcess('loader.mjs')
  await started
  return {
    open: (port, connections) => ask({ port, connections }),
    /** Sends these requests in a closed loop; resolves to its `Tally` result. */
    run: (texts) => ask({ texts }),
    close: () => ask({ isClosing: true }),
    stop
  }
}

function startProcess(file, settings = {}) {
  const child = fork(new URL(`../${file}`, import.meta.url), [JSON.stringify(settings)], { serialization: 'advanced' })
  const kill = () => void child.kill()
  process.once('exit', kill)
  const exited = once(child, 'exit')
  const failed = exited.then(([code]) => {
    process.off('exit', kill)
    throw new Error(`${file} ended with code ${code}`)
  })
  failed.catch(() => {})
  const next = async () => (await Promise.race([once(child, 'message'), failed]))[0]
  return {
    started: next(),
    ask(question) {
      child.send(question)
      return next()
    },
    async stop() {
      kill()
      await exited
    }
  }
}
