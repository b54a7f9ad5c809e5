/** Draws bar charts of the results as SVG. Alone it draws those of results.json again: `node benchmarks/chart.mjs`. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { barChart } from './lib/bar-chart.mjs'

const home = new URL('./charts/', import.meta.url)

/** Writes a chart for each part that was measured. */
export function drawCharts({ machine, inProcess, populations, openLoop, http }) {
  mkdirSync(home, { recursive: true })
  const source = `Node.js ${machine.node}, ${machine.cores} × ${machine.cpu}, ${machine.date}, commit ${machine.commit}`
  if (inProcess) {
    draw('in-process', { source, ...inProcessChart(inProcess) })
    draw('algorithms', { source, ...algorithmChart(inProcess) })
  }
  if (populations) draw('clients', { source, ...clientsChart(populations) })
  if (http) draw('http', { source, ...httpChart(http) })
  if (openLoop) draw('latency', { source, ...latencyChart(openLoop) })
}

function draw(name, chart) {
  writeFileSync(new URL(`${name}.svg`, home), barChart(chart))
}

function inProcessChart({ tables, clients }) {
  const { rows } = tables.find(({ alg, concurrency }) => alg === 'ES256' && concurrency === 1)
  const bars = rows
    .filter(({ name }) => !name.includes('refusing') && !name.includes(', 1 client') && !name.startsWith('the least'))
    .map(({ name, cpu, ratio }) => bar(nameOf(name, clients), cpu.median, `${times(ratio.median)} the signature`))
    .sort((a, b) => a.value - b.value)
  return {
    title: 'CPU for one verified request',
    subtitle: 'ES256 proof, known client, one at a time. Microseconds, less is better',
    unit: 'µs',
    groups: [{ bars }]
  }
}

function clientsChart({ rows, raised, attack }) {
  const grouped = spaced(raised)
  const named = ({ capacity }) => (capacity === 'raised' ? `dpop-guard, maxClients ${grouped}` : 'dpop-guard, default capacity')
  const counts = [...new Set(rows.map(({ clients }) => clients))]
  const groups = counts.map((count) => {
    const some = rows.filter(({ clients }) => clients === count)
    const ours = some.map((row) => bar(named(row), row.ours.cpu.median, `${times(row.ours.ratio.median)} the signature`))
    return { title: `${spaced(count)} clients`, bars: [bar('the bare signature', some[0].raw.cpu.median, ''), ...ours] }
  })
  const { victims, variants, before, after } = attack
  const title = `${spaced(victims)} clients, before and after another one sent ${spaced(variants)} different headers`
  const attacked = [
    bar('dpop-guard, before', before.cpu.median, ''),
    bar('dpop-guard, after', after.cpu.median, `${times(after.ratio.median)} as before`)
  ]
  return {
    title: 'CPU for one verified request, by number of clients',
    subtitle: 'ES256 proof, known clients in random order. Microseconds, less is better',
    unit: 'µs',
    groups: [...groups, { title, bars: attacked }]
  }
}

function spaced(count) {
  return count.toLocaleString('en').replaceAll(',', ' ')
}

function nameOf(name, clients) {
  if (name === 'raw') return 'the bare signature'
  return name === 'dpop-guard' ? `dpop-guard, ${clients} clients` : name
}

function algorithmChart({ tables }) {
  const shown = ['raw', 'dpop-guard', 'jose with the same caches', 'express-oauth2-jwt-bearer']
  const groups = tables
    .filter(({ concurrency }) => concurrency === 1)
    .map(({ alg, rows }) => ({
      title: alg,
      bars: rows
        .filter(({ name }) => shown.includes(name))
        .map(({ name, cpu, ratio }) => bar(name === 'raw' ? 'the bare signature' : name, cpu.median, times(ratio.median)))
    }))
  return {
    title: 'CPU for one verified request, by algorithm of the proof',
    subtitle: 'Known clients, one at a time. Microseconds, less is better; each algorithm has a scale of its own',
    unit: 'µs',
    groups,
    isScaledByGroup: true
  }
}

function httpChart({ closed, connections }) {
  const groups = closed.map(({ title, rows }) => ({
    title,
    bars: rows.map(({ name, cpu, ratio }) =>
      bar(guardName(name), cpu.median, name === 'dpop-guard' ? `${times(ratio.median)} the server with a bare signature` : '')
    )
  }))
  return {
    title: 'Server CPU for one HTTP request',
    subtitle: `${connections} connections. Microseconds, less is better`,
    unit: 'µs',
    groups
  }
}

function latencyChart({ results, workMicroseconds }) {
  const groups = results.map(({ rate, rows }) => ({
    title: `${spaced(rate)} requests a second`,
    bars: rows.map(({ name, p99, dropped }) => bar(guardName(name), p99, dropped > 0 ? `${dropped} not answered` : ''))
  }))
  return {
    title: 'How long the slowest 1 % wait',
    subtitle: `One process with ${workMicroseconds} µs of work of its own, constant arrival rate. p99 in ms; each rate has a scale of its own`,
    unit: 'ms',
    groups,
    isScaledByGroup: true
  }
}

function guardName(name) {
  return { bare: 'no guard', 'raw verify': 'the bare signature' }[name] ?? name.replace("signatureThreads 'inline'", 'all inline')
}

function bar(label, value, note) {
  return {
    label,
    value,
    note,
    isOurs: label.startsWith('dpop-guard'),
    isLimit: label === 'the bare signature' || label === 'no guard'
  }
}

function times(ratio) {
  return `${ratio.toFixed(ratio < 10 ? 2 : 1)} ×`
}

if (argv[1] === fileURLToPath(import.meta.url))
  drawCharts(JSON.parse(readFileSync(new URL('results.json', import.meta.url), 'utf8')))
