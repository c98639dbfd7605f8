// What is asked of the target: RANK TOP k, CLASSIFY, FORECAST n TIMEFRAMES.

import type { TaskSyntax } from './ast.js'
import type { Cursor } from './cursor.js'

const count = (cursor: Cursor, expected: string): number => {
  const negative = cursor.takeOperator('-')
  const token = cursor.peek()
  if (token.kind !== 'number' || token.junk || !/^\d+$/.test(token.text)) throw cursor.unexpected(expected)
  cursor.next()
  return negative ? -Number(token.text) : Number(token.text)
}

const parseRank = (cursor: Cursor, start: number): TaskSyntax => {
  if (!cursor.takeWord('top')) {
    const number = cursor.peek().kind === 'number' ? cursor.slice(cursor.peek()) : '10'
    const wrong = cursor.peek().kind === 'number' ? `RANK ${number}` : 'RANK'
    throw cursor.unexpected('TOP and how many', {
      hint: `Write: RANK TOP ${number}`,
      detail: `${wrong} says not how many to give.`,
    })
  }
  return { kind: 'rank', top: count(cursor, 'how many to give'), ...cursor.spanFrom(start) }
}

const parseForecast = (cursor: Cursor, start: number): TaskSyntax => {
  const steps = count(cursor, 'how many windows to forecast')
  if (!cursor.takeWord('timeframes') && !cursor.takeWord('timeframe'))
    throw cursor.unexpected('TIMEFRAMES', { hint: `Write: FORECAST ${steps} TIMEFRAMES` })
  return { kind: 'forecast', steps, ...cursor.spanFrom(start) }
}

/** Reads a task where one stands; null otherwise. */
export const parseTask = (cursor: Cursor): TaskSyntax | null => {
  const { start } = cursor.peek()
  if (cursor.takeWord('rank')) return parseRank(cursor, start)
  if (cursor.isWord('top')) {
    const number = cursor.peek(1).kind === 'number' ? cursor.slice(cursor.peek(1)) : '10'
    throw cursor.unexpected('RANK before TOP', { hint: `Write: RANK TOP ${number}` })
  }
  if (cursor.takeWord('classify')) {
    if (cursor.isWord('top'))
      throw cursor.unexpected('FOR', {
        detail: 'CLASSIFY gives every value.',
        hint: `Write: RANK TOP ${cursor.peek(1).text}`,
      })
    return { kind: 'classify', ...cursor.spanFrom(start) }
  }
  if (cursor.takeWord('forecast')) return parseForecast(cursor, start)
  if (cursor.takeWord('num forecasts') || cursor.takeWord('num_forecasts'))
    return { kind: 'forecast', steps: count(cursor, 'how many windows to forecast'), ...cursor.spanFrom(start) }
  return null
}
