// FOR: the table whose rows are predicted for, its key, and which of its rows.

import { PgError } from '../pg-error.js'
import type { ColumnName, Name, PredictSyntax, Syntax } from './ast.js'
import type { Column, Table } from './catalog.js'
import { checkKeyNumber, typeArray, typeConstant } from './constants.js'
import type { Context } from './context.js'
import { fullTableText, keyText, slice, tableText } from './context.js'
import { findColumn, findTable, spanOf, tableNamed } from './names.js'
import { reachable } from './paths.js'
import { forSelected } from './selected.js'
import { holdsAggregate } from './target.js'
import type { Ids } from './task.js'
import { typed } from './typed.js'
import { columnType } from './types.js'

/** Every column name that a condition or aggregate starts with, in order. */
const firstColumn = (syntax: Syntax): ColumnName | null => {
  switch (syntax.kind) {
    case 'aggregate':
    case 'column':
      return syntax.column
    case 'and':
    case 'or':
      return firstColumn(syntax.items[0])
    case 'not':
      return firstColumn(syntax.item)
    default:
      return firstColumn(syntax.left)
  }
}

/** FOR is missing: the target's own tables say what may have been meant. */
const missingFor = (context: Context, syntax: PredictSyntax): PgError => {
  const name = firstColumn(syntax.target)
  const parts = name ? (name.star ? name.parts : name.parts.slice(0, -1)) : []
  const table = tableNamed(context, parts)
  const aggregated = holdsAggregate(syntax.target)
  const meant = table && [...(aggregated ? [] : [table]), ...reachable(table, 'up')].find(({ key }) => key !== null)
  return new PgError({
    code: '42601',
    message: 'FOR EACH is missing',
    detail: 'It names the rows to predict for, by the key of their table.',
    hint: meant && `Write: FOR EACH ${keyText(meant)}`,
    position: syntax.end,
  })
}

const noKey = (table: Table, columns: readonly Column[], position: number): PgError => {
  const names = columns.map(({ name }) => typed(name)).join(', ')
  return new PgError({
    code: 'PQ001',
    message: `table "${table.name}" has no primary key or unique not-null index`,
    detail: 'PREDICT names the rows it answers for by their key.',
    hint: `ALTER TABLE ${fullTableText(table)} ADD PRIMARY KEY (${names}), or COMMENT ON TABLE ${fullTableText(table)} IS '@predict key(${names})'`,
    position,
  })
}

const entityTable = (context: Context, name: ColumnName): Table => {
  const { parts, star, arrows } = name
  if (parts.length === 1 || star || arrows.length > 0) {
    const table = findTable(context, parts.length === 1 ? parts : parts.slice(0, star ? undefined : -1))
    throw new PgError({
      code: '42601',
      message: 'FOR needs the key of a table, as table.column',
      hint: table.key ? `Write: ${keyText(table)}` : undefined,
      position: name.start,
    })
  }
  return findTable(context, parts.slice(0, -1))
}

export interface Entity {
  readonly table: Table
  readonly key: readonly Column[]
  /** The key's columns in the order that FOR names them. */
  readonly named: readonly Column[]
}

/** @throws PgError 42601, 42P01, 42703, 42P10 where the columns are not the key, PQ001 where there is none */
export const checkEntity = (context: Context, syntax: PredictSyntax): Entity => {
  const [first] = syntax.entity
  if (!first) throw missingFor(context, syntax)
  const table = entityTable(context, first)
  const named = syntax.entity.map(name => {
    if (entityTable(context, name) !== table)
      throw new PgError({
        code: '42601',
        message: 'the columns behind FOR must be of one table',
        hint: table.key ? `Write: ${keyText(table)}` : undefined,
        position: name.start,
      })
    return findColumn(table, name.parts[name.parts.length - 1])
  })
  const { key } = table
  if (!key) throw noKey(table, named, first.start)
  const stranger = named.findIndex((column, at) => !key.includes(column) || named.indexOf(column) !== at)
  if (stranger < 0 && named.length === key.length) return { table, key, named }
  const { parts } = syntax.entity[Math.max(stranger, 0)]
  const shown = named[Math.max(stranger, 0)].name
  throw new PgError({
    code: '42P10',
    message:
      stranger >= 0
        ? `column "${shown}" is not ${key.length === 1 ? 'the primary key' : 'part of the primary key'} of "${table.name}"`
        : `the primary key of "${table.name}" has ${key.length} columns`,
    detail: `Its key is ${key.map(({ name }) => typed(name)).join(', ')}.`,
    hint: `Write: ${selected(context, syntax, table) ?? keyOf(parts.slice(0, -1), key)}`,
    position: spanOf(parts).start,
  })
}

/** The rows that were meant where FOR holds a condition on one column instead of keys. */
const selected = (context: Context, { entity, ids }: PredictSyntax, table: Table): string | null => {
  if (ids.kind === 'condition') return forSelected(context, table, ids.condition)
  const values = ids.kind === 'list' ? ids.rows.flat().map(value => slice(context, value)) : []
  if (values.length === 0 || entity.length > 1 || values.some(value => value.startsWith('$'))) return null
  const [column] = entity
  const condition: Syntax = { kind: 'column', column, start: column.start, end: column.end }
  const bare = forSelected(context, table, condition)
  return bare && `${bare.slice(0, -1)} ${values.length > 1 ? `IN (${values.join(', ')})` : `= ${values[0]}`})`
}

/** A key as it is named behind the name that the table was given. */
const keyOf = (table: readonly Name[], key: readonly Column[]): string => {
  const columns = key.map(({ name }) => typed(name))
  return `${table.map(({ text }) => typed(text)).join('.')}.${columns.length === 1 ? columns[0] : `(${columns.join(', ')})`}`
}

const everyKey = (table: Table): string =>
  `FOR ${keyText(table)} IN (SELECT ${table.key!.map(({ name }) => typed(name)).join(', ')} FROM ${tableText(table)})`

/** A key that is NULL names no row. */
const refuseNull = (entity: Entity, position: number): PgError =>
  new PgError({
    code: '22004',
    message: 'a key cannot be NULL',
    detail: `No row of ${tableText(entity.table)} has it.`,
    hint: `Write: FOR EACH ${keyText(entity.table)}`,
    position,
  })

/** The rows that FOR names, each with its key in the key's own order. */
export const checkIds = (context: Context, { ids }: PredictSyntax, entity: Entity): Ids => {
  const { key, named } = entity
  switch (ids.kind) {
    case 'each':
      return ids
    case 'any':
      return { kind: 'any', array: typeArray(context, ids.array, columnType(key[0])) }
    case 'condition': {
      const instead = forSelected(context, entity.table, ids.condition)
      throw new PgError({
        code: '42601',
        message: `syntax error at or near "${slice(context, ids.at)}"`,
        detail: 'FOR names rows by their key: with "=" or IN.',
        hint: instead ? `Write: ${instead}` : `Write: ${everyKey(entity.table)}`,
        position: ids.at.start,
      })
    }
    case 'list':
      return {
        kind: 'list',
        rows: ids.rows.map(row =>
          key.map(column => {
            const constant = row[named.indexOf(column)]
            if (constant.kind === 'null') throw refuseNull(entity, constant.start)
            checkKeyNumber(constant, columnType(column))
            return typeConstant(context, constant, columnType(column), '=')
          }),
        ),
      }
    case 'query': {
      const span = { start: ids.start, end: ids.end }
      if (named.every((column, at) => column === key[at])) return { kind: 'query', sql: ids.sql, span }
      const columns = named.map((_, at) => `c${at}`)
      const ordered = key.map(column => `q.c${named.indexOf(column)}`)
      return { kind: 'query', sql: `SELECT ${ordered.join(', ')} FROM (${ids.sql}) AS q (${columns.join(', ')})`, span }
    }
  }
}
