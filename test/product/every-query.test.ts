// Every query of the acceptance suite, over the wire, on a database of its schema: each is answered with as many rows as it asks about, none of
// them with a gap. And what a question's parts may look like: paths, patterns, dates, keys of several columns, parameters.

import t, { type Test } from 'tap'
import { ACCEPTANCE_SHOP } from '../helpers/acceptance-shop.js'
import { startScene, startStage } from '../helpers/scene.js'
import { ACCEPTED } from '../pql/accepted.js'

t.setTimeout(300_000)
const stage = await startStage(t)
const { direct: owner } = stage
await owner.query(ACCEPTANCE_SHOP)
const { client } = await startScene(t, stage)
await client.query(`SET predict.mode = 'fast'; SET predict.context_size = 200`)

/** What the data of the test does not hold: a window of ten years; what few or none fulfil. */
const UNANSWERED = [125]
const FEW = [40, 77]

async function answered(t: Test, query: string, values: unknown[] = [], rows?: number, least = 0): Promise<void> {
  const found = await client.query(query, values).catch(error => error)
  if (found instanceof Error) throw found
  if (rows !== undefined) t.equal(found.rows.length, rows)
  t.ok(found.rows.length >= least, `${found.rows.length} rows`)
  t.ok(
    found.rows.every((row: object) => Object.values(row).every(value => value !== null && !Number.isNaN(value))),
    'nothing is missing',
  )
}

for (const [number, kind, query] of ACCEPTED) {
  if (UNANSWERED.includes(number)) continue
  t.test(`${number}: ${query}`, async t => {
    const named = /FOR \w+\.\w+ (?:= \S+|IN \(([^)]*)\))/i.exec(query)
    const entities = named && (named[1]?.split(',').length ?? 1)
    const each =
      kind === 'rank'
        ? Number(/TOP (\d+)/.exec(query)![1])
        : kind === 'forecast'
          ? Number(/FORECAST (\d+)/.exec(query)![1])
          : 1
    const least = entities || FEW.includes(number) ? 0 : 20
    await answered(t, query, query.includes('$1') ? [42] : [], entities ? entities * each : undefined, least)
    // the second time from the context of the first
    if (number === 40) await answered(t, query)
  })
}

const U = 'FOR users.user_id IN (1, 2, 3)'
const DATES = [
  '2024-11-15', '2024/11/15', '2024.11.15', '2024-11-15 12:45:30', "'2024-11-15'", "DATE '2024-11-15'", "'2024-11-15T10:00:00Z'",
  "TIMESTAMPTZ '2024-11-15 10:00+00'", "TIMESTAMP '2024-11-15 10:00'", "'2024-11-15'::timestamptz", '$1',
] // biome-ignore format: a list
const PARTS: readonly (readonly [string, number, unknown[]?])[] = [
  // several hops down, up over an arrow, over keys of several columns
  ['PREDICT LIST_DISTINCT(invoice_lines.stockcode, 0, 30, days) RANK TOP 3 FOR customers.customer_no IN ($1, $2)', 6, ['c1', 'c2']],
  ['PREDICT COUNT(line_events.* WHERE line_events.kind = $1, 0, 30, days) > $2 FOR customers.customer_no = ANY($3)', 2, ['lost', 0, ['c5', 'c6']]],
  ["PREDICT COUNT(invoice_lines.* WHERE invoices.country = 'DE', 0, 30, days) FOR customers.customer_no = 'c5'", 1],
  ['PREDICT LAST(invoice_lines.price, 0, 30, days) FOR customers.customer_no = $1', 1, ['c5']],
  ['PREDICT COUNT(line_events.*, 0, 10, days) > 0 FOR invoice_lines.(invoice_id, line_no) IN (($1, 1), (591, 2))', 2, [590]],
  [`PREDICT LIST_DISTINCT(orders.item_id->category WHERE orders.item_id->price > $1, 0, 30, days) CLASSIFY ${U}`, 9, [20]],
  [`PREDICT SUM(orders.item_id->price, 0, 30, days) ${U}`, 3],
  ['PREDICT orders.item_id->price > 60 FOR orders.order_id = 77', 1],
  ["PREDICT COUNT(transfers.* VIA from_user WHERE transfers.to_user->country = 'US', 0, 30, days) > 0 FOR users.user_id = 3", 1],
  ['PREDICT "Weird Name"."select" FOR "Weird Name"."The Id" = 3', 1],
  // patterns, arrays, truth values
  ["PREDICT COUNT(orders.*, 0, 30) > 0 FOR users.user_id IN (2, 4) WHERE users.email LIKE $1 AND users.email NOT ILIKE $2 AND users.email ENDS WITH $3", 2, ['a%', '%TEST%', 'com']],
  [`PREDICT COUNT(orders.* WHERE orders.note LIKE 'no%' AND orders.note NOT LIKE '_x%', 0, 30) ${U}`, 3],
  ["PREDICT users.country STARTS WITH 'U' FOR users.user_id = 3", 1],
  [`PREDICT LAST(sessions.device, 0, 30, days) LIKE '%o%' ${U}`, 3],
  ["PREDICT users.interests CONTAINS 'kind 1' FOR users.user_id IN (4, 17)", 2],
  [`PREDICT COUNT(orders.*, 0, 30) > 0 ${U} WHERE users.interests CONTAINS $1 AND users.is_premium IS NOT TRUE`, 3, ['all']],
  // bounds, values
  [`PREDICT COUNT(orders.*, INTERVAL '1 day', INTERVAL '1 month') BETWEEN $1 AND $2 ${U}`, 3, [1, 4]],
  [`PREDICT COUNT(orders.*, 0, 1, week) NOT IN (0, $1) ${U}`, 3, [7]],
  [`PREDICT FIRST(orders.status, 0, 30, days) IN ('paid', $1) ${U}`, 3, ['pending']],
  [`PREDICT MIN(orders.ordered_at, 0, 30, days) < '2025-07-01' ${U}`, 3],
  [`PREDICT COUNT(orders.* WHERE ${DATES.map(date => `orders.ordered_at > ${date}`).join(' AND ')}, 0, 30, days) ${U}`, 3, ['2024-11-15']],
  ...['2025-03-01', '$1', '(SELECT max(ordered_at) FROM orders)'].map(
    at => [`PREDICT COUNT(orders.*, 0, 30, days) ${U} AS OF ${at}`, 3, at === '$1' ? ['2025-03-01'] : []] as const,
  ),
] // biome-ignore format: a table

for (const [query, rows, values] of PARTS)
  t.test(query, t => answered(t, query, values?.length ? [...values] : undefined, rows))
