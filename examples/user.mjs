/** The user with a browser: keeps cookies, follows redirects, fills forms in. @module */

const MAX_REDIRECTS = 10

/** @param {typeof globalThis.fetch} fetch */
export function createUser(fetch) {
  const jar = createCookieJar()

  async function open(url, init = {}, redirects = 0) {
    if (redirects > MAX_REDIRECTS) throw new Error('The browser was redirected in circles')
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { Cookie: jar.cookiesFor(url) } })
    jar.keep(url, response)
    const location = response.headers.get('location')
    if (location !== null) return await open(new URL(location, url), {}, redirects + 1)
    return { url: new URL(url), status: response.status, text: await response.text() }
  }

  return {
    open,
    /** Fills the form of a page in and sends it. */
    submit(page, fields) {
      if (!page.text.includes('<form method="post">'))
        throw new Error(`A form was expected, and came ${page.status} ${page.text}`)
      return open(page.url, { method: 'POST', body: new URLSearchParams(fields) })
    }
  }
}

function createCookieJar() {
  const cookies = new Map()
  return {
    keep(url, response) {
      for (const line of response.headers.getSetCookie()) {
        const [pair, ...attributes] = line.split(/;\s*/)
        const [name, value] = pair.split(/=(.*)/)
        const get = (wanted) => attributes.find((text) => text.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1)
        const path = get('path') ?? '/'
        const key = [new URL(url).hostname, path, name].join(' ')
        if (Date.parse(get('expires') ?? '') < Date.now()) cookies.delete(key)
        else cookies.set(key, { host: new URL(url).hostname, path, pair: `${name}=${value}` })
      }
    },
    cookiesFor(url) {
      const { hostname, pathname } = new URL(url)
      const matches = [...cookies.values()].filter(({ host, path }) => host === hostname && pathname.startsWith(path))
      return matches.map(({ pair }) => pair).join('; ')
    }
  }
}
