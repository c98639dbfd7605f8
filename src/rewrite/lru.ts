// A bounded map that forgets what was used longest ago.

export interface Lru<K, V> {
  get(key: K): V | undefined
  set(key: K, value: V): void
}

/** Keeps at most `limit` entries. */
export const createLru = <K, V>(limit: number): Lru<K, V> => {
  const entries = new Map<K, V>()
  return {
    get(key) {
      const value = entries.get(key)
      if (value === undefined) return undefined
      entries.delete(key)
      entries.set(key, value)
      return value
    },
    set(key, value) {
      entries.delete(key)
      entries.set(key, value)
      if (entries.size > limit) entries.delete(entries.keys().next().value as K)
    },
  }
}
