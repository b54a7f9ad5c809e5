/** Sends the load of `scale-out.mjs`: opens connections, and sends requests in a closed loop, on messages of the parent process. */

import { closedLoop, openConnections } from './lib/load.mjs'

let connections = []

process.on('message', async ({ port, connections: count, texts }) => {
  if (texts !== undefined) return process.send(await closedLoop(connections, texts))
  for (const connection of connections) connection.close()
  connections = port === undefined ? [] : await openConnections(port, count)
  process.send({})
})
process.on('disconnect', () => process.exit())
process.send({})
