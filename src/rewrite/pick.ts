// How a node picks its own row from the rows of an answer: a scalar by looking its key up, in a map that Postgres builds once for
// the statement; a table expression by a condition, which Postgres turns into a join.

import { PgError } from '../pg-error.js'
import type { PredictSyntax } from '../pql/ast.js'
import type { Catalog, Table } from '../pql/catalog.js'
import type { Ids, OutputColumn, Task } from '../pql/task.js'
import { typed } from '../pql/typed.js'
import type { KeyExpression } from './correlate.js'
import type { Facet, Node } from './node.js'
import { castName, quote } from './quote.js'

/** The expression for each of the answer's key columns, in their order. */
export interface Pick {
  readonly keys: readonly KeyExpression[]
  /** null: whole rows. */
  readonly facet: Facet | null
  /** Index among the outputs of what a facet shows first. */
  readonly shown: number
  /** SQL for the value that a probability is of. */
  readonly ofClass: Node['ofClass']
}

/** Every key of the entity, for a PREDICT whose rows are picked by the query around. */
export const allKeys = ({ entity: { table, key } }: Task): Ids => ({
  kind: 'query',
  sql: `SELECT ${key.map(({ name }) => quote(name)).join(', ')} FROM ${quote(table.schema)}.${quote(table.name)}`,
  span: { start: 0, end: 0 },
})

/** @throws PgError, with a position in the node's PQL, 42P10 where the key is not whole, 42809 where the target has no such facet */
export const pickOf = (node: Node, keys: readonly KeyExpression[], task: Task): Pick => {
  const { key, table } = task.entity
  const inOrder = key.map(({ name }) => keys.find(({ column }) => column === name))
  const whole = inOrder.filter(found => found !== undefined)
  if (whole.length < key.length)
    throw new PgError({
      code: '42P10',
      message: `the primary key of "${table.name}" has ${key.length} columns`,
      detail: `Its key is ${key.map(({ name }) => typed(name)).join(', ')}.`,
      position: 0,
    })
  return { keys: whole, facet: node.facet, shown: key.length + shownBy(node, task), ofClass: node.ofClass }
}

/** Place of a facet behind the key: anchor_time is first, then as output-columns.ts has them. */
const shownBy = ({ facet, ofClass }: Node, { kind }: Task): number => {
  const refuse = (message: string, hint: string) =>
    new PgError({ code: facet === 'value' ? '0A000' : '42809', message, hint, position: 0 })
  if (kind !== 'binary' && kind !== 'numeric' && kind !== 'multiclass')
    throw refuse(
      `${kind.toUpperCase()} gives several rows, not a value`,
      'Write: FROM (PREDICT … FOR EACH table.key) AS p',
    )
  if (facet === 'probability' && kind === 'numeric')
    throw refuse('a number has no probability', 'Write: PREDICT_INTERVAL')
  if (facet === 'interval' && kind !== 'numeric')
    throw refuse('only a number has an interval', 'Write: PREDICT_PROBABILITY')
  // of a value that is named, all probabilities are looked at
  return facet === 'value' ? 1 : ofClass && kind === 'multiclass' ? 3 : 2
}

/**
 * The key of the row at hand may be a foreign key: then the row it refers to is meant.
 * @returns the syntax and expressions with the key of that row's table in place of the foreign key
 */
export const throughLink = (
  syntax: PredictSyntax,
  keys: readonly KeyExpression[],
  catalog: Catalog,
  aliases: ReadonlyMap<string, Table>,
): { readonly syntax: PredictSyntax; readonly keys: readonly KeyExpression[] } => {
  const [first] = syntax.entity
  const parts = first?.parts.slice(0, -1) ?? []
  const table = tableOf(
    parts.map(({ text }) => text),
    catalog,
    aliases,
  )
  const names = syntax.entity.map(({ parts }) => parts.at(-1)!.text)
  if (!table || names.every(name => table.key?.some(column => column.name === name))) return { syntax, keys }
  const link = table.parents.find(
    ({ columns }) => columns.length === names.length && columns.every(({ name }) => names.includes(name)),
  )
  if (!link) return { syntax, keys }
  const referred = (name: string) => link.toColumns[link.columns.findIndex(column => column.name === name)].name
  const { start, end } = first
  const part = (text: string) => ({ text, quoted: true, start, end })
  const entity = names.map(name => ({
    ...first,
    parts: [part(link.to.schema), part(link.to.name), part(referred(name))],
  }))
  return { syntax: { ...syntax, entity }, keys: keys.map(key => ({ ...key, column: referred(key.column) })) }
}

const tableOf = (
  parts: readonly string[],
  catalog: Catalog,
  aliases: ReadonlyMap<string, Table>,
): Table | undefined => {
  const [schema, name] = parts.length > 1 ? parts : [null, parts[0]]
  if (schema !== null) return catalog.tables.find(table => table.schema === schema && table.name === name)
  return aliases.get(name) ?? catalog.tables.find(table => table.visible && table.name === name)
}

/** What builds a piece of the outer SQL: text of ours, and slices of the client's. */
export interface Write {
  ours(text: string): void
  slice(start: number, end: number): void
}

const expression = ({ prefix, start, end }: KeyExpression, write: Write): void => {
  write.ours(`(${prefix}`)
  write.slice(start, end)
  write.ours(')')
}

const list = <T>(items: readonly T[], separator: string, write: Write, each: (item: T, i: number) => void): void => {
  for (const [i, item] of items.entries()) {
    if (i > 0) write.ours(separator)
    each(item, i)
  }
}

const WHOLE_NUMBERS = [20, 21, 23]

/** A key's text, alike for every type that holds whole numbers; no other value's text is like it. */
const keyCast = ({ type, typeName }: OutputColumn): string =>
  WHOLE_NUMBERS.includes(type) ? 'pg_catalog.numeric' : castName(typeName)

const TEXTS = [18, 19, 25, 1042, 1043]

/** A value that is named must be one of the type's: a label of the enum, a whole number. */
const asClass = ({ type, typeName }: OutputColumn): string => (TEXTS.includes(type) ? '' : `::${castName(typeName)}`)

/** @param rows FROM item of the answer, its columns named c1, c2, … */
export const writeScalar = (pick: Pick, outputs: readonly OutputColumn[], rows: string, write: Write): void => {
  const { keys, facet, shown, ofClass } = pick
  const text = (column: number) => `c${column + 1}::pg_catalog.text`
  const name = keys.length === 1 ? text(0) : `ROW(${keys.map((_, i) => text(i)).join(', ')})::pg_catalog.text`
  const value =
    facet === 'interval'
      ? `pg_catalog.numrange(c${shown + 1}::pg_catalog.numeric, c${shown + 2}::pg_catalog.numeric, '[]')`
      : `c${shown + 1}`
  const isMap = outputs[shown].typeName === 'jsonb'
  const lookUp = () => {
    const operator = isMap ? '->' : '->>'
    write.ours(
      `((SELECT pg_catalog.jsonb_object_agg(${name}, ${value}) FROM ${rows}) OPERATOR(pg_catalog.${operator}) `,
    )
    if (keys.length > 1) write.ours('ROW(')
    list(keys, ', ', write, (key, i) => {
      expression(key, write)
      write.ours(`::${keyCast(outputs[i])}::pg_catalog.text`)
    })
    write.ours(keys.length > 1 ? ')::pg_catalog.text)' : ')')
  }
  const wanted = ofClass && { ...ofClass, prefix: '', column: '' }
  if (wanted && isMap) {
    const named = () => {
      expression(wanted, write)
      write.ours(`${asClass(outputs[shown - 2])}::pg_catalog.text`)
    }
    // a value that no example has is in no map, and not expected at all
    write.ours('((pg_catalog.jsonb_build_object(coalesce(')
    named()
    write.ours(", ''), 0) OPERATOR(pg_catalog.||) ")
    lookUp()
    write.ours(') OPERATOR(pg_catalog.->>) ')
    named()
    write.ours(')::pg_catalog.float8')
  } else if (wanted) {
    write.ours('(CASE WHEN ')
    expression(wanted, write)
    write.ours('::pg_catalog.bool THEN 0 ELSE 1 END + CASE WHEN ')
    expression(wanted, write)
    write.ours('::pg_catalog.bool THEN 1 ELSE -1 END * ')
    lookUp()
    write.ours('::pg_catalog.float8)')
  } else {
    lookUp()
    write.ours(`::${facet === 'interval' ? 'pg_catalog.numrange' : outputs[shown].typeName}`)
  }
}

/** @param rows FROM item of the answer, its columns named by `name`, as nothing in the client's expressions can be */
export const writePicked = (
  { keys }: Pick,
  select: string,
  rows: string,
  name: (column: number) => string,
  write: Write,
): void => {
  write.ours(`${select} FROM ${rows} WHERE `)
  list(keys, ' AND ', write, (key, i) => {
    write.ours(`${name(i)} = `)
    expression(key, write)
  })
}
