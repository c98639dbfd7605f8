// The client's statement with some of it changed, for hints that take more than a fragment.

import type { Syntax } from './ast.js'
import type { Context } from './context.js'
import { slice } from './context.js'

export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** A condition's text, in parentheses where an AND beside it would bind tighter. */
export const andOperand = (context: Context, condition: Syntax): string =>
  condition.kind === 'or' && context.text[condition.start] !== '('
    ? `(${slice(context, condition)})`
    : slice(context, condition)

/**
 * The whole statement with edits applied, which must not overlap.
 * @param where a condition to add to its WHERE
 */
export const restated = (context: Context, edits: readonly Edit[], where?: string): string => {
  const { syntax, text } = context
  const all = [...edits]
  if (where !== undefined && syntax.where)
    all.push({ ...syntax.where, text: `${andOperand(context, syntax.where)} AND ${where}` })
  else if (where !== undefined) all.push({ start: syntax.end, end: syntax.end, text: ` WHERE ${where}` })
  let result = ''
  let at = syntax.start
  for (const edit of all.sort((a, b) => a.start - b.start)) {
    result += text.slice(at, edit.start) + edit.text
    at = edit.end
  }
  return (result + text.slice(at)).trim().replace(/;$/, '').trim()
}
