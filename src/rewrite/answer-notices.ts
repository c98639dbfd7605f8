// What a user should know about an answer without asking: columns left out, data that ends long ago, entities nobody knows, few examples.

import { missingTimeIndex } from '../graph/catalog/index.js'
import { anchorTables } from '../graph/extract/anchors.js'
import { intervalBounds } from '../graph/extract/sql.js'
import type { Source } from '../graph/neighbourhood.js'
import type { InferResult } from '../infer/client.js'
import type { Notice } from '../pg-error.js'
import type { Table } from '../pql/catalog.js'
import { keyText, tableText } from '../pql/context.js'
import { walkAggregates } from '../pql/index.js'
import type { ColumnRef, Condition, Task } from '../pql/task.js'
import { literal, typed } from '../pql/typed.js'
import { instant, type Times } from './answer-times.js'
import { refTo } from './changing-columns.js'
import type { Upstream } from './plan.js'

interface Told {
  readonly task: Task
  /** Those that may have been read. */
  readonly tables: ReadonlySet<Table>
  readonly times: Times
  readonly result: InferResult
  /** Columns left out since they have changed after the anchor. */
  readonly outdated: readonly ColumnRef[]
  /** Distinct entities named, -1 where none were. */
  readonly asked: number
}

/** Fewer entities, or examples, than these, and what WHERE has cut off would have taught more. */
const FEW_ENTITIES = 100
const FEW_EXAMPLES = 1000

export function tellUser(told: Told, upstream: Upstream): void {
  const empty = nothingMatches(told)
  const warnings = empty ? [] : told.result.summary.warnings
  const notices = [
    ...warnings.map((warning): Notice => ({ severity: 'NOTICE', ...warning })),
    empty,
    notFound(told),
    fewMatch(told),
    endOfData(told),
    ...readWhole(told),
    givenAway(told),
    leftOut(told),
  ]
  for (const notice of notices) if (notice) upstream.notice(notice)
}

/** A WHERE that lets nobody through is no lack of examples. */
function nothingMatches({ task, result }: Told): Notice | null {
  if (task.where === null || result.summary.contextRows > 0) return null
  const none = task.ids.kind === 'each' && result.count === 0
  return {
    severity: 'NOTICE',
    code: '01PQ7',
    message: `no ${none ? '' : 'past '}row of ${tableText(task.entity.table)} matches WHERE`,
    detail: none
      ? 'So there is nothing to predict, and nothing was learned.'
      : 'So nothing was learned: the answer is a guess.',
  }
}

function notFound({ task, result, asked }: Told): Notice | null {
  const missing = asked - result.count
  if (asked < 0 || missing <= 0) return null
  const own = task.asOf.kind === 'entity time'
  return {
    severity: 'NOTICE',
    code: '01PQ7',
    ...(own && {
      detail:
        'Or they have no time, or are of the first hours of the table, before which there is nothing to learn from.',
    }),
    message: `${missing} of ${asked} entities ${missing === 1 ? 'was' : 'were'} not found in ${task.entity.table.name}`,
  }
}

/** Behind a bare FOR EACH, WHERE also chooses whom to learn from: said where that leaves little. */
function fewMatch({ task, result }: Told): Notice | null {
  const { where, ids, entity } = task
  const { contextRows } = result.summary
  if (where === null || ids.kind !== 'each' || contextRows + result.count === 0) return null
  // of those that match, the query around has left some out
  if (task.narrowed || task.first !== undefined) return null
  const items = where.kind === 'and' ? where.items : [where]
  if (items.every(hasWindows) || (result.count >= FEW_ENTITIES && contextRows >= FEW_EXAMPLES)) return null
  const all = entity.table.estimatedRows
  if (all > 0 && result.count > all / 2) return null
  const key = keyText(entity.table)
  return {
    severity: 'NOTICE',
    code: '01PQ1',
    message: 'WHERE also chooses whom to learn from, and leaves few',
    detail: `${result.count} rows of ${tableText(entity.table)} match, and ${contextRows} examples of the past.`,
    hint: task.selected
      ? `To learn from all: ${task.selected}`
      : `To learn from all: SELECT * FROM (PREDICT … FOR EACH ${key}) p WHERE …`,
  }
}

const hasWindows = (condition: Condition): boolean => walkAggregates(condition).length > 0

function endOfData({ task, times }: Told): Notice | null {
  const { anchor, newest, now } = times
  if (!task.temporal) return null
  const window = intervalBounds(task.horizon!).nominal
  if (task.asOf.kind === 'default' && now - anchor > window)
    return {
      severity: 'NOTICE',
      code: '01PQ4',
      message: `the data ends at ${instant(anchor)}, so that is the anchor`,
      detail: 'The end lies more than one window before now().',
      hint: 'AS OF now() asks about the present all the same.',
    }
  if (task.asOf.kind !== 'default' && anchor - newest > window)
    return {
      severity: 'NOTICE',
      code: '01PQ4',
      message: `the data ends at ${instant(newest)}, long before the anchor`,
      detail: `AS OF is ${instant(anchor)}, more than one window later: it looks as if nothing had happened in between.`,
      hint: 'Without AS OF the end of the data is the anchor.',
    }
  return null
}

/** Where the newest row is looked for in all of a large table. */
function readWhole({ task }: Told): Notice[] {
  return anchorTables(task).flatMap(table => {
    const index = missingTimeIndex(table)
    if (index === null || table.time.kind !== 'own') return []
    return {
      severity: 'NOTICE' as const,
      code: '01PQ8',
      message: `all of ${tableText(table)} is read to find its newest row, since no index begins with ${typed(table.time.column.name)}`,
      detail: `It has about ${Math.round(table.estimatedRows)} rows, and every PREDICT about it reads them.`,
      hint: index,
      once: true,
    }
  })
}

interface SetAside {
  readonly source: Source
  readonly reason: string
}

function givenAway({ tables, result }: Told): Notice | null {
  const setAside = result.summary.setAside as readonly SetAside[]
  const refs = setAside.filter(({ reason }) => reason === 'twin').flatMap(({ source }) => refTo(source, tables))
  if (refs.length === 0) return null
  const names = refs.map(({ table, column }) => `${tableText(table)}.${typed(column.name)}`).join(', ')
  return {
    severity: 'NOTICE',
    code: '01PQ3',
    message: `columns not used, since they follow from what is asked about: ${names}`,
    hint: `To use them all the same: WITH (include = ${literal(names)}).`,
    once: true,
  }
}

function leftOut({ tables, result, outdated }: Told): Notice | null {
  const setAside = result.summary.setAside as readonly SetAside[]
  const suspects = setAside.filter(({ reason }) => reason !== 'twin')
  const refs = [...suspects.flatMap(({ source }) => refTo(source, tables)), ...outdated]
  if (refs.length === 0) return null
  const names = refs.map(({ table, column }) => `${tableText(table)}.${typed(column.name)}`).join(', ')
  return {
    severity: 'NOTICE',
    code: '01PQ3',
    message: `columns not used, since they seem to change after their row was written: ${names}`,
    hint: `To use them all the same: WITH (include = ${literal(names)}).`,
    once: true,
  }
}
