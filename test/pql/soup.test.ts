// Whatever is typed, the language answers with a task or with an error that a client may see, and at once.

import t from 'tap'
import { PgError } from '../../src/pg-error.js'
import { check, outputColumns, parsePredict } from '../../src/pql/index.js'
import { EXTRA } from './shop-catalog.js'

/** A small generator with a seed, so that a failure can be run again. */
const random = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const WORDS =
  `PREDICT predict COUNT SUM AVG MIN MAX COUNT_DISTINCT FIRST LAST LIST_DISTINCT ( ) ( ) , , . . * orders users items
  transfers invoice_lines "Weird Name" \`users\` user_id amount qty status age interests country signup_at referrer_id item_id price
  WHERE WHERE AND OR NOT IS NULL TRUE FALSE IN BETWEEN LIKE ILIKE CONTAINS STARTS ENDS WITH = <> != < <= > >= == -> ->> :: + - / % ^ ; $1 $2 $0
  ANY ALL FOR EACH FOR EACH AS OF ENTITY TIME ASSUMING VIA RANK TOP CLASSIFY FORECAST TIMEFRAMES ORDER BY LIMIT OFFSET GROUP
  0 1 30 -30 1.5 1e9 99999999999999999999 days weeks months -INF INF INTERVAL '30~days' '' 'US' 'it''s' E'\\n' $$x$$ 2024-01-31 2024-13-31
  DATE TIMESTAMP '2024-01-31' # -- /* */ { } [ ] \\ ' " \u00e9 \ud83d\ude00 mode best exclude orders.amount orders.* users.user_id`
    .trim()
    .split(/\s+/)
    .map(word => word.replace('~', ' '))

const QUERIES = [
  "PREDICT COUNT(orders.* WHERE orders.status = 'paid' AND items.price > 3, 0, 30, days) > 0 FOR EACH users.user_id WHERE users.age > 3 ASSUMING COUNT(sessions.*, 0, 7) > 1 AS OF '2024-01-01' WITH (mode = best, exclude = 'orders.amount') ORDER BY 1 LIMIT 3;",
  'PREDICT LIST_DISTINCT(invoice_lines.stockcode, 0, 30, days) RANK TOP 5 FOR customers.customer_no IN (SELECT 1)',
  'PREDICT SUM(transfers.amount VIA to_user, 1, 2, weeks) AS s FORECAST 3 TIMEFRAMES FOR users.user_id = ANY($1)',
  "PREDICT (users.age BETWEEN 1 AND 2 OR NOT users.country LIKE '%x') FOR users.user_id IN (1, 2)",
]

/** Runs a text through the language; anything but a PgError is a defect. */
const survives = (text: string): string | null => {
  try {
    const { syntax } = parsePredict(text, { statement: text.length % 2 === 0 })
    outputColumns(check(syntax, EXTRA, { paramTypes: [0, 23] }).task)
    return null
  } catch (error) {
    if (!(error instanceof PgError)) return `${error instanceof Error ? error.stack : error}\n${text}`
    const { position } = error
    return position !== undefined && (position < 0 || position > text.length) ? `position ${position}\n${text}` : null
  }
}

t.test('random words never throw anything but an error for the client', async t => {
  const next = random(7)
  for (let round = 0; round < 20_000; round++) {
    const words = Array.from({ length: next(24) }, () => WORDS[next(WORDS.length)])
    const failure = survives(`${next(4) === 0 ? '' : 'PREDICT '}${words.join(next(3) === 0 ? '' : ' ')}`)
    if (failure) t.fail(failure)
  }
})

t.test('statements with words dropped, doubled, swapped and replaced do neither', async t => {
  const next = random(11)
  for (let round = 0; round < 20_000; round++) {
    const words = QUERIES[next(QUERIES.length)].split(/\b/)
    for (let change = next(4); change >= 0; change--) {
      const at = next(words.length)
      const kind = next(4)
      if (kind === 0) words.splice(at, 1)
      else if (kind === 1) words.splice(at, 0, words[next(words.length)])
      else if (kind === 2) words[at] = WORDS[next(WORDS.length)]
      else words.splice(next(words.length), 0, ...words.splice(at, 1))
    }
    const failure = survives(words.join(''))
    if (failure) t.fail(failure)
  }
})

t.test('a statement cut off anywhere is an error or a statement', async t => {
  for (const query of QUERIES)
    for (let end = 0; end <= query.length; end++) {
      const failure = survives(query.slice(0, end))
      if (failure) t.fail(failure)
    }
})

t.test('depth is bounded and answered with 54001', async t => {
  const deep = 100_000
  const nested = (open: string, close: string) =>
    `PREDICT ${open.repeat(deep)}users.age > 3${close.repeat(deep)} FOR EACH users.user_id`
  t.throws(() => parsePredict(nested('(', ')'), { statement: true }), { code: '54001' })
  t.throws(() => parsePredict(nested('NOT ', ''), { statement: true }), { code: '54001' })
  t.throws(() => parsePredict(nested('NOT (', ')'), { statement: true }), { code: '54001' })
  t.equal(survives(`PREDICT ${'('.repeat(50)}users.age > 3${')'.repeat(50)} FOR EACH users.user_id`), null)
})

t.test('long lists, long chains and long texts take time in proportion to their length', async t => {
  const time = (text: string) => {
    const before = performance.now()
    t.equal(survives(text), null)
    return performance.now() - before
  }
  const ids = Array.from({ length: 50_000 }, (_, at) => at).join(', ')
  const chain = Array.from({ length: 20_000 }, (_, at) => `users.age <> ${at}`).join(' AND ')
  t.ok(time(`PREDICT COUNT(orders.*, 0, 3) FOR users.user_id IN (${ids})`) < 5_000)
  t.ok(time(`PREDICT COUNT(orders.*, 0, 3) FOR EACH users.user_id WHERE ${chain}`) < 5_000)
  t.ok(time(`PREDICT ${'/*'.repeat(50_000)}`) < 5_000)
  t.ok(time(`PREDICT users.age > 3 FOR EACH users.user_id ORDER BY ${'('.repeat(50_000)}`) < 5_000)
})
