/** The DPoP key pair of this browser, in IndexedDB. The private key is not extractable: scripts can use it, but not read it. */

import { randomDPoPKeyPair } from 'openid-client'

/** Returns the stored key pair, or creates and stores one. */
export async function loadKeyPair() {
  const database = await openDatabase()
  try {
    const stored = await resultOf(database.transaction('keys').objectStore('keys').get('dpop'))
    if (stored !== undefined) return stored
    const keyPair = await randomDPoPKeyPair('ES256')
    await resultOf(database.transaction('keys', 'readwrite').objectStore('keys').put(keyPair, 'dpop'))
    return keyPair
  } finally {
    database.close()
  }
}

function openDatabase() {
  const request = indexedDB.open('notes', 1)
  request.onupgradeneeded = () => void request.result.createObjectStore('keys')
  return resultOf(request)
}

function resultOf(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
