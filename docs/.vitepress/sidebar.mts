/** The pages of the site in their order. */

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface Page {
  text: string
  /** The path of the page below docs/, without `.md`. */
  link: string
}

interface Section {
  text: string
  items: Page[]
}

const page = (text: string, link: string): Page => ({ text, link: `/${link}` })

/** The pages that `typedoc` generated before the build: one for each entry point, whose name is its title. */
function apiPages(): Page[] {
  const folder = fileURLToPath(new URL('../api/', import.meta.url))
  const titleOf = (name: string) => /^# (.+)$/m.exec(readFileSync(`${folder}${name}`, 'utf8'))?.[1] as string
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith('.md') && name !== 'index.md')
    .map((name) => page(titleOf(name), `api/${name.slice(0, -'.md'.length)}`))
    .sort((a, b) => (a.text < b.text ? -1 : 1))
}

/** The pages that are written by hand, by section. */
export const sections: Section[] = [
  {
    text: 'Start',
    items: [
      page('Introduction', ''),
      page('Quick start', 'quick-start/'),
      page('Express', 'quick-start/express'),
      page('Fastify', 'quick-start/fastify'),
      page('Koa', 'quick-start/koa'),
      page('NestJS', 'quick-start/nestjs'),
      page('Hono', 'quick-start/hono'),
      page('Fetch handlers', 'quick-start/fetch')
    ]
  },
  {
    text: 'Understand',
    items: [
      page('Concepts', 'concepts'),
      page('What is checked', 'checks'),
      page('Threat model', 'threat-model'),
      page('Conformance', 'conformance'),
      page('Comparison', 'comparison')
    ]
  },
  {
    text: 'Configure',
    items: [
      page('Options', 'options'),
      page('Identity providers', 'identity-providers'),
      page('Frameworks', 'frameworks'),
      page('Behind a proxy', 'proxy'),
      page('Authorization', 'authorization'),
      page('Responses', 'responses'),
      page('Resource metadata', 'resource-metadata'),
      page('Several instances', 'instances'),
      page('Nonces', 'nonces'),
      page('Opaque tokens', 'opaque-tokens'),
      page('Browsers and CORS', 'browsers'),
      page('MCP servers', 'mcp'),
      page('WebSocket', 'websockets')
    ]
  },
  {
    text: 'Develop',
    items: [page('Testing your API', 'testing'), page('Debugging', 'debugging'), page('Migrating from Bearer', 'migrating')]
  },
  {
    text: 'Operate',
    items: [
      page('Operations', 'operations'),
      page('Telemetry', 'telemetry'),
      page('Performance', 'performance'),
      page('Compatibility', 'compatibility')
    ]
  }
]

/** The sections with the API reference, which must have been generated. */
export const sidebar = (): Section[] => [...sections, { text: 'API reference', items: apiPages() }]
