// Parameters in every constant's place: what a question with $n answers is what the same question with the values written out answers, by
// Bind and by EXECUTE; its columns are known before any value is; and a value that cannot stand there is refused where it stands.

import type pg from 'pg'
import t from 'tap'
import { startShop, valuesOf } from '../helpers/scene.js'

t.setTimeout(120_000)
const { client, product } = await startShop(t, { seed: 5, users: 300 })
await client.query("SET predict.mode = 'fast'; SET predict.context_size = 300")
const values = valuesOf(client)

const U = 'FOR users.user_id IN (1, 2, 3)'
const SAME: readonly (readonly [string, unknown[], string])[] = [
  [`PREDICT COUNT(orders.*, 0, $1, days) = 0 ${U}`, [30], `PREDICT COUNT(orders.*, 0, 30, days) = 0 ${U}`],
  [`PREDICT COUNT(orders.*, $1, $2, weeks) > $3 ${U}`, ['1', '3', 0], `PREDICT COUNT(orders.*, 1, 3, weeks) > 0 ${U}`],
  [`PREDICT SUM(orders.total, INTERVAL '0 days', $1::interval) ${U}`, ['1 mon'], `PREDICT SUM(orders.total, INTERVAL '0 days', INTERVAL '1 mon') ${U}`],
  [
    `PREDICT COUNT(orders.*, 0, 30, days) > 0 ${U} WHERE COUNT(orders.*, -$1, 0, days) > 0`,
    [90],
    `PREDICT COUNT(orders.*, 0, 30, days) > 0 ${U} WHERE COUNT(orders.*, -90, 0, days) > 0`,
  ],
  [
    `PREDICT LIST_DISTINCT(order_items.product_id, 0, 30, days) RANK TOP $1 ${U}`,
    [4],
    `PREDICT LIST_DISTINCT(order_items.product_id, 0, 30, days) RANK TOP 4 ${U}`,
  ],
  [`PREDICT COUNT(orders.*, 0, 7, days) FORECAST $2 TIMEFRAMES FOR users.user_id = $1`, [2, 3], `PREDICT COUNT(orders.*, 0, 7, days) FORECAST 3 TIMEFRAMES FOR users.user_id = 2`],
  [
    `PREDICT SUM(orders.total, 0, 30, days) ${U} WITH (seed = $1, statistic = $2, exclude = $3, context_size = $4)`,
    [7, 'mean', 'users.country', 200],
    `PREDICT SUM(orders.total, 0, 30, days) ${U} WITH (seed = 7, statistic = mean, exclude = 'users.country', context_size = 200)`,
  ],
  [
    'PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR users.user_id IN (SELECT user_id FROM users WHERE country = $1 AND user_id < $2) AS OF $3::timestamptz - interval \'1 day\'',
    ['FR', 60, '2026-03-01T00:00:00Z'],
    "PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR users.user_id IN (SELECT user_id FROM users WHERE country = 'FR' AND user_id < 60) AS OF '2026-02-28T00:00:00Z'",
  ],
  [
    'SELECT u.user_id, p.probability FROM users u JOIN (PREDICT COUNT(orders.*, 0, $2, days) = 0 FOR EACH users.user_id) p USING (user_id) WHERE u.user_id <= $1 ORDER BY 1',
    [3, 14],
    'SELECT u.user_id, p.probability FROM users u JOIN (PREDICT COUNT(orders.*, 0, 14, days) = 0 FOR EACH users.user_id) p USING (user_id) WHERE u.user_id <= 3 ORDER BY 1',
  ],
  [
    'SELECT PREDICT_PROBABILITY(COUNT(orders.*, 0, $1, days) = 0 FOR u.user_id), PREDICT_PROBABILITY(COUNT(orders.*, 0, $2, days) = 0 FOR u.user_id) FROM users u WHERE user_id < 3 ORDER BY user_id',
    [7, 60],
    'SELECT PREDICT_PROBABILITY(COUNT(orders.*, 0, 7, days) = 0 FOR u.user_id), PREDICT_PROBABILITY(COUNT(orders.*, 0, 60, days) = 0 FOR u.user_id) FROM users u WHERE user_id < 3 ORDER BY user_id',
  ],
  [
    'SELECT * FROM predict($$SUM(orders.total, 0, $1, days) FOR users.user_id IN (1, 2)$$, seed => $2, statistic => $3) WHERE user_id <> $4',
    [21, 3, 'mean', 2],
    "SELECT * FROM predict($$SUM(orders.total, 0, 21, days) FOR users.user_id IN (1, 2)$$, seed => 3, statistic => 'mean') WHERE user_id <> 2",
  ],
] // biome-ignore format: a table

const sqlLiteral = (value: unknown): string => (typeof value === 'number' ? String(value) : `'${value}'`)

for (const [query, params, written] of SAME)
  t.test(query, async t => {
    const expected = await values(written)
    t.ok(expected.length > 0 && expected.flat().every(value => value !== null), 'there is something to compare with')
    t.same(await values(query, params), expected, 'bound')
    await client.query(`PREPARE question AS ${query}`)
    t.same(await values(`EXECUTE question(${params.map(sqlLiteral).join(', ')})`), expected, 'executed')
    await client.query('DEALLOCATE question')
  })

/** Parse and Describe of a statement alone, without any value. */
async function described(text: string, types: number[] = []): Promise<{ params: number[]; columns: string[] }> {
  const one = await product.connect(client.database)
  const { connection } = one as unknown as { connection: pg.Connection & NodeJS.EventEmitter }
  const said = new Promise<{ params: number[]; columns: string[] }>((resolve, reject) => {
    let params: number[] = []
    connection.once('parameterDescription', ({ dataTypeIDs }: { dataTypeIDs: number[] }) => {
      params = dataTypeIDs
    })
    connection.once('rowDescription', ({ fields }: { fields: { name: string }[] }) =>
      resolve({ params, columns: fields.map(({ name }) => name) }),
    )
    connection.once('errorMessage', reject)
  })
  // pg listens for these itself, and has no query to give them to
  for (const event of ['rowDescription', 'errorMessage', 'readyForQuery', 'parseComplete']) {
    const others = connection.listeners(event)
    connection.removeAllListeners(event)
    if (event === 'rowDescription' || event === 'errorMessage')
      for (const listener of others.slice(-1)) connection.once(event, listener as () => void)
  }
  connection.parse({ name: '', text, types } as never, true)
  connection.describe({ type: 'S', name: '' } as never, true)
  connection.sync()
  const answer = await said
  connection.end()
  return answer
}

t.test('types and columns are told before any value is', async t => {
  const [INT4, TEXT, INTERVAL, INT8, TIMESTAMPTZ] = [23, 25, 1186, 20, 1184]
  t.same(await described(`PREDICT COUNT(orders.*, $1, $2, days) = 0 ${U} WITH (seed = $3, mode = $4)`), {
    params: [INT4, INT4, INT4, TEXT],
    columns: ['user_id', 'anchor_time', 'prediction', 'probability'],
  })
  t.same((await described(`PREDICT COUNT(orders.*, 0, $1::interval) = 0 ${U}`)).params, [INTERVAL])
  t.same((await described(`PREDICT COUNT(orders.*, 0, $1, days) = 0 ${U}`, [INT8])).params, [INT8], 'as declared')
  t.same(await described(`PREDICT LIST_DISTINCT(order_items.product_id, 0, 30, days) RANK TOP $1 FOR users.user_id IN (SELECT user_id FROM users WHERE country = $2) AS OF $3`), {
    params: [INT4, TEXT, TIMESTAMPTZ],
    columns: ['user_id', 'anchor_time', 'rank', 'product_id', 'score'],
  }) // biome-ignore format: one question
})

const failure = (work: Promise<unknown>): Promise<pg.DatabaseError> =>
  work.then(
    () => {
      throw new Error('it was answered')
    },
    error => error,
  )

const W = `PREDICT COUNT(orders.*, 0, $1, days) = 0 ${U}`
const RANK = `PREDICT LIST_DISTINCT(order_items.product_id, 0, 30, days) RANK TOP $1 ${U}`
const STEPS = 'PREDICT COUNT(orders.*, 0, 7, days) FORECAST $1 TIMEFRAMES FOR EACH users.user_id'
const REFUSED: readonly (readonly [string, unknown, string, string, string?])[] = [
  [W, null, '22004', 'a window bound must not be null'],
  [W, -5, '22023', 'a window must start before it ends', '0, '],
  [W, 0, '22023', 'a window must start before it ends', '0, '],
  [W, '1.5', '22P02', 'invalid input syntax for type integer: "1.5"'],
  [W, 'soon', '22P02', 'invalid input syntax for type integer: "soon"'],
  [W, '3000000000', '22003', 'value "3000000000" is out of range for type integer'],
  [W.replace('$1', '$1::float8'), '1.5', '22023', 'a window bound must be a whole number'],
  [W.replace('$1', '$1::boolean'), 'true', '42804', 'a window bound must be type integer, not type boolean'],
  [RANK, null, '22004', 'TOP must not be null'],
  [RANK, 0, '22023', 'TOP must be at least 1'],
  [RANK, 5000, '53400', 'TOP must be at most 1000'],
  [STEPS, -1, '22023', 'the number of windows must be at least 1'],
  [STEPS, null, '22004', 'the number of windows must not be null'],
  [`${W.replace('$1', '30')} WITH (seed = $1)`, -1, '22023', 'invalid value for option "seed": "-1"'],
  [`${W.replace('$1', '30')} WITH (mode = $1)`, 'quick', '22023', 'invalid value for option "mode": "quick"'],
  [`${W.replace('$1', '30')} WITH (mode = $1)`, null, '22004', 'option "mode" must not be null'],
  [`${W.replace('$1', '30')} WITH (timing = $1)`, 'on', '0A000', 'option "timing" cannot be a parameter'],
  ['PREDICT COUNT(orders.*, 0, 9, days) > 0 FOR users.user_id IN (SELECT user_id FROM users WHERE user_id < $1)', 'x', '22P02', 'invalid input syntax for type bigint: "x"', ''],
] // biome-ignore format: a table

t.test('a value that cannot stand there is refused, with its place', async t => {
  for (const [query, value, code, message, at = '$1'] of REFUSED) {
    const error = await failure(client.query(query, [value]))
    t.match(error, { code, message }, `${query} with ${value}`)
    t.equal(error.position, at === '' ? undefined : String(query.indexOf(at) + 1), `${message}: place`)
  }
  await client.query(`PREPARE question(int) AS ${W}`)
  const executed = await failure(client.query('EXECUTE question(NULL)'))
  t.match(executed, { code: '22004', message: 'a window bound must not be null', position: '1' })
  await client.query('DEALLOCATE question')
  t.same((await client.query('SELECT 1 AS one')).rows, [{ one: 1 }], 'the session goes on')
})

t.test('types that drivers send: whole numbers of any width, texts, numbers, intervals', async t => {
  const expected = await values(W.replace('$1', '30'))
  await client.query({ name: 'w', text: W, values: [30] })
  for (const type of ['int2', 'int4', 'int8', 'numeric', 'float8']) {
    await client.query(`PREPARE question(${type}) AS ${W}`)
    t.same(await values('EXECUTE question(30)'), expected, type)
    await client.query('DEALLOCATE question')
  }
  await client.query(`SET IntervalStyle = 'sql_standard'`)
  await client.query(`PREPARE question(interval) AS ${W}`)
  t.same(await values(`EXECUTE question('30 days')`), expected, 'interval')
  await client.query('DEALLOCATE question; RESET IntervalStyle')
  t.equal((await failure(client.query(`PREPARE question(text) AS ${W}`))).code, '42804', 'text, as for LIMIT')
  await client.query(`PREPARE question(text) AS ${W.replace('$1', '$1::int')}`)
  t.same(await values(`EXECUTE question('30')`), expected, 'text with a cast')
  await client.query('DEALLOCATE question')
  t.same(
    (await client.query({ name: 'w', text: W, values: [60], rowMode: 'array' })).rows.length,
    3,
    'another value of a named one',
  )
  t.notSame(await values(W, [60]), expected)
})

t.test('LIMIT $1 scores no more than it takes', async t => {
  const each = 'PREDICT COUNT(orders.*, 0, 30, days) = 0 FOR EACH users.user_id WITH (max_entities = 20)'
  const expected = await values(`${each} LIMIT 5`)
  t.same(await values(`${each} LIMIT $1`, [5]), expected)
  t.same(await values(`SELECT * FROM (${each}) p LIMIT $1::int OFFSET $2`, ['3', '2']), expected.slice(2))
  await client.query(`PREPARE few AS ${each} LIMIT $1`)
  t.same(await values('EXECUTE few(5)'), expected)
  t.equal((await failure(client.query('EXECUTE few(NULL)'))).code, '53400', 'all of them are too many')
  t.equal((await failure(client.query(`${each} LIMIT $1`, [-1]))).code, '2201W', 'as the server says it')
})
