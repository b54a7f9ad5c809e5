/** Links from a page to a file of the repository outside of docs/: relative in Markdown, absolute on the site. */

import { posix } from 'node:path'
import type { MarkdownRenderer } from 'vitepress'

export const repository = 'https://github.com/dpop-guard/dpop-guard'

/** Replaces the links of a page to files outside of docs/ by links to the repository. */
export function linkToRepository(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('repository-links', ({ tokens, env }) => {
    for (const { children } of tokens) {
      for (const token of children ?? []) {
        const href = token.type === 'link_open' ? token.attrGet('href') : null
        if (href !== null) token.attrSet('href', toRepositoryUrl(href, env.relativePath))
      }
    }
  })
}

/** The URL of a file outside of docs/; any other link unchanged. `page` is the path of the page below docs/. */
export function toRepositoryUrl(href: string, page: string): string {
  const path = posix.join('docs', posix.dirname(page), href)
  return href.startsWith('../') && !path.startsWith('docs/') ? `${repository}/blob/main/${path}` : href
}
