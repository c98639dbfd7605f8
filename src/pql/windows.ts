// Which windows may stand where: targets and ASSUMING look forward, WHERE looks back, and only dated tables have windows at all.

import { PgError } from '../pg-error.js'
import type { AggregateSyntax, Interval, LateBound, Span } from './ast.js'
import type { Table } from './catalog.js'
import type { Context, Place } from './context.js'
import { fullTableText, slice, tableText } from './context.js'
import { compare, intervalText, multiply, nominal, subtract, UNITS, ZERO } from './interval.js'
import { lateBound } from './late.js'
import type { Aggregate, Step, Window } from './task.js'
import { typed } from './typed.js'
import { isTime } from './types.js'

const FALLBACK = multiply(UNITS.get('day')!, 30)

/** How many of a unit an interval is; null where it is no whole number of them. */
const countOf = (bound: Interval, unit: string): number | null => {
  const one = UNITS.get(unit)!
  const size = one.months + one.days === 0 ? one.microseconds : BigInt(one.months + one.days)
  const amount = one.months > 0 ? BigInt(bound.months) : one.days > 0 ? BigInt(bound.days) : bound.microseconds
  const count = Number(amount / size)
  return compare(multiply(one, count), bound) === 0 && (count !== 0 || nominal(bound) === 0n) ? count : null
}

/** Bounds as they are typed inside an aggregate: `0, 30, days`. */
const boundsText = (from: Interval, to: Interval): string => {
  for (const unit of ['day', 'month', 'hour', 'minute', 'second']) {
    const counts = [from, to].map(bound => countOf(bound, unit))
    if (counts.every(count => count !== null)) return `${counts.join(', ')}, ${unit}s`
  }
  return `INTERVAL '${intervalText(from)}', INTERVAL '${intervalText(to)}'`
}

const forward = (place: Place): boolean => place !== 'where'

/** A window's bounds once they are known. */
interface Bounds extends Span {
  readonly from: Interval | null
  readonly to: Interval
  /** As written, or with the values of parameters in their places. */
  readonly shown: string
}

/** The window nearest to a refused one that may stand there. */
const corrected = (place: Place, { from, to }: Bounds): string => {
  const [low, high] = from === null ? [ZERO, to] : compare(from, to) <= 0 ? [from, to] : [to, from]
  const sign = forward(place) ? 1 : -1
  const a = sign === 1 ? low : multiply(high, -1)
  const b = sign === 1 ? high : multiply(low, -1)
  // From here on both look forward; a window that looks back is mirrored at the end.
  let start = nominal(a) < 0n ? ZERO : a
  let end = nominal(b) <= 0n ? multiply(a, -1) : b
  if (nominal(b) <= 0n) start = multiply(b, -1)
  if (compare(start, end) >= 0) {
    start = ZERO
    end = nominal(end) > 0n ? end : FALLBACK
  }
  return sign === 1 ? boundsText(start, end) : boundsText(multiply(end, -1), multiply(start, -1))
}

const PLACES: Readonly<Record<Place, string>> = {
  target: 'a target',
  assuming: 'ASSUMING',
  where: 'WHERE',
  filter: 'a filter',
}

const checkBounds = (context: Context, syntax: AggregateSyntax, window: Bounds, place: Place, leaf: string): void => {
  const refuse = (message: string, detail: string, hint: string) => {
    throw new PgError({ code: '22023', message, detail, hint, position: window.start })
  }
  const { from, to, shown } = window
  const hint = `Write: ${corrected(place, window)}`
  if (from !== null && compare(from, to) >= 0) refuse('a window must start before it ends', `It is ${shown}.`, hint)
  if (forward(place)) {
    if (from === null || nominal(from) < 0n)
      refuse(
        `${PLACES[place]} looks forward from the anchor`,
        `The window ${shown} starts ${from === null ? 'at no time at all' : 'before it'}; what has happened is read anyway.`,
        hint,
      )
  } else if (nominal(to) > 0n) {
    const ahead = from !== null && nominal(from) >= 0n
    refuse(
      'WHERE looks back from the anchor',
      `The window ${shown} ends after it.`,
      ahead ? `Write: ASSUMING ${leaf || slice(context, syntax)}` : hint,
    )
  }
}

/** A table with no time of its own and none to inherit. */
const noTime = (table: Table, position: number): PgError => {
  const candidates = table.columns.filter(isTime).map(({ name }) => typed(name))
  const column = candidates[0]
  return new PgError({
    code: 'PQ003',
    message: `table "${table.name}" has no time column`,
    detail:
      candidates.length === 0
        ? 'It has no date or timestamp column, and no foreign key without NULLs to a table that has one.'
        : `Candidates are ${candidates.join(', ')}.`,
    hint: column
      ? `COMMENT ON COLUMN ${fullTableText(table)}.${column} IS '@predict time'`
      : `ALTER TABLE ${fullTableText(table)} ADD COLUMN ${missingTime(table)}`,
    position,
  })
}

/** Whether rows have no other time than that of the entity they hang on, so that none of them ever lies ahead. */
const agesWith = ({ time }: Table, entity: Table): boolean =>
  time.kind === 'inherited' && time.through.every(({ to }) => to === entity || agesWith(to, entity))

const asOld = (table: Table, entity: Table, position: number): PgError => {
  const column = table.columns.find(isTime)?.name
  return new PgError({
    code: 'PQ003',
    message: `table "${table.name}" has no time column of its own`,
    detail: `Its rows are taken to be as old as those of ${tableText(entity)} that they belong to, so no window ahead holds any.`,
    hint: column
      ? `COMMENT ON COLUMN ${fullTableText(table)}.${typed(column)} IS '@predict time'`
      : `ALTER TABLE ${fullTableText(table)} ADD COLUMN ${missingTime(table)}`,
    position,
  })
}

/** Rows that carry the number of a year have a time already; others can only begin to get one. */
const missingTime = ({ columns }: Table): string => {
  const year = columns.find(({ name, typeClass }) => typeClass === 'integer' && /year|season/i.test(name))?.name
  return year === undefined
    ? 'created_at timestamptz NOT NULL DEFAULT now()'
    : `${typed(`${year}_start`)} date GENERATED ALWAYS AS (make_date(${typed(year)}::int, 1, 1)) STORED`
}

const isLate = (bound: Interval | LateBound | null): bound is LateBound => bound !== null && 'param' in bound

/** null: the values of its parameters are not known yet. */
const boundsOf = (
  context: Context,
  { from, to, start, end }: NonNullable<AggregateSyntax['window']>,
): Bounds | null => {
  const first = isLate(from) ? lateBound(context, from) : from
  const last = isLate(to) ? lateBound(context, to) : to
  if (first === undefined || last === undefined) return null
  const late = isLate(from) || isLate(to)
  const shown = late && first ? boundsText(first, last) : slice(context, { start, end })
  return { from: first, to: last, shown, start, end }
}

/** The aggregate's text with a window put in. */
const withWindow = (context: Context, syntax: AggregateSyntax, bounds: string): string => {
  const head = slice(context, { start: syntax.start, end: (syntax.where ?? syntax.via ?? syntax.column).end })
  return `${head}, ${bounds})`
}

/**
 * The window of an aggregate over `table`.
 * @param leaf text of the condition it is part of, for hints
 * @param path from the entity down to the table
 * @returns null over a static table, which has none, and of a list in a target whose rows have no time of their own
 * @throws PgError 22023, 42601, PQ003
 */
export const checkWindow = (
  context: Context,
  syntax: AggregateSyntax,
  table: Table,
  place: Place,
  leaf: string,
  path: readonly Step[],
): Window | null => {
  const { window } = syntax
  const dated = table.time.kind !== 'static'
  // rows as old as what they belong to are a list that it has
  const list = syntax.name === 'LIST_DISTINCT' && path.every(({ link }) => link.from.time.kind !== 'own')
  if (window === null && list && place === 'target') return null
  if (window === null) {
    if (dated)
      throw new PgError({
        code: '42601',
        message: `${syntax.name} over "${table.name}" needs a window`,
        detail: `Rows of ${tableText(table)} have a time: a start and an end say which of them count.`,
        hint: `Write: ${withWindow(context, syntax, place === 'where' ? '-INF, 0' : '0, 30, days')}`,
        position: syntax.end - 1,
      })
    if (place !== 'where') throw noTime(table, syntax.column.start)
    return null
  }
  if (!dated) throw noTime(table, window.start)
  const entity = path[0]?.link.to
  if (place === 'target' && entity && agesWith(table, entity)) throw asOld(table, entity, window.start)
  const bounds = boundsOf(context, window)
  if (!bounds) return forward(place) ? AHEAD : BEHIND
  checkBounds(context, syntax, bounds, place, leaf)
  return { start: bounds.from, end: bounds.to }
}

/** What stands for a window whose bounds are not known yet. */
const AHEAD: Window = { start: ZERO, end: FALLBACK }
const BEHIND: Window = { start: multiply(FALLBACK, -1), end: ZERO }

const widest = (intervals: readonly Interval[]): Interval | null =>
  intervals.reduce<Interval | null>((best, next) => (best && compare(best, next) >= 0 ? best : next), null)

/** The width of the widest window; null where no window has one. */
export const horizonOf = (aggregates: readonly Aggregate[]): Interval | null =>
  widest(aggregates.flatMap(({ window }) => (window ? [subtract(window.end, window.start ?? ZERO)] : [])))

/** The latest end; null where there is no window. */
export const reachOf = (aggregates: readonly Aggregate[]): Interval | null =>
  widest(aggregates.flatMap(({ window }) => (window ? [window.end] : [])))
