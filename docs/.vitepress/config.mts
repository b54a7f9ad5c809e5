/** The documentation site. `npm run docs` builds it without network access, `npm run docs:dev` serves it. */

import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import { checkSite } from './check-site.mjs'
import { linkToRepository, repository } from './repository-links.mjs'
import { sidebar } from './sidebar.mjs'
import { slugOf } from './slug.mjs'

export default defineConfig({
  lang: 'en-US',
  title: 'dpop-guard',
  // No icon: without this, browsers request /favicon.ico.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  description: 'Protects an HTTP API with sender-constrained OAuth access tokens (DPoP, RFC 9449).',
  markdown: {
    anchor: { slugify: slugOf },
    attrs: { disable: true },
    config: linkToRepository
  },
  themeConfig: {
    nav: [
      { text: 'Quick start', link: '/quick-start/' },
      { text: 'Options', link: '/api/dpop-guard#ref-verifieroptions' },
      { text: 'Debugging', link: '/debugging' },
      { text: 'Repository', link: repository }
    ],
    sidebar: sidebar(),
    outline: { level: [2, 3] },
    search: { provider: 'local' }
  },
  vite: {
    // Charts are outside of docs/.
    server: { fs: { allow: [fileURLToPath(new URL('../..', import.meta.url))] } },
    build: { chunkSizeWarningLimit: 4000 }
  },
  buildEnd: async ({ outDir, site }) => await checkSite(outDir, site.base)
})
