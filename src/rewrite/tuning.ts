// Settings under which our big statements run best: for this transaction alone, and put back before the client's own statement.

import type { Upstream } from './plan.js'

/**
 * Compiling a statement of hundreds of expressions costs more than running it; its sorts are worth memory; and rows around a few thousand
 * keys are found by an index, whose pages are mostly in memory, rather than by reading a large table to its end.
 */
const BETTER = [
  ['jit', () => `'off'`],
  ['work_mem', (now: string) => `CASE WHEN pg_catalog.pg_size_bytes(${now}) < 134217728 THEN '128MB' ELSE ${now} END`],
  ['random_page_cost', (now: string) => `LEAST(${now}::pg_catalog.float8, 1.1)::pg_catalog.text`],
  ['plan_cache_mode', (now: string) => now],
] as const

const names = BETTER.map(([name]) => name)

const readAndSet = `SELECT ${names.map((_, i) => `s${i}`).join(', ')}, ${BETTER.map(([name, value], i) => `pg_catalog.set_config('${name}', ${value(`s${i}`)}, true)`).join(', ')} FROM (SELECT ${names.map((name, i) => `pg_catalog.current_setting('${name}') AS s${i}`).join(', ')} OFFSET 0) s`

const set = `SELECT ${names.map((name, i) => `pg_catalog.set_config('${name}', $${i + 1}, true)`).join(', ')}`

/** A plan for no keys in particular is as good for a few, which take less time to find than a plan does to make. */
const ONE_PLAN = `SELECT pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true)`

export interface Tuning {
  /** Sets them once more, where a transaction has ended or they have been put back. */
  again(): Promise<void>
  restore(): Promise<void>
  /** Has prepared statements planned once for all their executions, until it is restored. */
  planOnce(): Promise<void>
}

export async function tune(upstream: Upstream): Promise<Tuning> {
  const [row] = await upstream.query(readAndSet)
  const texts = row!.map(value => value!.toString())
  const to = async (values: readonly string[]) => {
    await upstream.query(
      set,
      values.map(value => ({ type: 25, format: 0, value: Buffer.from(value) })),
    )
  }
  return {
    again: () => to(texts.slice(names.length)),
    restore: () => to(texts.slice(0, names.length)),
    planOnce: async () => void (await upstream.query(ONE_PLAN)),
  }
}
