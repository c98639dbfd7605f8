// FOR EACH t.key, FOR t.key = c, IN (…), IN (SELECT …), = ANY($1), and composite keys t.(a, b).

import { PgError } from '../pg-error.js'
import type { ColumnName, Constant, IdsSyntax, Name, Span } from './ast.js'
import type { Cursor } from './cursor.js'
import { parseColumn, parseName } from './parse-column.js'
import { parseCondition } from './parse-condition.js'
import { parseConstant, parseConstants } from './parse-constant.js'
import { typed } from './typed.js'

export interface ForSyntax {
  readonly entity: readonly ColumnName[]
  readonly each: boolean
  readonly ids: IdsSyntax
}

const parseEntity = (cursor: Cursor): ColumnName[] => {
  const { start } = cursor.peek()
  const open = cursor.takeOperator('(')
  const first = parseColumn(cursor, 'the key of a table, as table.column')
  if (open) {
    const columns = [first]
    while (cursor.takeOperator(',')) columns.push(parseColumn(cursor))
    cursor.expectOperator(')', '"," or ")"')
    return columns
  }
  if (!cursor.isOperator('.')) return [first]
  cursor.next()
  cursor.expectOperator('(')
  const names: Name[] = []
  do names.push(parseName(cursor, 'a key column'))
  while (cursor.takeOperator(','))
  cursor.expectOperator(')', '"," or ")"')
  const span = cursor.spanFrom(start)
  return names.map(name => ({ parts: [...first.parts, name], star: false, arrows: [], ...span }))
}

/** Whether a query stands in the parentheses that open here. */
const atQuery = (cursor: Cursor): boolean => {
  let ahead = 0
  while (cursor.isOperator('(', ahead)) ahead++
  return ahead > 0 && ['select', 'with', 'values', 'table'].some(word => cursor.isWord(word, ahead))
}

const parseQuery = (cursor: Cursor): IdsSyntax => {
  cursor.expectOperator('(')
  const span = cursor.sql(() => false)
  cursor.expectOperator(')')
  return { kind: 'query', sql: cursor.slice(span), ...span }
}

interface Row {
  readonly values: readonly Constant[]
  readonly start: number
}

const parseRow = (cursor: Cursor): Row => {
  const { start } = cursor.peek()
  if (cursor.peek().kind === 'word' && cursor.isOperator('.', 1)) {
    const column = parseColumn(cursor)
    throw new PgError({
      code: '0A000',
      message: 'FOR takes constants, not columns of the query around',
      detail: `${cursor.slice(column)} differs from row to row; predictions are joined by their key instead.`,
      hint: 'Predict with FOR EACH and join the rows: JOIN (PREDICT … FOR EACH table.key) AS p USING (key)',
      position: start,
    })
  }
  const values = cursor.isOperator('(') ? parseConstants(cursor) : [parseConstant(cursor)]
  return { values, start }
}

/** One constant for each key column, in every row. */
const checkedRows = (cursor: Cursor, entity: readonly ColumnName[], rows: readonly Row[]): Constant[][] =>
  rows.map(({ values, start }) => {
    if (values.length === entity.length) return [...values]
    throw new PgError({
      code: '42601',
      message: `row has ${values.length} values for ${entity.length} key columns`,
      hint: `Write: IN (${inRows(cursor, entity, rows)})`,
      position: start,
    })
  })

/** The constants of all rows, so many a row as the key has columns; or the rows whose key begins with one of them. */
const inRows = (cursor: Cursor, entity: readonly ColumnName[], rows: readonly Row[]): string => {
  const all = rows.flatMap(({ values }) => values.map(value => cursor.slice(value)))
  const { length } = entity
  if (length === 1) return all.join(', ')
  if (all.length % length === 0)
    return Array.from(
      { length: all.length / length },
      (_, i) => `(${all.slice(i * length, (i + 1) * length).join(', ')})`,
    ).join(', ')
  const names = entity.map(({ parts }) => typed(parts[parts.length - 1].text))
  const table = entity[0].parts.slice(0, -1).map(({ text }) => typed(text))
  return `SELECT ${names.join(', ')} FROM ${table.join('.')} WHERE ${names[0]} IN (${all.join(', ')})`
}

const parseEquals = (cursor: Cursor, entity: readonly ColumnName[], start: number): IdsSyntax => {
  if ((cursor.isWord('any') || cursor.isWord('some')) && cursor.isOperator('(', 1)) {
    cursor.next()
    cursor.next()
    if (cursor.isWord('select')) throw cursor.unexpected('an array', { hint: 'Write: IN (SELECT' })
    // how drivers that put parameters into the text write a list
    if (cursor.isWord('array') && cursor.isOperator('[', 1)) return parseArray(cursor, entity, start)
    const array = parseConstant(cursor)
    cursor.expectOperator(')')
    if (entity.length > 1)
      throw new PgError({
        code: '0A000',
        message: 'ANY names the rows of a table with one key column',
        hint: 'Write: IN (SELECT * FROM unnest($1, $2))',
        position: start,
      })
    return { kind: 'any', array, ...cursor.spanFrom(start) }
  }
  if (atQuery(cursor)) throw cursor.unexpected('a constant', { hint: 'Write: IN (' })
  const row = parseRow(cursor)
  return { kind: 'list', rows: checkedRows(cursor, entity, [row]), ...cursor.spanFrom(start) }
}

const parseArray = (cursor: Cursor, entity: readonly ColumnName[], start: number): IdsSyntax => {
  cursor.next()
  cursor.next()
  const rows = [parseRow(cursor)]
  while (cursor.takeOperator(',')) rows.push(parseRow(cursor))
  cursor.expectOperator(']', '"," or "]"')
  cursor.expectOperator(')')
  return { kind: 'list', rows: checkedRows(cursor, entity, rows), ...cursor.spanFrom(start) }
}

const parseIn = (cursor: Cursor, entity: readonly ColumnName[], start: number): IdsSyntax => {
  if (!cursor.isOperator('(')) {
    const token = cursor.peek()
    const value = cursor.slice(parseConstant(cursor))
    throw cursor.unexpected('a list in parentheses', { hint: `Write: IN (${value})` }, token)
  }
  if (atQuery(cursor)) return { ...parseQuery(cursor), ...cursor.spanFrom(start) } as IdsSyntax
  cursor.next()
  if (cursor.isOperator(')')) throw cursor.unexpected('one key at least')
  const rows = [parseRow(cursor)]
  while (cursor.takeOperator(',')) rows.push(parseRow(cursor))
  cursor.expectOperator(')', '"," or ")"')
  return { kind: 'list', rows: checkedRows(cursor, entity, rows), ...cursor.spanFrom(start) }
}

const COMPARISONS = ['<>', '!=', '<', '<=', '>', '>=']

/** A condition where keys should be: read to its end, so that the hint can hold it. */
const parseSelection = (cursor: Cursor, entity: readonly ColumnName[], at: Span): IdsSyntax => {
  if (entity.length > 1) throw cursor.unexpected('"=" or IN')
  cursor.seek(entity[0].start)
  const condition = parseCondition(cursor)
  return { kind: 'condition', condition, at: { start: at.start, end: at.end }, ...cursor.spanFrom(entity[0].start) }
}

const parseIds = (cursor: Cursor, entity: readonly ColumnName[], named: string): IdsSyntax => {
  const { start, text, kind } = cursor.peek()
  if (cursor.takeOperator('=')) return parseEquals(cursor, entity, start)
  if (cursor.takeWord('in')) return parseIn(cursor, entity, start)
  if (
    (kind === 'operator' && COMPARISONS.includes(text)) ||
    ['between', 'not', 'is', 'like', 'ilike', 'contains', 'starts', 'ends'].some(word => cursor.isWord(word))
  )
    return parseSelection(cursor, entity, cursor.peek())
  throw cursor.unexpected('"=" or IN', {
    detail: 'FOR names the rows to predict for; FOR EACH takes them all.',
    hint: `Write: FOR EACH ${named}`,
  })
}

/** Reads from behind the word FOR. */
export const parseFor = (cursor: Cursor): ForSyntax => {
  const each = cursor.takeWord('each')
  const { start } = cursor.peek()
  const entity = parseEntity(cursor)
  const named = cursor.slice(cursor.spanFrom(start))
  if (!each) return { entity, each, ids: parseIds(cursor, entity, named) }
  if (cursor.isOperator('=') || cursor.isWord('in')) {
    throw cursor.unexpected('a clause or the end', {
      detail: 'FOR EACH takes every row; FOR alone takes the rows it names.',
      hint: `Write: FOR ${named}`,
    })
  }
  return { entity, each, ids: { kind: 'each' } }
}
