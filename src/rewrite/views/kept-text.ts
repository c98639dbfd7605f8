// The text of a PREDICT as a view keeps it, for another session to read. Expressions that say which row is meant are SQL of the query
// around, which the server keeps with the view: $1, $2, … stand for them in the text.

import type { Constant } from '../../pql/ast.js'
import type { Facet } from '../node.js'
import type { Pick } from '../pick.js'
import type { Question } from '../questions.js'
import { literal, quote } from '../quote.js'
import { edited } from '../segment-text.js'
import { lexSql } from '../sql-lexer.js'
import { clausesOf } from './clauses.js'

/** A slice of the client's text, and what stands before it. */
export interface Kept {
  readonly prefix: string
  readonly start: number
  readonly end: number
}

/** The expressions that stand beside a kept text, $1 first. */
export const expressionsOf = ({ keys, ofClass }: Pick): readonly Kept[] => [
  ...keys,
  ...(ofClass ? [{ prefix: '', ...ofClass }] : []),
]

const WORDS: Readonly<Record<Facet, string>> = {
  value: 'PREDICT',
  probability: 'PREDICT_PROBABILITY',
  interval: 'PREDICT_INTERVAL',
}

export const keptText = (question: Question): string => {
  const { node, pick, task, stored } = question
  const pql = withOptions(stored(), question)
  if (!pick) return pql
  const tokens = lexSql(pql)
  const { head, found } = clausesOf(tokens, 1, tokens.length)
  const { table, key } = task.entity
  const target = pql.slice(head.start, head.end)
  const columns = key.map(({ name }) => quote(name)).join(', ')
  const holes = key.map((_, i) => `$${i + 1}`).join(', ')
  const many = key.length > 1
  const rows = `FOR ${quote(table.schema)}.${quote(table.name)}.${many ? `(${columns}) = (${holes})` : `${columns} = ${holes}`}`
  const rest = pql.slice(found.get('for')!.end)
  if (node.facet === null) return `PREDICT ${target} ${rows}${rest}`
  return `${WORDS[node.facet]}(${target}${pick.ofClass ? `, $${key.length + 1}` : ''} ${rows}${rest})`
}

/** Options of predict() stand among the PREDICT's own. */
const withOptions = (pql: string, { node }: Question): string => {
  if (node.options.length === 0) return pql
  const options = node.options.map(({ name, value }) => `${name.text} = ${valueText(value)}`).join(', ')
  const tokens = lexSql(pql)
  const own = clausesOf(tokens, 1, tokens.length).found.get('with')
  return own ? `${pql.slice(0, own.end - 1)}, ${options}${pql.slice(own.end - 1)}` : `${pql} WITH (${options})`
}

/** As predict() takes constants: strings, numbers and truth values. */
const valueText = (value: Constant): string => {
  if (value.kind === 'bool') return String(value.value)
  return value.kind === 'number' ? value.text : literal('text' in value ? value.text : '')
}

/** A kept text with SQL in the place of $1, $2, … */
export const filled = (pql: string, args: readonly string[]): string => {
  if (args.length === 0) return pql
  const params = lexSql(pql).filter(({ kind }) => kind === 'param')
  return edited(
    pql,
    params.map(({ start, end, text }) => ({ start, end, text: `(${args[Number(text) - 1]})` })),
  ).text
}
