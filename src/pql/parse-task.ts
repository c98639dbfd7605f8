// What is asked of the target: RANK TOP k, CLASSIFY, FORECAST n TIMEFRAMES.

import type { Late, TaskSyntax } from './ast.js'
import type { Cursor } from './cursor.js'
import { parseLate } from './parse-constant.js'

const count = (cursor: Cursor, expected: string): number | Late => {
  if (cursor.peek().kind === 'param') return parseLate(cursor)
  const negative = cursor.takeOperator('-')
  const token = cursor.peek()
  if (token.kind !== 'number' || token.junk || !/^\d+$/.test(token.text)) throw cursor.unexpected(expected)
  cursor.next()
  return negative ? -Number(token.text) : Number(token.text)
}

const parseRank = (cursor: Cursor, start: number): TaskSyntax => {
  if (!cursor.takeWord('top')) {
    const counted = ['number', 'param'].includes(cursor.peek().kind)
    const number = counted ? cursor.slice(cursor.peek()) : '10'
    const wrong = counted ? `RANK ${number}` : 'RANK'
    throw cursor.unexpected('TOP and how many', {
      hint: `Write: RANK TOP ${number}`,
      detail: `${wrong} says not how many to give.`,
    })
  }
  return { kind: 'rank', top: count(cursor, 'how many to give'), ...cursor.spanFrom(start) }
}

const parseForecast = (cursor: Cursor, start: number): TaskSyntax => {
  const { start: from } = cursor.peek()
  const steps = count(cursor, 'how many windows to forecast')
  const written = cursor.slice(cursor.spanFrom(from))
  if (!cursor.takeWord('timeframes') && !cursor.takeWord('timeframe'))
    throw cursor.unexpected('TIMEFRAMES', { hint: `Write: FORECAST ${written} TIMEFRAMES` })
  return { kind: 'forecast', steps, ...cursor.spanFrom(start) }
}

/** Reads a task where one stands; null otherwise. */
export const parseTask = (cursor: Cursor): TaskSyntax | null => {
  const { start } = cursor.peek()
  if (cursor.takeWord('rank')) return parseRank(cursor, start)
  if (cursor.isWord('top')) {
    const number = ['number', 'param'].includes(cursor.peek(1).kind) ? cursor.slice(cursor.peek(1)) : '10'
    throw cursor.unexpected('RANK before TOP', { hint: `Write: RANK TOP ${number}` })
  }
  if (cursor.takeWord('classify')) {
    if (cursor.isWord('top'))
      throw cursor.unexpected('FOR', {
        detail: 'CLASSIFY gives every value.',
        hint: `Write: RANK TOP ${cursor.slice(cursor.peek(1))}`,
      })
    return { kind: 'classify', ...cursor.spanFrom(start) }
  }
  if (cursor.takeWord('forecast')) return parseForecast(cursor, start)
  if (cursor.takeWord('num forecasts') || cursor.takeWord('num_forecasts'))
    return { kind: 'forecast', steps: count(cursor, 'how many windows to forecast'), ...cursor.spanFrom(start) }
  return null
}
