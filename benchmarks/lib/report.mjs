/** The results as Markdown. */

/** One document for one run. */
export function toMarkdown(results) {
  const { machine, inProcess, populations, openLoop, http, replay, redis, scaleOut, start, targets } = results
  return [
    '# Benchmark results',
    `${machine.date}, commit ${machine.commit}, Node.js ${machine.node} (OpenSSL ${machine.openssl}), ${machine.cores} × ${machine.cpu}, ${machine.os}.`,
    'Medians. Ratios hold from machine to machine, times do not. `README.md` says what each figure means; the JSON file beside has all of them. Everything here comes from one `npm run bench`; the command above each table runs that part alone.',
    section('Targets', 'npm run bench', targetTable(targets)),
    ...(inProcess ? inProcessSections(inProcess, results.versions) : []),
    ...(populations ? [populationSection(populations)] : []),
    ...(openLoop ? [openLoopSection(openLoop)] : []),
    ...(http ? httpSections(http) : []),
    ...(replay ? [section('Replay memory', 'node --expose-gc benchmarks/replay.mjs', replayTable(replay))] : []),
    ...(redis ? [section('Replay memory in Redis', 'node benchmarks/redis.mjs', redisTable(redis))] : []),
    ...(scaleOut ? [section('Scaling out', 'node benchmarks/scale-out.mjs', scaleOutTables(scaleOut))] : []),
    ...(start ? startSections(start) : [])
  ]
    .join('\n\n')
    .concat('\n')
}

function targetTable(targets) {
  const rows = targets.map(({ what, figure, unit, atMost, atLeast, verdict }) => [
    what,
    verdict === 'not measured' ? '' : number(figure),
    `${atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`} ${unit}`,
    verdict === 'not reached' ? '**not reached**' : verdict
  ])
  return table(['', 'figure', 'limit', ''], rows)
}

function inProcessSections({ ecdsaForm, clients, tables, cold }, versions) {
  const command = 'node --expose-gc benchmarks/in-process.mjs'
  const raw = `Raw is \`crypto.verify\` of the proof alone; for ECDSA the signature is handed over as ${ecdsaForm === 'der' ? 'DER, with a bare key,' : 'IEEE P1363, in an options object,'} which costs least on this Node.js.`
  return [
    section(
      'Versions',
      'npm ls --prefix benchmarks/peers',
      table(
        ['package', 'version', 'detects replays'],
        versions.map((one) => [one.name, one.version, one.detectsReplays ? 'yes' : 'no'])
      )
    ),
    ...tables.map(({ alg, concurrency, rounds, batch, rows, refused }) =>
      section(
        `${alg}, ${concurrency === 1 ? 'one at a time' : `${concurrency} in flight`}`,
        command,
        [
          `RS256 tokens, ${clients} clients unless said, ${rounds} rounds of ${batch} requests. ${raw}`,
          costTable(rows),
          ...refused.map(({ name, reason }) => `${name} did not accept these proofs: “${reason}”.`)
        ].join('\n\n')
      )
    ),
    section(
      'Cold: every request with a new token and a new key',
      command,
      `RS256 token, ES256 proof, ${cold.rounds} rounds of ${cold.batch} requests.\n\n${costTable(cold.rows)}`
    )
  ]
}

function populationSection({ rounds, batch, raised, rows, attack }) {
  const { victims, variants, before, after } = attack
  const capacityOf = ({ capacity }) => (capacity === 'raised' ? `${raised}` : '10000, the default')
  const cells = ({ raw, ours, ...row }) => [
    `${row.clients} clients`,
    capacityOf(row),
    number(raw.cpu.median),
    number(ours.cpu.median),
    number(ours.ratio.median),
    range(ours.ratio)
  ]
  return section(
    'Many clients',
    'node --expose-gc benchmarks/populations.mjs',
    [
      `ES256 proofs and tokens, random order of the clients, one at a time, ${rounds} rounds of ${batch} requests. Each client has sent one request before.`,
      table(['', '`cache.maxClients`', 'raw CPU µs', 'CPU µs', '× raw', 'quartiles'], rows.map(cells)),
      `After another client sent ${variants} valid proofs, each with a different header: ${victims} clients, one request each, default capacity.`,
      table(
        ['', 'CPU µs', '× before', 'quartiles'],
        [
          ['before', number(before.cpu.median), '', ''],
          ['after', number(after.cpu.median), number(after.ratio.median), range(after.ratio)]
        ]
      )
    ].join('\n\n')
  )
}

function costTable(rows) {
  return table(
    ['', 'CPU µs', 'quartiles', 'wall µs', '× raw', 'quartiles'],
    rows.map(({ name, cpu, wall, ratio }) => [
      name,
      number(cpu.median),
      range(cpu),
      number(wall.median),
      number(ratio.median),
      range(ratio)
    ])
  )
}

function httpSections({ connections, clients, closed, burst, open }) {
  const command = 'node --expose-gc benchmarks/http.mjs'
  const load = ['requests/s', 'p50 ms', 'p99 ms', 'loop delay p99 ms', 'max']
  const loadCells = (row) => [
    Math.round(row.requestsPerSecond),
    number(row.p50),
    number(row.p99),
    number(row.delayP99),
    number(row.delayMax)
  ]
  return [
    section(
      `HTTP, ${connections} connections`,
      command,
      closed
        .map(({ title, rows }) => {
          const cells = rows.map((row) => [
            row.name,
            number(row.cpu.median),
            range(row.cpu),
            number(row.ratio.median),
            ...loadCells(row)
          ])
          return table([title, 'server CPU µs', 'quartiles', '× raw verify', ...load], cells)
        })
        .join('\n\n')
        .replace(/^/, `ES256 proofs, RS256 tokens, ${clients} clients; closed loop, load from a second process.\n\n`)
    ),
    section(
      `HTTP, ${burst.bursts} bursts of ${burst.size}`,
      command,
      `node:http; all requests of a burst at once, each on a connection of its own, then ${burst.pauseMs} ms of rest.\n\n${table(
        ['', 'server CPU µs', 'p50 ms', 'p99 ms', 'whole burst ms', 'loop delay p99 ms', 'max'],
        burst.rows.map((row) => [
          row.name,
          number(row.cpu),
          number(row.p50),
          number(row.p99),
          number(row.wholeBurstMs),
          number(row.delayP99),
          number(row.delayMax)
        ])
      )}`
    ),
    section(
      'HTTP, constant arrival rate',
      command,
      `node:http, one process, ${open.workMicroseconds} µs of work of its own for each request; the load takes the second core. Latency counts from the instant at which a request was to be sent. With raw verify it sustains ${Math.round(open.sustainedByRaw)} requests a second in a closed loop.\n\n${rateTables(open)}`
    )
  ]
}

function openLoopSection(open) {
  return section(
    'Constant arrival rate, in process',
    'node --expose-gc benchmarks/open-loop.mjs',
    `ES256 proofs, RS256 tokens, ${open.clients} clients; each request comes in a callback of its own, and ${open.workMicroseconds} µs of work follow its verification. Nothing goes over a socket. Latency counts from the instant at which a request was due. With raw verify it sustains ${Math.round(open.sustainedByRaw)} requests a second, one after the other.\n\n${rateTables(open)}`
  )
}

function rateTables({ results, shareOfRaw }) {
  return results
    .map(({ rate, isShareOfRaw, rows }) => {
      const title = `${rate} a second${isShareOfRaw ? ` (${shareOfRaw * 100} % of that)` : ''}`
      return table(
        [title, 'responses/s', 'p50 ms', 'p99 ms', 'max ms', 'dropped'],
        rows.map((row) => [
          row.name,
          Math.round(row.requestsPerSecond),
          number(row.p50),
          number(row.p99),
          number(row.max),
          row.dropped
        ])
      )
    })
    .join('\n\n')
}

function replayTable({ live, stores }) {
  const { growth, churn } = stores.memory
  return table(
    ['memory store', `growing to ${live}`, `steady churn at ${live}`],
    [
      ['mean insert, CPU µs', number(growth.meanMicroseconds), number(churn.meanMicroseconds)],
      [
        'worst insert, ms, less what other processes had of the core',
        number(growth.worstMilliseconds),
        number(churn.worstMilliseconds)
      ],
      ['worst insert, ms, by the clock', number(growth.worstWallMilliseconds), number(churn.worstWallMilliseconds)],
      ['inserts a second of CPU', Math.round(1e6 / growth.meanMicroseconds), Math.round(1e6 / churn.meanMicroseconds)],
      ['bytes per live entry', '', number(churn.bytesPerLiveEntry)]
    ]
  )
}

function redisTable({ version, rounds, rows, bytesPerEntry }) {
  return [
    `Redis ${version} on loopback, ${rounds} rounds, one client process; ${number(bytesPerEntry)} bytes of the server for each entry.`,
    table(
      ['client', 'in flight', 'entries a second', 'p50 ms', 'p99 ms', "client's CPU µs"],
      rows.map(({ name, inFlight, perSecond, p50, p99, cpu }) => [
        name,
        inFlight,
        Math.round(perSecond),
        number(p50),
        number(p99),
        number(cpu)
      ])
    )
  ].join('\n\n')
}

function scaleOutTables({ clients, connections, rounds, requests, loaders, rows }) {
  const named = ({ workers, client }) =>
    `${workers === 1 ? '1 process' : `${workers} processes`}, ${client === undefined ? 'no guard' : `dpop-guard, ${client}`}`
  return [
    `node:http in workers of node:cluster, signatureThreads 'inline'; ES256 proofs, RS256 tokens, ${clients} clients, ${connections} connections, ${rounds} rounds of ${requests} requests. ${loaders} loader(s), the workers and Redis share the cores. CPU is for each request.`,
    table(
      [
        'accepted requests',
        'requests/s',
        'p50 ms',
        'p99 ms',
        'CPU of the workers µs',
        'of Redis µs',
        'commands per request',
        'commands per read'
      ],
      rows.map((row) => [
        named(row),
        Math.round(row.requestsPerSecond),
        number(row.p50),
        number(row.p99),
        number(row.serverCpu),
        number(row.redisCpu),
        number(row.commandsPerRequest),
        number(row.commandsPerRead)
      ])
    ),
    table(
      ['replays of these requests', 'requests/s', 'CPU of the workers µs', 'commands per request'],
      rows
        .filter(({ replays }) => replays)
        .flatMap((row) =>
          row.replays.map(({ requestsPerSecond, serverCpu, commandsPerRequest }, time) => [
            `${named(row)}, ${['first', 'second'][time]} time`,
            Math.round(requestsPerSecond),
            number(serverCpu),
            number(commandsPerRequest)
          ])
        )
    )
  ].join('\n\n')
}

function startSections({ runs, imports, first, tarball }) {
  const command = 'node benchmarks/start.mjs'
  return [
    section(
      'Start',
      command,
      [
        `A fresh process for each of ${runs} runs.`,
        table(
          ['import', 'ms', 'heap MB'],
          imports.map(({ entry, importMs, heapMb }) => [`\`${entry}\``, number(importMs.median), number(heapMb.median)])
        ),
        `The first request, with the making of the verifier: ${number(first.firstRequestMs.median)} ms. The package: ${Math.round(tarball.size / 1024)} KB packed, ${Math.round(tarball.unpackedSize / 1024)} KB unpacked, ${tarball.entryCount} files.`
      ].join('\n\n')
    )
  ]
}

function section(title, command, text) {
  return `## ${title}\n\n\`${command}\`\n\n${text}`
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

function range({ q1, q3 }) {
  return `${number(q1)}–${number(q3)}`
}

/** Three digits that say something. */
function number(value) {
  if (value === 0) return '0'
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  return value.toFixed(Math.min(digits, 2))
}
