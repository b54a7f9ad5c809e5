/** A store of values by name in IndexedDB, which can hold a CryptoKey without giving its bytes away. @module */

const STORE = 'values'

/** @type {Promise<IDBDatabase> | undefined} */
let opening

/** The stored value; undefined if there is none. */
export async function read(name) {
  return await run('readonly', (store) => store.get(name))
}

export async function write(name, value) {
  await run('readwrite', (store) => store.put(value, name))
}

export async function remove(name) {
  await run('readwrite', (store) => store.delete(name))
}

export async function clear() {
  await run('readwrite', (store) => store.clear())
}

async function run(mode, start) {
  opening ??= open()
  const store = (await opening).transaction(STORE, mode).objectStore(STORE)
  return await settle(start(store))
}

function open() {
  const request = indexedDB.open('dpop-guard-demo', 1)
  request.onupgradeneeded = () => request.result.createObjectStore(STORE)
  return settle(request)
}

function settle(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}
