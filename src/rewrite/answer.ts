// One PREDICT answered: the session's facts, the anchor, whom it is about; then, slice by slice, an extraction statement whose rows go to
// the inference process as they come, and the arrays it sends back, which are the parameters of the rewritten statement. The first slice
// brings the context along. While one slice is scored, the rows of the next are on their way.

import { randomUUID } from 'node:crypto'
import type { GraphCache } from '../graph/catalog/index.js'
import { columnsGrid, gridOf } from '../graph/extract/anchors.js'
import { wantedAnswers } from '../graph/extract/asked.js'
import { pairsExtractionOf } from '../graph/extract/pairs.js'
import { extractionOf } from '../graph/extract/statement.js'
import { ContextGone, type InferClient, type InferJob, type InferResult } from '../infer/client.js'
import { PgError } from '../pg-error.js'
import type { ColumnRef, OutputColumn, Task } from '../pql/task.js'
import { arrayOf, outputParam } from './answer-columns.js'
import { tellUser } from './answer-notices.js'
import { nothingClosed, readTimes } from './answer-times.js'
import { asIn, asksThePast, changingColumns } from './changing-columns.js'
import { contextKey, reachable } from './context-key.js'
import { contextSizes, defaultLimits, FORECAST_ROWS, type Limits } from './limits.js'
import { createLru } from './lru.js'
import type { AnswerSlice } from './parts.js'
import { assertMayPredict } from './permission.js'
import type { Param, Upstream } from './plan.js'
import { type Progress, startProgress } from './progress.js'
import { Named, type Slice, whoIsAsked } from './slices.js'
import { tune } from './tuning.js'
import { refuseRepeatedKeys } from './unique-keys.js'

export interface AnswerDeps {
  readonly graphs: GraphCache
  readonly infer: InferClient
  readonly limits?: Limits
}

/** `reads`: the statement around changes nothing, so that it may as well see one snapshot. */
export interface Around {
  readonly reads: boolean
}

/** Slices of the answer, in order, at least one. */
export type Answer = (
  task: Task,
  outputs: readonly OutputColumn[],
  params: readonly Param[],
  upstream: Upstream,
  around?: Around,
) => AsyncIterable<AnswerSlice>

/** A slice's rows have been sent to the inference process. */
interface Sent {
  readonly slice: Slice
  readonly job: InferJob
  readonly named: Named
}

export function createAnswer({ graphs, infer, limits = defaultLimits }: AnswerDeps): Answer {
  const changing = createLru<string, readonly ColumnRef[]>(200)
  return async function* (asked, outputs, params, upstream, around) {
    const progress = startProgress(upstream)
    try {
      yield* answer(asked, outputs, params, upstream, around?.reads ?? false, progress)
    } finally {
      progress.stop()
    }
  }

  async function* answer(
    asked: Task,
    outputs: readonly OutputColumn[],
    params: readonly Param[],
    upstream: Upstream,
    reads: boolean,
    progress: Progress,
  ): AsyncGenerator<AnswerSlice, void, void> {
    const began = performance.now()
    const [facts, tuning, times] = await Promise.all([
      graphs.facts(upstream),
      tune(upstream),
      readTimes(asked, params, upstream),
    ])
    upstream.setTimeout(facts.statementTimeout)
    assertMayPredict(facts)
    upstream.setNoticeLevel(facts.noticeLevel)
    const grid = asked.temporal
      ? gridOf(times.anchor, times.oldest, asked.horizon!, asked.reach!, times.newest)
      : columnsGrid(times.anchor, times.oldest, times.newest)
    if (grid.context.length === 0) throw nothingClosed(asked, times)
    const outdated = await outdatedColumns()
    const task = outdated.length > 0 ? without(asked, outdated) : asked
    const most = task.options.maxEntities ?? limits.entities
    const answers = wantedAnswers(task)
    const wanted = answers === null ? Math.min(most + 1, task.first ?? Number.POSITIVE_INFINITY) : most + 1
    const who = await whoIsAsked(task, grid.anchor, wanted, params, upstream)
    if (who && answers === null) refuse(task, who.count, most)
    const slices = who?.slices ?? [{ keys: null, count: 0 }]
    if (who) refuseRepeatedKeys(task, slices)
    if (slices.length > 1 && reads && !facts.oneSnapshot) {
      await upstream.oneSnapshot()
      await tuning.again()
    }
    const shared = contextKey(task, params, facts, `${grid.cell} ${grid.context[0]}`)
    // a context that is nobody else's lasts for the slices
    const key = shared ?? (slices.length > 1 ? `statement ${randomUUID()}` : null)

    const send = async (slice: Slice, cold: boolean): Promise<Sent> => {
      const { mode = 'normal', seed = 42, statistic = 'median' } = task.options
      const { contextSize = contextSizes(task.options).total } = task.options
      const use = cold || key === null ? null : infer.used(key)
      const context = use === null ? contextSizes(task.options) : null
      const extract = isList(task) ? pairsExtractionOf : extractionOf
      const mostEntities = slice.keys ? slice.count : wanted
      const request = { task, grid, context, seed, mostEntities, keys: slice.keys, use, client: params }
      const extraction = extract(request)
      // the last column, where it is asked for
      const embedding = task.options.embedding ? arrayOf(outputs.at(-1)!) : undefined
      const options = { mode, seed, statistic, complement: task.complement, contextRows: contextSize, embedding }
      const { spec } = extraction
      const job = infer.job({ contextKey: key, spec, options, cold: context !== null }, upstream.signal)
      try {
        const named = new Named(extraction)
        const pass = (payload: Buffer) => {
          named.look(payload)
          return job.push(payload)
        }
        // a plan made for no keys in particular would not do for a slice of them
        if (context || slice.keys) await upstream.stream(extraction.sql, extraction.params, pass)
        else
          await Promise.all([
            isAboutFew(task) && tuning.planOnce(),
            upstream.streamPrepared(extraction.sql, extraction.params, pass),
          ])
        return { slice, job, named }
      } catch (error) {
        job.cancel()
        throw error
      }
    }
    const score = async ({ slice, job }: Sent): Promise<InferResult> => {
      try {
        return await job.end()
      } catch (error) {
        if (!(error instanceof ContextGone)) throw error
        return (await send(slice, true)).job.end()
      }
    }

    let ahead: Promise<Sent> | null = null
    let done = 0
    const total = who && slices.length > 1 ? who.count : 0
    try {
      for (const [i, slice] of slices.entries()) {
        progress.stage(i === 0 ? 'reading rows' : `scored ${done} of ${total} entities`)
        if (i > 0 && !ahead) await tuning.again()
        const sent: Sent = await (ahead ?? send(slice, false))
        if (i === 0) progress.stage(key !== null && infer.used(key) ? 'scoring' : 'learning from the past')
        const next = slices[i + 1]
        // rows of the first slice go out before those of the second are read
        ahead = i > 0 && next && answers === null && !upstream.unhurried ? send(next, false) : null
        ahead?.catch(() => {})
        const [result] = await Promise.all([score(sent), ahead ? null : tuning.restore()])
        done += result.count
        if (!who) {
          refuse(task, result.count, most)
          refuseRepeatedKeys(task, [result])
        }
        const enough = answers !== null && done >= answers
        // rows read at their own time may go unanswered, so that only the end tells how many
        if (task.asOf.kind === 'entity time' ? enough || !next : i === 0) {
          const count = who && task.asOf.kind !== 'entity time' ? who.count : done
          const told = { ...result, count }
          tellUser(
            { task, tables: reachable(task), times, result: told, outdated, asked: who?.named ?? sent.named.count },
            upstream,
          )
        }
        const ms = performance.now() - began
        if (answers !== null && !enough) refuse(task, done, most)
        // whoever fetches rows may take long to come back for more
        progress.stop()
        const columns = outputs.map(column => outputParam(column, outputs, task, result, ms))
        yield { columns, last: enough || !next }
        if (enough) break
      }
    } finally {
      ahead?.then(({ job }) => job.cancel()).catch(() => {})
      if (key !== shared && key !== null) infer.forget(key)
    }

    /** Columns that a question about the past had better not read. */
    async function outdatedColumns(): Promise<readonly ColumnRef[]> {
      if (isList(asked) || !asksThePast(asked, times)) return []
      const pastKey = contextKey(asked, params, facts, String(times.newest))
      const found =
        (pastKey && asIn(reachable(asked), changing.get(pastKey))) ||
        (await changingColumns(asked, times, reachable(asked), params, infer, upstream))
      if (pastKey) changing.set(pastKey, found)
      return found
    }
  }
}

/** Lists over a window read rows of one table, and no columns that could have changed since. */
const isList = ({ kind, temporal }: Task): boolean => temporal && (kind === 'rank' || kind === 'classify')

const FEW = 100

const isAboutFew = ({ ids }: Task): boolean => ids.kind === 'list' && ids.rows.length <= FEW

const without = (task: Task, columns: readonly ColumnRef[]): Task => ({
  ...task,
  options: { ...task.options, exclude: [...(task.options.exclude ?? []), ...columns] },
})

/** @throws PgError 53400 where the answer would be larger than it may be */
function refuse(task: Task, count: number, most: number): void {
  if (count > most) throw tooMany(most)
  if (task.kind !== 'forecast' || count * task.steps! <= FORECAST_ROWS) return
  throw new PgError({
    code: '53400',
    message: `a forecast of more than ${FORECAST_ROWS} rows`,
    detail: `${count} entities have ${task.steps} windows each.`,
    hint: 'Name fewer entities, or ask for fewer windows.',
  })
}

function tooMany(most: number): PgError {
  return new PgError({
    code: '53400',
    message: `more than ${most} entities to score`,
    hint: `Name fewer entities, or raise the limit: WITH (max_entities = ${most * 10}).`,
  })
}
