// Lists of columns inside an option's text: `exclude = 'flights.dep_delay, flights.air_time'`.

import { PgError } from '../pg-error.js'
import type { Context } from './context.js'
import { keyColumns, tableText } from './context.js'
import { Cursor } from './cursor.js'
import { findColumn, findTable } from './names.js'
import { nearest } from './nearest.js'
import { parseColumn } from './parse-column.js'
import type { ColumnRef } from './task.js'
import { literal, typed } from './typed.js'

const read = (context: Context, cursor: Cursor): ColumnRef[] => {
  const { parts, star, arrows, start } = parseColumn(cursor)
  if (arrows.length > 0 || parts.length + (star ? 1 : 0) < 2)
    throw new PgError({
      code: '42601',
      message: 'a column of a list needs its table, as table.column',
      position: start,
    })
  const table = findTable(context, star ? parts : parts.slice(0, -1))
  const keys = keyColumns(table)
  const columns = star ? table.columns.filter(c => !keys.includes(c)) : [findColumn(table, parts[parts.length - 1])]
  return columns.map(column => ({ kind: 'column', up: [], table, column }))
}

/** The list with the column that was probably meant in the place of the item that begins at `start`; null where none was. */
const corrected = ({ catalog }: Context, text: string, start: number): string | null => {
  const comma = text.indexOf(',', start)
  const end = comma < 0 ? text.length : comma
  const plain = (name: string) => name.replaceAll('"', '').trim()
  const known = catalog.tables.flatMap(table => table.columns.map(({ name }) => `${tableText(table)}.${typed(name)}`))
  const close = nearest(plain(text.slice(start, end)), known.map(plain))
  const instead = known.find(name => plain(name) === close)
  if (instead === undefined) return null
  const before = text.slice(0, start)
  return before + (before === '' ? '' : ' ') + instead + text.slice(end)
}

/**
 * The columns that a comma-separated list names; `table.*` is every column but the keys.
 * @param position of the list in the client's text, undefined where it is a setting of the session
 * @param option that the list belongs to
 */
export const columnList = (
  context: Context,
  text: string,
  position: number | undefined,
  option: string,
): ColumnRef[] => {
  const cursor = new Cursor(text, false)
  const refs: ColumnRef[] = []
  let start = 0
  try {
    if (cursor.peek().kind === 'end') return refs
    do {
      start = cursor.end
      refs.push(...read(context, cursor))
    } while (cursor.takeOperator(','))
    if (cursor.peek().kind !== 'end') throw cursor.unexpected('"," or the end of the list')
  } catch (error) {
    if (!(error instanceof PgError)) throw error
    const better = corrected(context, text, start)
    const hint = better && `${position === undefined ? 'SET predict.' : 'Write: '}${option} = ${literal(better)}`
    // A place inside the constant is no place in the statement: it may hold escapes.
    throw new PgError({ ...error.fields(), position, hint: hint ?? undefined })
  }
  return refs
}
