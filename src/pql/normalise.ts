// The text that two equal questions share: names resolved, constants typed, clauses in one order. A key for caches, not a statement.

import type { Constant, Interval } from './ast.js'
import type { Column, Table } from './catalog.js'
import { intervalText } from './interval.js'
import type { Aggregate, ColumnRef, Condition, Operand, Options, Step, Target, Task, TypedConstant } from './task.js'
import { literal } from './typed.js'

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const tableName = (table: Table): string => `${quoted(table.schema)}.${quoted(table.name)}`
const columnNames = (columns: readonly Column[]): string => columns.map(({ name }) => quoted(name)).join(', ')

const stepText = ({ link }: Step): string => `${tableName(link.from)}(${columnNames(link.columns)})`

const columnText = ({ up, table, column }: ColumnRef): string =>
  `${up.map(step => `${stepText(step)}->`).join('')}${tableName(table)}.${quoted(column.name)}`

const constantValue = (constant: Constant): string => {
  switch (constant.kind) {
    case 'null':
      return 'NULL'
    case 'bool':
      return literal(String(constant.value))
    case 'number':
      return literal(/^-?\d+$/.test(constant.text) ? BigInt(constant.text).toString() : constant.text.toLowerCase())
    case 'param':
      return `$${constant.index}`
    default:
      return literal(constant.text)
  }
}

const constantText = ({ constant, typeName }: TypedConstant): string => `${constantValue(constant)}::${typeName}`

const boundText = (bound: Interval | null): string => (bound ? literal(intervalText(bound)) : '-INF')

const aggregateText = ({ name, path, table, column, filter, window }: Aggregate): string => {
  const rows = column ? columnText(column) : `${tableName(table)}.*`
  const parts = [`${rows} VIA ${path.map(stepText).join(' ')}`]
  if (filter) parts.push(`WHERE ${conditionText(filter)}`)
  const call = `${name}(${parts.join(' ')}`
  return window ? `${call}, ${boundText(window.start)}, ${boundText(window.end)})` : `${call})`
}

const operandText = (operand: Operand): string =>
  operand.kind === 'column' ? columnText(operand) : aggregateText(operand)

const conditionText = (condition: Condition): string => {
  switch (condition.kind) {
    case 'and':
    case 'or':
      return `(${condition.items.map(conditionText).join(condition.kind === 'and' ? ' AND ' : ' OR ')})`
    case 'not':
      return `NOT ${conditionText(condition.item)}`
    case 'truth':
      return columnText(condition.operand)
    case 'compare':
      return `${operandText(condition.left)} ${condition.op} ${constantText(condition.right)}`
    case 'is':
      return `${operandText(condition.left)} IS ${condition.negated ? 'NOT ' : ''}${condition.value.toUpperCase()}`
    case 'any':
      return `${operandText(condition.left)} ${condition.negated ? '<> ALL' : '= ANY'} (${constantText(condition.array)})`
    default: {
      const left = `${operandText(condition.left)} ${condition.negated ? 'NOT ' : ''}`
      if (condition.kind === 'in') return `${left}IN (${condition.items.map(constantText).join(', ')})`
      if (condition.kind === 'between')
        return `${left}BETWEEN ${constantText(condition.low)} AND ${constantText(condition.high)}`
      return `${left}${condition.op} ${constantText(condition.pattern)}`
    }
  }
}

const targetText = (target: Target): string =>
  target.kind === 'value' ? operandText(target.operand) : conditionText(target.condition)

const taskText = ({ kind, top, steps }: Pick<Task, 'kind' | 'top' | 'steps'>): string =>
  kind === 'rank' ? `RANK TOP ${top}` : kind === 'forecast' ? `FORECAST ${steps} TIMEFRAMES` : kind.toUpperCase()

const asOfText = (asOf: Task['asOf']): string | null => {
  if (asOf.kind === 'default') return null
  if (asOf.kind === 'entity time') return 'AS OF ENTITY TIME'
  if (asOf.kind === 'constant') return `AS OF ${constantText(asOf.value)}`
  const parts = typeof asOf.sql === 'string' ? [asOf.sql] : asOf.sql
  return `AS OF ${parts.map(part => (typeof part === 'string' ? part : constantText(part))).join('')}`
}

/** Options that change what is learnt; what is only shown of it or beside it, and limits, do not. */
const optionsText = (options: Options): string | null => {
  const {
    timing: _,
    explain: __,
    embedding: ___,
    maxEntities: ____,
    task: _____,
    statistic: ______,
    ...learnt
  } = options
  const { exclude, include, ...rest } = learnt
  const lists = Object.entries({ exclude, include }).flatMap(([name, refs]) =>
    refs && refs.length > 0 ? [`${name} = ${[...new Set(refs.map(columnText))].sort().join(', ')}`] : [],
  )
  const values = Object.entries(rest).map(([name, value]) => `${name} = ${value}`)
  const all = [...lists, ...values].sort()
  return all.length === 0 ? null : `WITH (${all.join('; ')})`
}

/** The task's own text: the target and its kind, the entity's table, WHERE, ASSUMING, AS OF and the options that matter. */
export const normalise = (task: Omit<Task, 'normalised'>): string =>
  [
    `PREDICT ${targetText(task.target)} ${taskText(task)}`,
    `FOR EACH ${tableName(task.entity.table)}(${columnNames(task.entity.key)})`,
    task.where && `WHERE ${conditionText(task.where)}`,
    task.assuming && `ASSUMING ${conditionText(task.assuming)}`,
    asOfText(task.asOf),
    optionsText(task.options),
  ]
    .filter(part => part !== null)
    .join(' ')
