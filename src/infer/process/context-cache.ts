// Fitted contexts by key: bounded in bytes, the least recently used go first, and none outlives its time.

export interface ContextCache<T> {
  get(key: string): T | null
  /** Keeps `value` unless it is larger than the whole cache. */
  put(key: string, value: T, bytes: number): void
  /** Drops what is kept under `key`, if anything is. */
  drop(key: string): void
  /** Least recently used first. */
  entries(): [string, T][]
  readonly bytes: number
  clear(): void
}

export interface CacheOptions<T> {
  readonly maxBytes: number
  /** Counted from the moment a context was put in: what it was fitted on ages however often it is read. */
  readonly ttlMilliseconds: number
  readonly onCached: (key: string, value: T) => void
  readonly onEvicted: (keys: string[]) => void
}

export function createContextCache<T>(options: CacheOptions<T>): ContextCache<T> {
  // in order of last use
  const entries = new Map<string, { readonly value: T; readonly bytes: number; readonly expires: number }>()
  let total = 0
  let timer: NodeJS.Timeout | null = null

  function drop(keys: string[]): void {
    if (keys.length === 0) return
    for (const key of keys) {
      total -= entries.get(key)?.bytes ?? 0
      entries.delete(key)
    }
    options.onEvicted(keys)
  }

  function sweep(): void {
    timer = null
    const now = performance.now()
    drop([...entries].filter(([, entry]) => entry.expires <= now).map(([key]) => key))
    schedule()
  }

  function schedule(): void {
    if (timer || entries.size === 0) return
    let first = Number.POSITIVE_INFINITY
    for (const entry of entries.values()) first = Math.min(first, entry.expires)
    timer = setTimeout(sweep, Math.max(1, Math.min(first - performance.now(), 2 ** 31 - 1)))
    timer.unref()
  }

  return {
    get(key) {
      const entry = entries.get(key)
      if (!entry) return null
      if (entry.expires <= performance.now()) {
        drop([key])
        return null
      }
      entries.delete(key)
      entries.set(key, entry)
      return entry.value
    },
    put(key, value, bytes) {
      if (bytes > options.maxBytes) return drop(entries.has(key) ? [key] : [])
      total += bytes - (entries.get(key)?.bytes ?? 0)
      entries.delete(key)
      entries.set(key, { value, bytes, expires: performance.now() + options.ttlMilliseconds })
      const old: string[] = []
      let left = total
      for (const [candidate, entry] of entries) {
        if (left <= options.maxBytes) break
        left -= entry.bytes
        old.push(candidate)
      }
      drop(old)
      options.onCached(key, value)
      schedule()
    },
    drop: key => drop(entries.has(key) ? [key] : []),
    entries: () => [...entries].map(([key, entry]) => [key, entry.value]),
    get bytes() {
      return total
    },
    clear() {
      drop([...entries.keys()])
      if (timer) clearTimeout(timer)
      timer = null
    },
  }
}
