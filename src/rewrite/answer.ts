// One PREDICT answered: the session's facts, the anchor, one extraction statement whose rows go to the inference process as they
// come, and the arrays it sends back, which are the parameters of the rewritten statement.

import { createHash } from 'node:crypto'
import type { GraphCache, SessionFacts } from '../graph/catalog/index.js'
import { anchorSql, columnsGrid, gridOf, least } from '../graph/extract/anchors.js'
import { type PairsExtraction, pairsExtractionOf } from '../graph/extract/pairs.js'
import { SqlParams } from '../graph/extract/sql.js'
import { type Extraction, extractionOf } from '../graph/extract/statement.js'
import type { ChannelUse } from '../graph/neighbourhood.js'
import { ContextGone, type InferClient, type InferResult } from '../infer/client.js'
import { PgError } from '../pg-error.js'
import type { Table } from '../pql/catalog.js'
import { tablesUsed } from '../pql/index.js'
import { normalise } from '../pql/normalise.js'
import type { ColumnRef, OutputColumn, Task } from '../pql/task.js'
import { arrayOf, outputParam } from './answer-columns.js'
import { instant, tellUser } from './answer-notices.js'
import { asIn, asksThePast, changingColumns } from './changing-columns.js'
import { contextSizes, defaultLimits, type Limits } from './limits.js'
import { createLru } from './lru.js'
import { assertMayPredict } from './permission.js'
import type { Param, Upstream } from './plan.js'
import { type Progress, startProgress } from './progress.js'
import { refuseRepeatedKeys } from './unique-keys.js'

export interface AnswerDeps {
  readonly graphs: GraphCache
  readonly infer: InferClient
  readonly limits?: Limits
}

/** Microseconds since 2000-01-01 UTC. */
export interface Times {
  readonly anchor: bigint
  readonly oldest: bigint
  readonly newest: bigint
  readonly now: bigint
}

export type Answer = (
  task: Task,
  outputs: readonly OutputColumn[],
  params: readonly Param[],
  upstream: Upstream,
) => Promise<readonly Param[]>

export function createAnswer({ graphs, infer, limits = defaultLimits }: AnswerDeps): Answer {
  const changing = createLru<string, readonly ColumnRef[]>(200)
  return async (asked, outputs, params, upstream) => {
    const progress = startProgress(upstream)
    try {
      return await answer(asked, outputs, params, upstream, progress)
    } finally {
      progress.stop()
    }
  }

  async function answer(
    asked: Task,
    outputs: readonly OutputColumn[],
    params: readonly Param[],
    upstream: Upstream,
    progress: Progress,
  ): Promise<readonly Param[]> {
    const began = performance.now()
    const [facts, tuned, times] = await Promise.all([
      graphs.facts(upstream),
      tune(upstream),
      readTimes(asked, params, upstream),
    ])
    upstream.setTimeout(facts.statementTimeout)
    assertMayPredict(facts)
    const grid = asked.temporal
      ? gridOf(times.anchor, times.oldest, asked.horizon!, asked.reach!, times.newest)
      : columnsGrid(times.anchor, times.oldest, times.newest)
    if (grid.context.length === 0) throw nothingClosed(asked, times)
    let outdated: readonly ColumnRef[] = []
    if (!isList(asked) && asksThePast(asked, times)) {
      const key = contextKey(asked, params, facts, String(times.newest))
      outdated =
        (key && asIn(reachable(asked), changing.get(key))) ||
        (await changingColumns(asked, times, reachable(asked), params, infer, upstream))
      if (key) changing.set(key, outdated)
    }
    const task = outdated.length > 0 ? without(asked, outdated) : asked
    const most = task.options.maxEntities ?? limits.entities
    const key = contextKey(task, params, facts, `${grid.cell} ${grid.context[0]}`)
    const ask = async (use: ChannelUse | null): Promise<InferResult> => {
      const cold = use === null
      const context = cold ? contextSizes(task.options) : null
      const { seed = 42 } = task.options
      const extract = isList(task) ? pairsExtractionOf : extractionOf
      const extraction = extract({
        task,
        grid,
        context,
        seed,
        mostEntities: Math.min(most + 1, task.first ?? Infinity),
        use,
        client: params,
      })
      return relay(extraction, cold, key)
    }
    const relay = async (
      extraction: Extraction | PairsExtraction,
      cold: boolean,
      contextKey: string | null,
    ): Promise<InferResult> => {
      const {
        mode = 'normal',
        seed = 42,
        statistic = 'median',
        contextSize = contextSizes(task.options).total,
      } = task.options
      // the last column, where it is asked for
      const embedding = task.options.embedding ? arrayOf(outputs.at(-1)!) : undefined
      const job = infer.job(
        {
          contextKey,
          spec: extraction.spec,
          options: { mode, seed, statistic, complement: task.complement, contextRows: contextSize, embedding },
          cold,
        },
        upstream.signal,
      )
      try {
        const named = new Asked(extraction)
        const pass = (payload: Buffer) => {
          named.look(payload)
          return job.push(payload)
        }
        progress.stage('reading rows')
        if (cold) await upstream.stream(extraction.sql, extraction.params, pass)
        else await upstream.streamPrepared(extraction.sql, extraction.params, pass)
        progress.stage(cold ? 'learning from the past' : 'scoring')
        const [result] = await Promise.all([job.end(), restore(upstream, tuned)])
        if (result.count > most) throw tooMany(most)
        refuseRepeatedKeys(task, result)
        tellUser({ task, tables: reachable(task), times, result, outdated, asked: named.count }, upstream)
        return result
      } catch (error) {
        job.cancel()
        throw error
      }
    }
    const result = await ask(key === null ? null : infer.used(key)).catch(error => {
      if (error instanceof ContextGone) return ask(null)
      throw error
    })
    return outputs.map(column => outputParam(column, outputs, task, result, performance.now() - began))
  }
}

/** Lists over a window read rows of one table, and no columns that could have changed since. */
const isList = ({ kind, temporal }: Task): boolean => temporal && (kind === 'rank' || kind === 'classify')

const without = (task: Task, columns: readonly ColumnRef[]): Task => ({
  ...task,
  options: { ...task.options, exclude: [...(task.options.exclude ?? []), ...columns] },
})

/** Settings under which the big statement runs best, and what they were: for this transaction alone, and put back before it goes on. */
async function tune(upstream: Upstream): Promise<readonly [string, string]> {
  const [row] = await upstream.query(tuneSql)
  return [row![0]!.toString(), row![1]!.toString()]
}

// Compiling a statement of hundreds of expressions costs more than running it; its sorts are worth memory.
const tuneSql = `SELECT jit, mem, pg_catalog.set_config('jit', 'off', true), CASE WHEN pg_catalog.pg_size_bytes(mem) < 134217728 THEN pg_catalog.set_config('work_mem', '128MB', true) END FROM (SELECT pg_catalog.current_setting('jit') AS jit, pg_catalog.current_setting('work_mem') AS mem OFFSET 0) s`

async function restore(upstream: Upstream, [jit, mem]: readonly [string, string]): Promise<void> {
  const params = [jit, mem].map(value => ({ type: 25, format: 0 as const, value: Buffer.from(value) }))
  await upstream.query(
    `SELECT pg_catalog.set_config('jit', $1, true), pg_catalog.set_config('work_mem', $2, true)`,
    params,
  )
}

/** Beyond these, infinities included, there are no windows to speak of: 4714 BC and 10000 AD. */
const [EARLIEST, LATEST] = [-211_813_488_000_000_000n, 252_455_616_000_000_000n]

async function readTimes(task: Task, client: readonly Param[], upstream: Upstream): Promise<Times> {
  const params = new SqlParams(client)
  const sql = anchorSql(task, params)
  const [row] = await upstream.query(sql, params.list)
  const [anchor, oldest, newest, now] = row!.map(value => value?.readBigInt64BE() ?? null)
  if (task.temporal && (oldest === null || newest === null)) throw emptyTarget(task)
  if (anchor === null) {
    throw new PgError({
      code: '22004',
      message: 'AS OF must not be null',
      hint: `Give a time, as in AS OF '2026-01-01', or leave AS OF out.`,
    })
  }
  if (anchor < EARLIEST || anchor > LATEST) {
    throw new PgError({
      code: '22008',
      message: 'AS OF is out of range',
      hint: `Give a time, as in AS OF '2026-01-01'.`,
    })
  }
  return { anchor: anchor!, oldest: oldest ?? anchor!, newest: newest ?? anchor!, now: now! }
}

/**
 * Names all that a fitted context depends on, or null where none may outlive the statement: a table used is not shared by all who ask
 * alike, or the transaction has written, so that it sees what others do not.
 */
function contextKey(task: Task, params: readonly Param[], facts: SessionFacts, cell: string): string | null {
  if (facts.hasWritten || [...reachable(task)].some(table => !table.cacheable)) return null
  // whom to score is no part of a context, nor of the normalised text: a parameter that stands only there may differ
  const constants = task.params
    .filter(({ index }) => new RegExp(`\\$${index}(?!\\d)`).test(task.normalised))
    .map(({ index }) => [index, params[index - 1]?.format, params[index - 1]?.value?.toString('base64') ?? null])
  const { mode, seed, contextSize, hops, exclude, include, embedding = false } = task.options
  const columns = (refs: typeof exclude) => refs?.map(r => `${r.table.oid}.${r.column.attnum}`).sort()
  const facet = [
    facts.database.oid,
    facts.role.oid,
    facts.timeZone,
    facts.rowSecurity,
    facts.token,
    // lists of any length come from one context
    normalise({ ...task, top: 0 }),
    constants,
    cell,
  ]
  const text = JSON.stringify([...facet, mode, seed, contextSize, hops, columns(exclude), columns(include), embedding])
  return createHash('sha256').update(text).digest('base64url')
}

/** Every table that an extraction may read: those of the text, and their neighbours. */
function reachable(task: Task): Set<Table> {
  const tables = new Set<Table>(tablesUsed(task))
  const add = (table: Table) => tables.add(table)
  for (const table of [...tables]) {
    for (const link of [...table.parents, ...table.children]) {
      for (const end of [link.from, link.to]) {
        add(end)
        for (const next of [...end.parents, ...end.children]) add(next.from === end ? next.to : next.from)
      }
    }
  }
  return tables
}

/** How many distinct entities the client named: the last of the constants, the one row looked at on its way. */
class Asked {
  count = -1
  readonly #part: number
  constructor({ spec }: Extraction | PairsExtraction) {
    this.#part = 'top' in spec ? spec.parts.indexOf('constants') : spec.parts.findIndex(p => p.kind === 'constants')
  }

  look(payload: Buffer): void {
    // int16 fields, then (int32 length, value) each: the first value is the part, the fourth its numbers, whose last element ends the field.
    if (payload.readInt32BE(6) !== this.#part) return
    let at = 2
    for (let field = 0; field < 3; field++) at += 4 + Math.max(0, payload.readInt32BE(at))
    const length = payload.readInt32BE(at)
    this.count = payload.readDoubleBE(at + 4 + length - 8)
  }
}

function emptyTarget(task: Task): PgError {
  const tables = [...new Set(task.aggregates.map(a => `${a.table.schema}.${a.table.name}`))]
  return new PgError({
    code: 'PQ004',
    message: `there is nothing to learn from: ${tables.join(', ')} has no rows with a time`,
    hint: 'Predict over a table that has rows; SELECT count(*) tells.',
  })
}

function nothingClosed(task: Task, times: Times): PgError {
  const { oldest, newest, anchor } = times
  // windows that reach beyond the end of the data have not closed, wherever the anchor lies
  const known = least(anchor, newest)
  const later = gridOf(newest, oldest, task.horizon!, task.reach!).context.length > 0
  return new PgError({
    code: 'PQ004',
    message: 'no past window has closed, so there are no examples to learn from',
    detail:
      oldest === newest
        ? `All rows are of one instant, ${instant(oldest)}: there is no past to learn from.`
        : `The data goes from ${instant(oldest)} to ${instant(newest)}, the anchor is ${instant(anchor)}: no window of the asked length lies between them.`,
    hint:
      oldest === newest
        ? `If another column says when a row came to be: COMMENT ON COLUMN … IS '@predict time'.`
        : anchor < newest && later
          ? `Ask about a later time: … AS OF '${instant(newest)}'.`
          : known > oldest
            ? `Ask about a shorter window, one that ends within ${longest(known - oldest)} of the anchor.`
            : `Ask about a later time and a shorter window: … AS OF '${instant(newest)}', ending within ${longest(newest - oldest)} of it.`,
  })
}

/** A third of what is known leaves a few windows to learn from. */
function longest(known: bigint): string {
  const seconds = Math.max(1, Number(known / 3_000_000n))
  const [unit, size] = seconds >= 172_800 ? ['days', 86_400] : seconds >= 7_200 ? ['hours', 3_600] : ['seconds', 1]
  return `${Math.floor(seconds / Number(size))} ${unit}`
}

function tooMany(most: number): PgError {
  return new PgError({
    code: '53400',
    message: `more than ${most} entities to score`,
    hint: `Name fewer entities, or raise the limit: … WITH (max_entities = ${most * 10}).`,
  })
}
