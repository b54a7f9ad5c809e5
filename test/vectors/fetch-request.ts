/** Vectors as Fetch requests. @module */

import type { Line, WireRequest } from './recipe.js'

/** A Fetch `Request`; undefined if that of the platform would change the request. Its URL consists of Host and target. */
export function toFetchRequest({ method, target, lines }: WireRequest): Request | undefined {
  const hosts = lines.filter((line) => !notHost(line)).map(([, value]) => value)
  const url = `https://${hosts[0]}${target}`
  if (hosts.length !== 1 || !target.startsWith('/') || !URL.canParse(url) || new URL(url).host !== hosts[0]) return undefined
  try {
    const request = new Request(url, {
      method,
      headers: lines.filter(notHost).map(([name, value]): [string, string] => [name, value])
    })
    return request.url === url && request.method === method ? request : undefined
  } catch {
    return undefined
  }
}

function notHost([name]: Line): boolean {
  return name.toLowerCase() !== 'host'
}
