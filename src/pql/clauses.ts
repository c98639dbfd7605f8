// WHERE, ASSUMING and AS OF: what each may look at, given what the target is about.

import { PgError } from '../pg-error.js'
import type { PredictSyntax, Syntax } from './ast.js'
import type { Table } from './catalog.js'
import { checkCondition } from './conditions.js'
import { typeConstant } from './constants.js'
import type { Context } from './context.js'
import { fullTableText, slice, tableText } from './context.js'
import { restated } from './restate.js'
import { firstPlainColumn } from './target.js'
import type { AsOf, Condition } from './task.js'
import { typed } from './typed.js'
import { isTime, TIMESTAMPTZ } from './types.js'
import { walkAggregates } from './walk.js'

/** The statement without one of its clauses, keyword and all. */
const without = (context: Context, keyword: RegExp, clause: Syntax, where?: string): string => {
  const before = context.text.slice(0, clause.start)
  const found = [...before.matchAll(keyword)].pop()!.index
  const start = before.slice(0, found).trimEnd().length
  return restated(context, [{ start, end: clause.end, text: '' }], where)
}

/** The entity filter: columns of now, aggregates of before; of a static target only the former. */
export const checkWhere = (
  context: Context,
  { where }: PredictSyntax,
  entity: Table,
  temporal: boolean,
): Condition | null => {
  if (!where) return null
  const condition = checkCondition(context, where, { place: 'where', base: entity, entity })
  const dated = walkAggregates(condition).find(({ window }) => window !== null)
  if (dated && !temporal)
    throw new PgError({
      code: '42601',
      message: 'WHERE cannot look at windows when the target is a column',
      detail: 'A column is predicted for a row as it stands: there is no anchor to look back from.',
      hint: `Write: ${without(context, /where/gi, where)}`,
      position: dated.span.start,
    })
  return condition
}

/** What is assumed of the time ahead: aggregates alone, and only beside a target that lies ahead too. */
export const checkAssuming = (
  context: Context,
  { assuming }: PredictSyntax,
  entity: Table,
  temporal: boolean,
): Condition | null => {
  if (!assuming) return null
  if (!temporal)
    throw new PgError({
      code: '42601',
      message: 'ASSUMING needs a target that lies ahead',
      detail: 'The target is a column, known or not at any time.',
      hint: `Write: ${without(context, /assuming/gi, assuming)}`,
      position: assuming.start,
    })
  const column = firstPlainColumn(assuming)
  if (column)
    throw new PgError({
      code: '42601',
      message: 'ASSUMING is about windows ahead, not about columns',
      detail: `${slice(context, column)} is known at the anchor.`,
      hint:
        assuming.kind === 'and' || assuming.kind === 'or'
          ? undefined
          : `Write: ${without(context, /assuming/gi, assuming, slice(context, assuming))}`,
      position: column.start,
    })
  return checkCondition(context, assuming, { place: 'assuming', base: entity, entity })
}

/** AS OF: one point in time for all, or each entity's own. */
export const checkAsOf = (context: Context, { asOf }: PredictSyntax, entity: Table, aggregates: boolean): AsOf => {
  switch (asOf.kind) {
    case 'default':
      return { kind: 'default' }
    case 'expression':
      return { kind: 'expression', sql: asOf.sql, span: { start: asOf.start, end: asOf.end } }
    case 'constant':
      return { kind: 'constant', value: typeConstant(context, asOf.value, TIMESTAMPTZ, '=') }
    case 'entity time':
      if (aggregates)
        throw new PgError({
          code: '22023',
          message: 'AS OF ENTITY TIME needs a column as target',
          detail: 'A window that starts at the time of each row is asked for with AS OF and that time.',
          hint: 'Write: AS OF now()',
          position: asOf.start,
        })
      if (entity.time.kind === 'static') {
        const candidate = entity.columns.find(isTime)
        throw new PgError({
          code: 'PQ003',
          message: `table "${entity.name}" has no time column`,
          detail: `AS OF ENTITY TIME reads each row of ${tableText(entity)} at its own time.`,
          hint: candidate && `COMMENT ON COLUMN ${fullTableText(entity)}.${typed(candidate.name)} IS '@predict time'`,
          position: asOf.start,
        })
      }
      return { kind: 'entity time' }
  }
}
