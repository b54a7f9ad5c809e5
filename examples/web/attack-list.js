/** The list of attacks: a button for each, and below it the rejection and the check that caught it. @module */

import { isAccepted, outcomeOf } from './api-call.js'
import { attacks, runAttack } from './attacks.js'
import { element, prose } from './dom.js'
import { challengeParam } from './exchange.js'
import { render } from './render.js'
import { agreements, checks, decoded, requestOf, responseOf } from './sections.js'

/**
 * @param {{ list: HTMLElement, total: HTMLElement }} parts total shows how many attacks were rejected
 * @param {() => import('./page.js').Page} getPage
 * @param {(work: () => Promise<string>) => Promise<void>} run runs one piece of work at a time and announces its result
 */
export function createAttackList({ list, total }, getPage, run) {
  const rows = attacks.map((attack) => {
    const result = element('div', { class: 'attack-result' })
    const start = (isOpen) => runAndShow(attack, result, getPage(), isOpen)
    const titleId = `attack-${attack.id}`
    const button = element(
      'button',
      {
        type: 'button',
        class: 'danger',
        'aria-describedby': `${titleId}-text`,
        onclick: () => run(async () => announcementOf(attack, await start(true)))
      },
      attack.title
    )
    list.append(
      element(
        'li',
        { class: 'attack', id: titleId },
        element('div', { class: 'attack-head' }, button, prose(attack.text, { id: `${titleId}-text` })),
        result
      )
    )
    return { start, clear: () => result.replaceChildren() }
  })

  return {
    /** Runs all attacks, one after the other. */
    async runAll() {
      total.hidden = true
      let rejected = 0
      for (const { start } of rows) if (!isAccepted(await start(false))) rejected++
      total.textContent = `${rows.length} attacks were sent with the stolen token, and ${rejected} were rejected.`
      total.hidden = false
      return total.textContent
    },
    clear() {
      total.hidden = true
      for (const { clear } of rows) clear()
    }
  }
}

async function runAndShow(attack, result, page, isOpen) {
  const sent = await runAttack(page, attack)
  result.replaceChildren(verdictOf(sent), detailsOf(sent, isOpen))
  return sent
}

function announcementOf(attack, sent) {
  if (isAccepted(sent)) return `${attack.title}: accepted with ${sent.exchange.response.status}`
  return `${attack.title}: rejected with ${outcomeOf(sent)}, caught by the check “${sent.caught?.rule}”`
}

function verdictOf(sent) {
  const { exchange, caught, control } = sent
  const description = challengeParam(exchange.response.headers, 'error_description')
  return element(
    'div',
    { class: `verdict ${isAccepted(sent) ? 'verdict-accepted' : 'verdict-rejected'}` },
    element(
      'p',
      { class: 'verdict-line' },
      element('strong', {}, isAccepted(sent) ? 'Accepted' : 'Rejected'),
      ' ',
      element('code', {}, outcomeOf(sent))
    ),
    caught &&
      element(
        'p',
        {},
        'Caught by ',
        element('strong', {}, caught.rule),
        ` (${caught.section}). ${description ? `${description}.` : ''}`
      ),
    element('p', { class: 'control' }, `The client’s own request afterwards: ${outcomeOf(control)}`)
  )
}

function detailsOf(sent, isOpen) {
  const sections = [
    responseOf(sent.exchange, 'Response with its challenge'),
    ...(sent.rows.length > 0 ? [agreements(sent.rows)] : []),
    checks(sent.checks),
    requestOf(sent.exchange, 'Request of the attacker'),
    ...(sent.proof ? [decoded('Decoded proof', sent.proof)] : [])
  ]
  return element('details', { class: 'attack-details', open: isOpen }, element('summary', {}, 'Details'), ...render(sections, 3))
}
