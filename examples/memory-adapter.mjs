/** Where oidc-provider keeps sessions, grants and codes: in memory, as long as the process lives. @module */

/** @returns {(model: string) => import('oidc-provider').Adapter} */
export function createMemoryAdapter() {
  const records = new Map()
  return (model) => {
    const keyOf = (id) => `${model}:${id}`
    const findBy = (name, value) =>
      [...records].find(([key, record]) => key.startsWith(`${model}:`) && record[name] === value)?.[1]
    return {
      async upsert(id, record) {
        records.set(keyOf(id), record)
      },
      async find(id) {
        return records.get(keyOf(id))
      },
      async findByUid(uid) {
        return findBy('uid', uid)
      },
      async findByUserCode(userCode) {
        return findBy('userCode', userCode)
      },
      async consume(id) {
        records.get(keyOf(id)).consumed = Math.floor(Date.now() / 1000)
      },
      async destroy(id) {
        records.delete(keyOf(id))
      },
      async revokeByGrantId(grantId) {
        for (const [key, record] of records) if (record.grantId === grantId) records.delete(key)
      }
    }
  }
}
