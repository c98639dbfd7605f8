// Lists of columns inside an option's text: `exclude = 'flights.dep_delay, flights.air_time'`.

import { PgError } from '../pg-error.js'
import type { Context } from './context.js'
import { keyColumns } from './context.js'
import { Cursor } from './cursor.js'
import { findColumn, findTable } from './names.js'
import { parseColumn } from './parse-column.js'
import type { ColumnRef } from './task.js'

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

/**
 * The columns that a comma-separated list names; `table.*` is every column but the keys.
 * @param position of the list in the client's text, undefined where it is a setting of the session
 */
export const columnList = (context: Context, text: string, position: number | undefined): ColumnRef[] => {
  const cursor = new Cursor(text, false)
  const refs: ColumnRef[] = []
  try {
    if (cursor.peek().kind === 'end') return refs
    do refs.push(...read(context, cursor))
    while (cursor.takeOperator(','))
    if (cursor.peek().kind !== 'end') throw cursor.unexpected('"," or the end of the list')
  } catch (error) {
    // A place inside the constant is no place in the statement: it may hold escapes.
    throw error instanceof PgError ? new PgError({ ...error.fields(), position }) : error
  }
  return refs
}
