/** The page: signs in, and lists the notes of the user. */

import { createSession } from './session.js'

const status = document.querySelector('#status')
const button = document.querySelector('#sign-in')

try {
  const settings = await (await fetch('/settings.json')).json()
  const session = await createSession(settings)
  button.addEventListener('click', () => void session.signIn())
  await session.completeSignIn()
  if (session.isSignedIn()) await showNotes(await session.callApi('GET', '/notes'))
  else showSignIn('You are not signed in.')
} catch (error) {
  showSignIn(error.message)
}

async function showNotes(response) {
  if (response.status === 401) return showSignIn('The session has ended.')
  if (!response.ok) return showSignIn(`The API responded with ${response.status}.`)
  const { owner, notes } = await response.json()
  status.textContent = `Notes of ${owner}`
  document.querySelector('#notes').replaceChildren(...notes.map(listItem))
}

function listItem(text) {
  const item = document.createElement('li')
  item.textContent = text
  return item
}

function showSignIn(message) {
  status.textContent = message
  button.hidden = false
}
