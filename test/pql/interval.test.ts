// Intervals keep their three parts, and are read as Postgres reads them.

import t from 'tap'
import { compare, interval, intervalText, parseInterval, spoken } from '../../src/pql/interval.js'

const HOUR = 3_600_000_000n

t.test('the forms people write', async t => {
  const read: readonly (readonly [string, number, number, bigint])[] = [
    ['30 days', 0, 30, 0n],
    ['1 month', 1, 0, 0n],
    ['1 year 2 mons', 14, 0, 0n],
    ['-2 weeks', 0, -14, 0n],
    ['3 days ago', 0, -3, 0n],
    ['1 day 12:30', 0, 1, (HOUR * 25n) / 2n],
    ['-01:00:00.5', 0, 0, -HOUR - 500_000n],
    ['1.5 hours', 0, 0, (HOUR * 3n) / 2n],
    ['90', 0, 0, 90_000_000n],
    ['P1Y2M3DT4H', 14, 3, 4n * HOUR],
    ['PT90S', 0, 0, 90_000_000n],
    ['7d', 0, 7, 0n],
  ]
  for (const [text, ...parts] of read) t.strictSame(parseInterval(text), interval(...parts), text)
})

t.test('what is none, or would have to be rounded, is null', async t => {
  for (const text of ['', 'days', 'soon', '3 fortnights', '1.5 months', 'P', 'PT', '1 day 2', '12:61x'])
    t.equal(parseInterval(text), null, text)
})

t.test('the text of an interval reads back as itself', async t => {
  for (const value of [interval(0, 30, 0n), interval(-14, 3, -500_000n), interval(1, -1, 90_000_001n)])
    t.strictSame(parseInterval(intervalText(value)), value)
})

t.test('order is by months of 30 days and days of 24 hours', async t => {
  t.equal(compare(interval(1, 0, 0n), interval(0, 30, 0n)), 0)
  t.equal(compare(interval(0, 1, 0n), interval(0, 0, 24n * HOUR + 1n)), -1)
  t.equal(compare(interval(1, 0, 0n), interval(0, 29, 0n)), 1)
})

t.test('people are told intervals in their own words', async t => {
  t.equal(spoken(interval(0, 30, 0n)), '30 days')
  t.equal(spoken(interval(24, 1, 2n * HOUR)), '2 years 1 day 2 hours')
  t.equal(spoken(interval(0, 0, 0n)), '0 days')
})
