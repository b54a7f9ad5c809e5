/** The sequence diagram: one line for each step, which lights up when it has happened and opens to show what was sent. @module */

import { element, prose } from './dom.js'
import { render } from './render.js'
import { parties, steps } from './steps.js'

const stateTexts = { waiting: 'not yet', done: 'done', rejected: 'rejected' }

/**
 * @param {{ list: HTMLElement, first: number, last: number }[]} parts where the steps go
 */
export function createDiagram(parts) {
  /** @type {Map<number, ReturnType<typeof createStep>>} */
  const rows = new Map()
  for (const { list, first, last } of parts) {
    list.before(createPartyNames())
    for (let number = first; number <= last; number++) {
      const row = createStep(number)
      rows.set(number, row)
      list.append(row.item)
    }
  }
  let current

  return {
    /** @param {import('./sections.js').StepData} data */
    show(number, data) {
      current?.item.classList.remove('current')
      current = rows.get(number)
      current.item.classList.add('current')
      current.show(data)
    },
    /** Shows the steps of an earlier visit. */
    restore(stored) {
      for (const [number, data] of Object.entries(stored)) rows.get(Number(number)).show(data)
    },
    /** Clears a step and all after it. */
    reset(firstStep) {
      current?.item.classList.remove('current')
      for (const [number, row] of rows) if (number >= firstStep) row.reset()
    },
    /** Names the API of the last lane. */
    nameApi(name) {
      for (const label of document.querySelectorAll('.party-3')) label.textContent = `API on ${name}`
    }
  }
}

function createPartyNames() {
  const names = parties.map((name, index) => element('span', { class: `party party-${index}` }, name))
  return element('div', { class: 'parties', 'aria-hidden': 'true' }, names)
}

function createStep(number) {
  const { title, from, to, text } = steps[number - 1]
  const fact = element('span', { class: 'step-fact' })
  const status = element('span', { class: 'visually-hidden' })
  const direction = from === to ? 'self' : from < to ? 'right' : 'left'
  const content = element('div', { class: 'step-content' })
  const summary = element(
    'summary',
    { class: 'step-summary' },
    element('span', { class: 'step-number', 'aria-hidden': 'true' }, String(number)),
    element(
      'span',
      { class: 'step-label' },
      element('span', { class: 'visually-hidden' }, `Step ${number}, ${pathOf(from, to)}: `),
      element('span', { class: 'step-title' }, title),
      ' ',
      fact,
      status
    ),
    element('span', { class: `step-arrow step-arrow-${direction}`, 'aria-hidden': 'true' })
  )
  const item = element('li', { class: 'step' }, element('details', {}, summary, content))
  item.style.setProperty('--left', String(Math.min(from, to)))
  item.style.setProperty('--right', String(Math.max(from, to)))
  item.classList.toggle('step-self', from === to)
  item.classList.toggle('step-mirrored', from === to && from > 1)

  function show({ state, fact: shown, sections }) {
    item.dataset.state = state
    fact.textContent = shown
    status.textContent = `, ${stateTexts[state]}`
    content.replaceChildren(prose(text, { class: 'step-text' }), ...render(sections, 4))
  }
  const reset = () => show({ state: 'waiting', fact: '', sections: [] })
  reset()
  return { item, show, reset }
}

function pathOf(from, to) {
  return from === to ? `within ${parties[from]}` : `from ${parties[from]} to ${parties[to]}`
}
