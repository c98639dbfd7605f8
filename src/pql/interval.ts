// Intervals in their three parts: read from text, compared and added as Postgres does.

import type { Interval } from './ast.js'

const SECOND = 1_000_000n
const DAY = 86_400n * SECOND

export const interval = (months: number, days: number, microseconds: bigint): Interval => ({
  months,
  days,
  microseconds,
})

export const ZERO: Interval = interval(0, 0, 0n)

/** One of each unit, by the name of the unit in the singular. */
export const UNITS: ReadonlyMap<string, Interval> = new Map([
  ['second', interval(0, 0, SECOND)],
  ['minute', interval(0, 0, 60n * SECOND)],
  ['hour', interval(0, 0, 3600n * SECOND)],
  ['day', interval(0, 1, 0n)],
  ['week', interval(0, 7, 0n)],
  ['month', interval(1, 0, 0n)],
  ['year', interval(12, 0, 0n)],
])

export const add = (a: Interval, b: Interval): Interval =>
  interval(a.months + b.months, a.days + b.days, a.microseconds + b.microseconds)

export const multiply = (a: Interval, times: number): Interval =>
  interval(a.months * times, a.days * times, a.microseconds * BigInt(times))

export const subtract = (a: Interval, b: Interval): Interval => add(a, multiply(b, -1))

/** Microseconds with a month of 30 days and a day of 24 hours: the order Postgres gives intervals, and nothing else. */
export const nominal = (a: Interval): bigint => (BigInt(a.months) * 30n + BigInt(a.days)) * DAY + a.microseconds

export const compare = (a: Interval, b: Interval): number => {
  const difference = nominal(a) - nominal(b)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

const secondsText = (microseconds: bigint): string => {
  const size = microseconds < 0n ? -microseconds : microseconds
  const part = size % SECOND
  const fraction = part === 0n ? '' : `.${part.toString().padStart(6, '0')}`
  return `${microseconds < 0n ? '-' : ''}${size / SECOND}${fraction}`
}

/** Text that Postgres reads as the same interval, part by part. */
export const intervalText = ({ months, days, microseconds }: Interval): string =>
  `${months} mons ${days} days ${secondsText(microseconds)} secs`

/** How people write it: `30 days`, `6 months`, `1 month 12 hours`. */
export const spoken = (a: Interval): string => {
  const parts: string[] = []
  const say = (count: number | bigint, unit: string) => {
    if (BigInt(count) !== 0n) parts.push(`${count} ${unit}${count === 1 || count === 1n ? '' : 's'}`)
  }
  if (a.months % 12 === 0) say(a.months / 12, 'year')
  else say(a.months, 'month')
  say(a.days, 'day')
  const [count, unit] =
    a.microseconds % (3600n * SECOND) === 0n
      ? ([a.microseconds / (3600n * SECOND), 'hour'] as const)
      : a.microseconds % (60n * SECOND) === 0n
        ? ([a.microseconds / (60n * SECOND), 'minute'] as const)
        : ([a.microseconds / SECOND, 'second'] as const)
  say(count, unit)
  return parts.length === 0 ? '0 days' : parts.join(' ')
}

const SHORT: Readonly<Record<string, string>> = {
  s: 'second', sec: 'second', m: 'minute', min: 'minute', h: 'hour', hr: 'hour', d: 'day', w: 'week',
  mon: 'month', y: 'year', yr: 'year',
} // biome-ignore format: one table

const unitNamed = (word: string): Interval | undefined => {
  const lower = word.toLowerCase()
  const singular = lower.replace(/s$/, '')
  return UNITS.get(lower) ?? UNITS.get(singular) ?? UNITS.get(SHORT[lower] ?? SHORT[singular] ?? '')
}

/** The unit of a window bound, in the singular or plural; undefined for any other word. */
export const windowUnit = (word: string): Interval | undefined => UNITS.get(word) ?? UNITS.get(word.replace(/s$/, ''))

const CLOCK = /^([+-]?)(\d+):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,6}))?)?$/
const ISO =
  /^P(?:([+-]?\d+)Y)?(?:([+-]?\d+)M)?(?:([+-]?\d+)W)?(?:([+-]?\d+)D)?(?:T(?:([+-]?\d+)H)?(?:([+-]?\d+)M)?(?:([+-]?\d+)S)?)?$/

const clock = (found: RegExpExecArray): Interval => {
  const [, sign, hours, minutes, seconds = '0', part = ''] = found
  const total = (BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds)) * SECOND + BigInt(part.padEnd(6, '0'))
  return interval(0, 0, sign === '-' ? -total : total)
}

/** A count of a unit; a fraction only where the unit has a fixed length, so that nothing is rounded. */
const scaled = (count: string, unit: Interval): Interval | null => {
  if (/^[+-]?\d+$/.test(count)) return multiply(unit, Number(count))
  if (unit.microseconds === 0n) return null
  const [, sign, whole, part] = /^([+-]?)(\d*)\.(\d*)$/.exec(count)!
  const amount = (BigInt(`${whole || '0'}${part.padEnd(6, '0').slice(0, 6)}`) * unit.microseconds) / SECOND
  return interval(0, 0, sign === '-' ? -amount : amount)
}

const ISO_UNITS = ['year', 'month', 'week', 'day', 'hour', 'minute', 'second']

const parseIso = (text: string): Interval | null => {
  const counts = text.length > 1 && !text.endsWith('T') ? ISO.exec(text) : null
  if (!counts) return null
  return ISO_UNITS.reduce((sum, unit, at) => add(sum, multiply(UNITS.get(unit)!, Number(counts[at + 1] ?? 0))), ZERO)
}

const WORD = /[+-]?\d+:[\d:.]+|(?:[+-]\s*)?(?:\d+(?:\.\d*)?|\.\d+)|[A-Za-z]+|\S/g
const COUNT = /^[+-]?(\d+\.?\d*|\.\d+)$/

/** Counts each with its unit, and at most clocks besides; a lone number is seconds. */
const parseWords = (words: readonly string[]): Interval | null => {
  let sum = ZERO
  for (let at = 0; at < words.length; at++) {
    const time = CLOCK.exec(words[at])
    if (time) {
      sum = add(sum, clock(time))
      continue
    }
    const count = words[at].replace(/\s+/g, '')
    const unit = words.length === 1 ? UNITS.get('second') : unitNamed(words[++at] ?? '')
    const part = unit && COUNT.test(count) ? scaled(count, unit) : null
    if (!part) return null
    sum = add(sum, part)
  }
  return words.length > 0 && Number.isSafeInteger(sum.months) && Number.isSafeInteger(sum.days) ? sum : null
}

/**
 * An interval as Postgres reads it in its `postgres` and ISO 8601 styles: `30 days`, `1 mon 12:00:00`, `-2 weeks`, `P1M`, `7` (seconds).
 * @returns null where the text is none, or where a fraction would have to be rounded
 */
export const parseInterval = (text: string): Interval | null => {
  const trimmed = text.trim()
  const iso = parseIso(trimmed)
  if (iso) return iso
  const ago = /\sago$/i.test(trimmed)
  const value = parseWords((ago ? trimmed.slice(0, -4) : trimmed).replace(/^@\s*/, '').match(WORD) ?? [])
  return value && ago ? multiply(value, -1) : value
}
