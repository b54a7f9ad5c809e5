/** Renders the sections of a step or an attack. @module */

import { markLabels, markOf } from './agreement.js'
import { element } from './dom.js'
import { parse } from './exchange.js'

const INDENT = '  '

const statusTexts = {
  200: 'OK',
  201: 'Created',
  303: 'See Other',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  429: 'Too Many Requests',
  503: 'Service Unavailable'
}

const outcomes = { pass: 'passed', fail: 'failed', skipped: 'skipped' }

/**
 * @param {import('./sections.js').Section[]} sections
 * @param {3 | 4 | 5} level of the headings
 */
export function render(sections, level) {
  return sections.map((section) => renderers[section.kind](section, `h${level}`))
}

const renderers = {
  heading: ({ title }, name) => element(name, { class: 'section-group' }, title),
  paragraph: ({ text }) => element('p', {}, text),
  request: ({ title, method, url, headers, body, query, isUnmarked }, name) =>
    box(title, name, [
      element('div', { class: 'start-line' }, isUnmarked ? `${method} ${url}` : [mark('method', method), ' ', mark('url', url)]),
      ...Object.entries(headers).map(([field, value]) => fieldLine(field, value)),
      ...(query ?? formOf(headers, body)).map(([parameter, value]) => parameterLine(parameter, value)),
      ...(body !== undefined && !isForm(headers) ? jsonLines(parse(body)) : [])
    ]),
  response: ({ title, status, headers, body }, name) =>
    box(title, name, [
      element('div', { class: 'start-line' }, `${status} ${statusTexts[status] ?? ''}`),
      ...Object.entries(headers).map(([field, value]) => fieldLine(field, value)),
      ...(body ? jsonLines(parse(body) ?? body) : [])
    ]),
  json: ({ title, value }, name) => box(title, name, jsonLines(value)),
  jwt: ({ title, jwt, header, claims }, name) =>
    box(title, name, [
      element('div', { class: 'comment' }, 'Header'),
      ...jsonLines(header),
      element('div', { class: 'comment' }, 'Claims'),
      ...jsonLines(claims),
      element('details', { class: 'encoded' }, element('summary', {}, 'Encoded'), element('code', {}, jwt))
    ]),
  agreements: ({ title, rows }, name) =>
    element(
      'section',
      { class: 'box' },
      element(name, {}, title),
      element('ul', { class: 'agreements' }, rows.map(agreementRow))
    ),
  checks: ({ title, results }, name) => {
    const caught = results.find(({ outcome }) => outcome === 'fail')
    return element(
      'section',
      { class: 'box' },
      element(name, {}, title),
      element(
        'ol',
        { class: 'checks' },
        results.map((result) => checkRow(result, result === caught))
      )
    )
  }
}

function box(title, name, lines) {
  return element('section', { class: 'box' }, element(name, {}, title), element('div', { class: 'message' }, lines))
}

/** A value with the color and the label that it shares with those it must agree with. */
export function mark(kind, value) {
  const label = element('span', { class: 'mark-label' }, markLabels[kind])
  return element('span', { class: `mark mark-${kind}` }, label, ' ', element('span', {}, value))
}

function agreementRow({ mark: kind, left, right }) {
  const agrees = left.value === right.value
  return element(
    'li',
    { class: `mark-${kind} ${agrees ? 'agrees' : 'differs'}` },
    element('span', { class: `mark mark-${kind}` }, element('span', { class: 'mark-label' }, markLabels[kind])),
    sideOf(left),
    element('span', { class: 'relation' }, agrees ? '= agrees with' : '≠ differs from'),
    sideOf(right)
  )
}

function sideOf({ name, value }) {
  return element('span', { class: 'side' }, element('span', { class: 'side-name' }, name), element('code', {}, value ?? 'none'))
}

function checkRow({ rule, section, outcome, code, expected, received, hint }, isCaught) {
  const details = [
    code,
    expected && `expected: ${expected}`,
    received && `received: ${received}`,
    isCaught && hint && `hint: ${hint}`
  ].filter(Boolean)
  return element(
    'li',
    { class: `check check-${outcome}` },
    element('span', { class: 'check-rule' }, rule),
    element('span', { class: 'check-section' }, section),
    element('span', { class: 'check-outcome' }, isCaught ? 'failed: caught here' : outcomes[outcome]),
    outcome === 'fail' &&
      element(
        'span',
        { class: 'check-details' },
        details.map((text) => element('span', {}, text))
      )
  )
}

function fieldLine(field, value) {
  const [scheme, token] = field.toLowerCase() === 'authorization' ? value.split(' ', 2) : []
  const shown = token === undefined ? shownValue(field, value) : [`${scheme} `, shownValue(field, token)]
  return element('div', {}, element('span', { class: 'name' }, `${field}: `), shown)
}

function parameterLine(name, value) {
  return element('div', {}, element('span', { class: 'name' }, `${name}=`), shownValue(name, value))
}

function jsonLines(value) {
  if (typeof value !== 'object' || value === null) return [element('div', {}, String(value))]
  return [
    element('div', {}, '{'),
    ...Object.entries(value).map(([name, member], index, { length }) => {
      const text = typeof member === 'string' ? JSON.stringify(shorten(member)) : JSON.stringify(member)
      const kind = markOf[name]
      const shown = kind && !isParameter(kind) ? mark(kind, text) : text
      return element('div', {}, INDENT, element('span', { class: 'name' }, `"${name}": `), shown, index + 1 < length && ',')
    }),
    element('div', {}, '}')
  ]
}

function shownValue(name, value) {
  const kind = markOf[name.toLowerCase()]
  return kind ? mark(kind, shorten(value)) : shorten(value)
}

/** These marks are for parameters of the sign-in; members of JSON with their names are something else. */
function isParameter(kind) {
  return kind === 'code' || kind === 'state'
}

/** A JWT is shown by its two ends: it is decoded beside. */
function shorten(text) {
  return /^[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}$/.test(text) ? `${text.slice(0, 16)}…${text.slice(-8)}` : text
}

function isForm(headers) {
  return headers['Content-Type'] === 'application/x-www-form-urlencoded'
}

function formOf(headers, body) {
  return isForm(headers) ? [...new URLSearchParams(body)] : []
}
