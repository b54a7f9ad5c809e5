/** The limits that we set ourselves, and whether this run is within them. */

const warm = { ES256: 1.15, EdDSA: 1.12, PS256: 1.45, ES384: 1.05 }

/** Rows of `{ what, figure, unit, atMost | atLeast, verdict }`; a figure that the run does not have is undefined. */
export function targetsOf({ inProcess, populations, openLoop, http, replay, start }) {
  const table = (alg, concurrency) =>
    inProcess?.tables.find((one) => one.alg === alg && one.concurrency === concurrency)?.rows ?? []
  const row = (rows, name) => rows?.find((one) => one.name === name)
  const ratio = (rows, name) => row(rows, name)?.ratio.median
  const ours = (alg, name = 'dpop-guard') => ratio(table(alg, 1), name)
  const timesLess = (name, concurrency) => {
    const rows = table('ES256', concurrency)
    return row(rows, name)?.cpu.median / row(rows, 'dpop-guard')?.cpu.median
  }
  const overHttp = (framework, name = 'dpop-guard') => ratio(http?.closed.find((one) => one.framework === framework)?.rows, name)
  const inline = "dpop-guard, signatureThreads 'inline'"
  const at11000 = row(openLoop?.results.find(({ rate }) => rate === 11_000)?.rows, 'dpop-guard')
  const atShare = row(openLoop?.results.find(({ isShareOfRaw }) => isShareOfRaw)?.rows, 'dpop-guard')
  const atShareOverHttp = row(http?.open.results.find(({ isShareOfRaw }) => isShareOfRaw)?.rows, 'dpop-guard')
  const express = start?.imports.find(({ entry }) => entry === 'dpop-guard/express')
  const memory = replay?.stores.memory
  const ofMany = (count) =>
    populations?.rows.find(({ clients, capacity }) => clients === count && capacity === 'raised')?.ours.ratio.median

  return [
    atMost('CPU, warm ES256, 1 client', ours('ES256', 'dpop-guard, 1 client'), warm.ES256, '× raw'),
    atMost('CPU, warm ES256, 100 clients', ours('ES256'), warm.ES256, '× raw'),
    atMost('CPU, warm ES256, 10 000 clients', ours('ES256', 'dpop-guard, 10 000 clients'), warm.ES256, '× raw'),
    atMost('CPU, warm ES256, 20 000 clients, random order, cache.maxClients raised', ofMany(20_000), 1.2, '× raw'),
    atMost('CPU, warm ES256, 50 000 clients, random order, cache.maxClients raised', ofMany(50_000), 1.2, '× raw'),
    atMost(
      'CPU for other clients, after one sent 12 000 different headers',
      populations?.attack.after.ratio.median,
      1.1,
      '× before'
    ),
    atMost('CPU, warm EdDSA', ours('EdDSA'), warm.EdDSA, '× raw'),
    atMost('CPU, warm PS256', ours('PS256'), warm.PS256, '× raw'),
    atMost('CPU, warm ES384', ours('ES384'), warm.ES384, '× raw'),
    atMost("CPU, warm ES384, signatureThreads 'inline'", ours('ES384', inline), warm.ES384, '× raw'),
    atMost('CPU, cold', ratio(inProcess?.cold.rows, 'dpop-guard, cold'), 1.3, '× two raw + createPublicKey'),
    atMost(
      'CPU, refusing a proof by a foreign key',
      ours('ES256', 'dpop-guard, refusing a proof by a foreign key'),
      0.4,
      '× raw'
    ),
    atLeast('CPU against express-oauth2-jwt-bearer, one at a time', timesLess('express-oauth2-jwt-bearer', 1), 4.5, '× less'),
    atLeast('CPU against express-oauth2-jwt-bearer, 16 in flight', timesLess('express-oauth2-jwt-bearer', 16), 3.2, '× less'),
    atLeast('CPU against jose with the same caches', timesLess('jose with the same caches', 1), 1.8, '× less'),
    atMost('Server CPU, Fastify', overHttp('fastify'), 1.12, '× the server with raw'),
    atMost("Server CPU, Fastify, signatureThreads 'inline'", overHttp('fastify', inline), 1.12, '× the server with raw'),
    atMost('Server CPU, Koa', overHttp('koa'), 1.12, '× the server with raw'),
    atMost("Server CPU, Koa, signatureThreads 'inline'", overHttp('koa', inline), 1.12, '× the server with raw'),
    atMost('p99, open loop at 11 000 a second', at11000?.p99, 15, 'ms'),
    atMost('Dropped, open loop at 11 000 a second', at11000?.dropped, 0, 'requests'),
    atMost('p99, open loop at 85 % of what raw sustains', atShare?.p99, 15, 'ms'),
    atMost('Dropped, open loop at 85 % of what raw sustains', atShare?.dropped, 0, 'requests'),
    atMost('p99 over HTTP, at 85 % of what raw sustains there', atShareOverHttp?.p99, 15, 'ms'),
    atMost('Dropped over HTTP, at 85 % of what raw sustains there', atShareOverHttp?.dropped, 0, 'requests'),
    atMost('Memory store at 1 000 000 live', memory?.churn.bytesPerLiveEntry, 32, 'bytes per entry'),
    atMost('Memory store, worst insert', memory?.growth.worstMilliseconds, 3, 'ms'),
    atMost('Memory store, mean insert', memory?.growth.meanMicroseconds, 1.5, 'µs'),
    atMost('Import of dpop-guard/express', express?.importMs.median, 60, 'ms'),
    atMost('Heap of dpop-guard/express', express?.heapMb.median, 6, 'MB')
  ]
}

function atMost(what, figure, limit, unit) {
  return { what, figure, unit, atMost: limit, verdict: verdictOf(figure, figure <= limit) }
}

function atLeast(what, figure, limit, unit) {
  return { what, figure, unit, atLeast: limit, verdict: verdictOf(figure, figure >= limit) }
}

function verdictOf(figure, isReached) {
  if (figure === undefined || Number.isNaN(figure)) return 'not measured'
  return isReached ? 'reached' : 'not reached'
}
