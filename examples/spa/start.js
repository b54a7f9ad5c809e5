/** `npm start`: starts all servers and prints the URL of the page. PORT (8080) is the port of the page. */

import { startServers } from './servers/start.js'

const { pageUrl } = await startServers({ pagePort: Number(process.env.PORT ?? 8080) })
console.log(`Open ${pageUrl} and sign in with any name and password.`)
