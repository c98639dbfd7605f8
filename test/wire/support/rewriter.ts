// A small rewriter for the wire's own tests, with every way to answer that the contract allows:
//   PREDICT n | $k [SLOW ms] [PLANSLOW ms] [TIMEOUT ms] [QUERY 'sql'] [KEPT 'sql'] [FAIL] [REFUSED] [CACHED] [NOTICE] [DANGLE] [STUCK] [PARTS n] [, tail of the outer SELECT]
// gives the numbers 1 to n, fetched by a helper query and fed back by unnest(); with PARTS, so many at a time. PREDICT NOTHING is nobody's statement.

import { setTimeout as sleep } from 'node:timers/promises'
import { PgError } from '../../../src/pg-error.js'
import {
  type Bound,
  type Param,
  type Parts,
  type Piece,
  type Plan,
  type Rewriter,
  type Rewriting,
  textParam,
  type Upstream,
} from '../../../src/rewrite/plan.js'

const INT4 = 23
const INT4_ARRAY = 1007
const SHAPE =
  /^\s*PREDICT\s+(\d+|\$(\d+))((?:\s+(?:SLOW|PLANSLOW|TIMEOUT|QUERY|KEPT|FAIL|REFUSED|CACHED|NOTICE|DANGLE|STUCK|PARTS)\b(?:\s+(?:\d+|'(?:[^']|'')*'))?)*)\s*(?:,(.*))?$/is

export interface TestRewriter extends Rewriter, Rewriting {
  /** How often a statement has been planned and run. */
  planned: number
  ran: number
  /** Called when a run, or a plan, begins. */
  onRun: () => void
  onPlan: () => void
}

export function testRewriter(): TestRewriter {
  const rewriter: TestRewriter = {
    planned: 0,
    ran: 0,
    onRun() {},
    onPlan() {},
    open: () => rewriter,
    mayConcern(sql, start, end) {
      const bytes = Buffer.from(sql.buffer, sql.byteOffset + start, end - start)
      return bytes.includes('PREDICT') || bytes.includes('predict')
    },
    split,
    async plan(sql, paramTypes, upstream) {
      rewriter.planned++
      if (/^\s*PREDICT\s+NOTHING/i.test(sql) || !/^\s*PREDICT\b/i.test(sql)) return null
      const shape = SHAPE.exec(sql)
      if (shape === null) {
        const position = sql.search(/PREDICT/i) + 'PREDICT '.length
        throw new PgError({ code: '42601', message: 'syntax error in PREDICT', position, hint: 'PREDICT 3' })
      }
      await upstream.query('SELECT pg_catalog.current_database()')
      rewriter.onPlan()
      const slow = /PLANSLOW (\d+)/i.exec(sql)
      if (slow) await sleep(Number(slow[1]), undefined, { signal: upstream.signal })
      return planOf(rewriter, sql, shape, paramTypes)
    },
  }
  return rewriter
}

function planOf(rewriter: TestRewriter, sql: string, shape: RegExpExecArray, paramTypes: readonly number[]): Plan {
  const [, n, parameter, options, tail = ''] = shape
  const own = parameter === undefined ? 0 : Number(parameter)
  const option = (name: string) => new RegExp(`\\b${name}\\b(?:\\s+(?:(\\d+)|'((?:[^']|'')*)'))?`, 'i').exec(options)
  const parts = Number(option('PARTS')?.[1] ?? 0)
  const head = `SELECT x FROM pg_catalog.unnest($${own + 1}::pg_catalog.int4[]) AS x${own > 0 ? ` WHERE $${own} IS NOT NULL ` : ' '}`
  return {
    sql: head + tail,
    paramTypes: [...Array.from({ length: own }, (_, i) => paramTypes[i] || INT4), INT4_ARRAY],
    hidden: 1,
    async run(params, upstream) {
      rewriter.ran++
      rewriter.onRun()
      if (option('TIMEOUT')) upstream.setTimeout(Number(option('TIMEOUT')![1]))
      if (option('NOTICE')) {
        upstream.notice({ severity: 'NOTICE', code: '01PQ1', message: 'a notice', detail: 'with detail' })
        upstream.notice({ severity: 'WARNING', code: '01PQ2', message: 'a warning' })
      }
      const query = option('QUERY')
      if (query) await upstream.query(query[2].replaceAll("''", "'"))
      const kept = option('KEPT')
      if (kept) await upstream.streamPrepared(kept[2], [], () => {})
      if (option('DANGLE')) upstream.query('SELECT pg_catalog.pg_sleep(0.1)').catch(() => {})
      if (option('STUCK')) await upstream.stream('SELECT 1', [], () => new Promise(() => {}))
      const count = own === 0 ? Number(n) : decodeInt(params[own - 1])
      const numbers = await fetchNumbers(count, upstream, option('CACHED') !== null)
      if (option('SLOW')) await sleep(Number(option('SLOW')![1]), undefined, { signal: upstream.signal })
      if (option('FAIL'))
        throw new PgError({
          code: '22023',
          message: 'will not predict',
          detail: `asked for ${count}`,
          hint: 'PREDICT 1',
        })
      if (option('REFUSED')) await upstream.query('SELECT 1/0').catch(() => {})
      return { params: [{ format: 0, value: Buffer.from(`{${numbers}}`) }] }
    },
    ...(parts > 0 && {
      parts: (params: readonly Param[], upstream: Upstream): Parts => {
        const count = own === 0 ? Number(n) : decodeInt(params[own - 1])
        let at = 0
        const next = async (): Promise<readonly number[]> => {
          rewriter.ran++
          rewriter.onRun()
          const numbers = (await fetchNumbers(Math.min(count, at + parts), upstream, false)).slice(at)
          if (option('SLOW')) await sleep(Number(option('SLOW')![1]), undefined, { signal: upstream.signal })
          if (option('FAIL') && at > 0) throw new PgError({ code: '22023', message: 'will not predict' })
          current = numbers
          at += parts
          return numbers
        }
        let current: readonly number[] = []
        const bound = (numbers: readonly number[]): Bound => ({
          params: [{ format: 0, value: Buffer.from(`{${numbers}}`) }],
        })
        return {
          next: async () => ({ ...bound(await next()), last: at >= count }),
          async rest() {
            const all = [...current]
            while (at < count) all.push(...(await next()))
            return bound(all)
          },
          close() {},
        }
      },
    }),
    mapPosition: position => (position > head.length ? position - head.length + sql.length - tail.length : null),
  }
}

function decodeInt({ format, value }: Param): number {
  if (value === null) return 0
  return format === 0 ? Number(value.toString()) : value.readIntBE(0, value.length)
}

async function fetchNumbers(count: number, upstream: Upstream, cached: boolean): Promise<number[]> {
  const numbers: number[] = []
  const sql = 'SELECT i FROM pg_catalog.generate_series(1, $1) AS i'
  const read = (payload: Buffer) => {
    numbers.push(payload.readInt32BE(6))
    // now and then the consumer is slow, so that back-pressure is always at work
    return numbers.length % 1000 === 0 ? sleep(1).then(() => {}) : undefined
  }
  const params = [textParam(INT4, String(count))]
  const rows = await (cached ? upstream.streamPrepared(sql, params, read) : upstream.stream(sql, params, read))
  if (rows !== numbers.length) throw new Error(`${rows} rows announced, ${numbers.length} seen`)
  return numbers
}

/** Statements between semicolons outside of quotes, dollar quotes and comments. */
function split(sql: string): Piece[] {
  const pieces: Piece[] = []
  const token = /'(?:[^']|'')*'|"[^"]*"|\$(\w*)\$.*?\$\1\$|--[^\n]*|\/\*.*?\*\/|;|[^'"$;/-]+|./gs
  let start = 0
  const cut = (end: number) => {
    if (sql.slice(start, end).trim() !== '') pieces.push({ start, sql: sql.slice(start, end) })
    start = end + 1
  }
  for (const { 0: text, index } of sql.matchAll(token)) if (text === ';') cut(index)
  cut(sql.length)
  return pieces
}
