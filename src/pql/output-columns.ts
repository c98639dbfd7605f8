// The columns that a task answers with: the entity's key, its anchor, the prediction. Frozen: people build views on them.

import type { Column } from './catalog.js'
import type { OutputColumn, Task } from './task.js'
import { columnType, elementType } from './types.js'

const column = (name: string, typeName: string, type: number): OutputColumn => ({ name, typeName, type })

const bool = (name: string) => column(name, 'boolean', 16)
const float = (name: string) => column(name, 'double precision', 701)
const int = (name: string) => column(name, 'integer', 23)
const time = (name: string) => column(name, 'timestamp with time zone', 1184)
const jsonb = (name: string) => column(name, 'jsonb', 3802)

const REALS = { typeName: 'real[]', type: 1021 } as const

const own = ({ name, typeName, type, declared }: Column): OutputColumn => ({
  ...column(name, typeName, type),
  ...(declared === undefined ? {} : { declared }),
})

/** The column whose values a list or a multiclass target is about; null for a condition. */
const valueColumn = ({ target }: Task): Column | null => {
  if (target.kind !== 'value') return null
  const { operand } = target
  return operand.kind === 'column' ? operand.column : (operand.column?.column ?? null)
}

/** The item of CLASSIFY and RANK: the column's own type, or the elements' where the column is an array. */
export const itemColumn = (task: Task): OutputColumn => {
  const { name, ...item } = own(valueColumn(task)!)
  const element = elementType(columnType(valueColumn(task)!))
  return element ? column(name, element.typeName, element.type) : { name, ...item }
}

/** The value of a multiclass target: counts are bigint, a condition is a truth value. */
export const classColumn = (task: Task): OutputColumn => {
  const value = valueColumn(task)
  const counted =
    task.target.kind === 'value' && task.target.operand.kind === 'aggregate' ? task.target.operand.name : ''
  if (counted === 'COUNT' || counted === 'COUNT_DISTINCT') return column('prediction', 'bigint', 20)
  if (counted === 'SUM' || counted === 'AVG') return float('prediction')
  return value ? { ...own(value), name: 'prediction' } : bool('prediction')
}

const answerColumns = (task: Task): OutputColumn[] => {
  switch (task.kind) {
    case 'binary':
      return [bool('prediction'), float('probability')]
    case 'numeric':
      return [float('prediction'), float('lower'), float('upper')]
    case 'multiclass':
      return [classColumn(task), float('probability'), jsonb('probabilities')]
    case 'classify':
      return [itemColumn(task), float('probability'), bool('prediction')]
    case 'rank':
      return [int('rank'), itemColumn(task), float('score')]
    case 'forecast':
      return [
        int('step'),
        time('window_start'),
        time('window_end'),
        float('prediction'),
        float('lower'),
        float('upper'),
      ]
  }
}

const ALIASED = ['probability', 'probabilities', 'lower', 'upper', 'score']

/** `PREDICT … AS churn`: the prediction takes the name, what says more about it takes it as a prefix. */
const renamed = (answer: readonly OutputColumn[], alias: string | null, item: string | null): OutputColumn[] =>
  answer.map(output => {
    if (alias === null || output.name === item) return output
    if (output.name === 'prediction') return { ...output, name: alias }
    return ALIASED.includes(output.name) ? { ...output, name: `${alias}_${output.name}` } : output
  })

/** The first name keeps itself; every later one that meets it gets _1, _2, … */
const distinct = (columns: readonly OutputColumn[]): OutputColumn[] => {
  const taken = new Set<string>()
  return columns.map(output => {
    let { name } = output
    for (let suffix = 1; taken.has(name); suffix++) name = `${output.name}_${suffix}`
    taken.add(name)
    return { ...output, name }
  })
}

/**
 * Names and types of a task's rows, in order.
 * @param vector the server's type for embeddings where it has one; real[] otherwise
 */
export const outputColumns = (task: Task, vector: Omit<OutputColumn, 'name'> | null = null): OutputColumn[] => {
  const { explain, timing, embedding } = task.options
  const item = task.kind === 'rank' || task.kind === 'classify' ? itemColumn(task).name : null
  return distinct([
    ...task.entity.key.map(own),
    time('anchor_time'),
    ...renamed(answerColumns(task), task.alias, item),
    ...(explain ? [jsonb('explanation')] : []),
    ...(timing ? [column('time_to_predict', 'interval', 1186)] : []),
    ...(embedding ? [{ name: 'embedding', ...(vector ?? REALS) }] : []),
  ])
}
