// The names of a database's prediction views, of the views that rest on them and of stored predictions, which the scan of every
// statement must know. All sessions on the database share them; they are read anew when they are old and a session begins, or when
// a statement concerns us anyway.

import type { Upstream } from '../plan.js'
import { createScan, type Scan } from '../scan.js'
import { NAMES } from './definitions.js'

/** Names older than this, in milliseconds, are read anew when a session begins or a PREDICT is planned. */
const OLD = 2_000
/** Those older than this, before anything else happens. */
const STALE = 30_000

/** In every statement about stored predictions that is ours to answer. */
const ABOUT_STORED = ['materialized', 'comment']

export interface ViewNames {
  readonly old: boolean
  readonly stale: boolean
  /** No statement reads views of predictions, or is about stored ones. */
  readonly empty: boolean
  has(name: string): boolean
  /** Whether SQL bytes hold one of the names, or what a statement about stored predictions says. */
  readonly mayName: Scan
  /** A name that a statement is about to give to a view of these, or to a table of them without rows; kept whether it succeeds or not. */
  add(name: string): void
  /** Predictions are about to be stored. */
  addStored(): void
  load(upstream: Upstream): Promise<void>
}

export const createViewNames = (): ViewNames => {
  const added = new Set<string>()
  let found: readonly string[] = []
  let names: ReadonlySet<string> = new Set()
  let loaded = Number.NEGATIVE_INFINITY
  let stale = true
  let timer: NodeJS.Timeout | undefined
  let scan: Scan = () => false
  const add = (...words: readonly string[]) => {
    if (words.every(word => names.has(word))) return
    for (const word of words) added.add(word)
    renew()
  }
  const renew = () => {
    names = new Set([...found, ...added])
    scan = names.size > 0 ? createScan([...names]) : () => false
  }
  return {
    get old() {
      return performance.now() - loaded > OLD
    },
    // asked of every message, so a clock tells it
    get stale() {
      return stale
    },
    get empty() {
      return names.size === 0
    },
    has: name => names.has(name),
    mayName: (sql, start, end) => scan(sql, start, end),
    add: name => add(name),
    addStored: () => add(...ABOUT_STORED),
    async load(upstream) {
      const rows = await upstream.query(NAMES)
      loaded = performance.now()
      stale = false
      clearTimeout(timer)
      timer = setTimeout(() => {
        stale = true
      }, STALE).unref()
      const read = rows.filter(row => row[1]![0] === 1).map(([name]) => name!.toString())
      found = rows.some(row => row[2]![0] === 1) ? [...read, ...ABOUT_STORED] : read
      renew()
    },
  }
}
