// From tree to task: names, paths, types, windows, parameters, options.

import t from 'tap'
import type { PgError } from '../../src/pg-error.js'
import { assertSupported, tablesUsed, walkAggregates, walkColumns } from '../../src/pql/index.js'
import { interval } from '../../src/pql/interval.js'
import type { Condition, TypedConstant } from '../../src/pql/task.js'
import { ask, orders, refused } from './ask.js'
import { catalogOf, EXTRA, SHOP, SHOP_TABLES } from './shop-catalog.js'

const U = 'FOR EACH users.user_id'

const constant = (where: string): TypedConstant => {
  const condition = ask(orders(`WHERE ${where}`), EXTRA).task.where as Condition & { right: TypedConstant }
  return condition.right
}

t.test('a quoted constant takes the type of its column, a number its own', async t => {
  const types: readonly (readonly [string, string])[] = [
    ["users.age = '40'", 'integer'],
    ['users.age = 40', 'integer'],
    ['users.age < 4000000000', 'bigint'],
    ['users.age < 1.5', 'numeric'],
    ['users.ltv_score > 1', 'double precision'],
    ["users.signup_at > '2024-01-31'", 'timestamp with time zone'],
    ['users.signup_at > 2024-01-31', 'date'],
    ['users.is_premium = true', 'boolean'],
    ["users.is_premium = 'yes'", 'boolean'],
    ['COUNT(orders.*, -3, 0) > 2', 'integer'],
    ["SUM(orders.amount, -3, 0) > '2'", 'numeric'],
    ["AVG(sessions.duration_s, -3, 0) > '2'", 'double precision'],
    ["MAX(orders.ordered_at, -3, 0) > '2024-01-01'", 'timestamp with time zone'],
    ["LAST(orders.status, -3, 0) = 'paid'", 'order_status'],
    ['users.country = $$US$$', 'text'],
    ['users.age = $1', 'integer'],
    ['users.age = $1::bigint', 'bigint'],
  ]
  for (const [where, type] of types) t.equal(constant(where).typeName, type, where)
})

t.test('a length in a column type never cuts a constant', async t => {
  t.equal(constant("LAST(sessions.device, -3, 0) = 'much longer than twenty characters'").typeName, 'character varying')
})

t.test('parameters are read as declared, or as the first place that uses them asks', async t => {
  const params = (where: string, paramTypes: readonly number[]) =>
    ask(orders(`WHERE ${where}`), SHOP, { paramTypes }).task.params
  t.strictSame(params('users.age = $1', []), [{ index: 1, type: 23, typeName: 'integer' }])
  t.strictSame(params('users.age = $1', [20]), [{ index: 1, type: 20, typeName: 'bigint' }])
  t.strictSame(params('users.age = ANY($2)', [0, 0]), [{ index: 2, type: 1007, typeName: 'integer[]' }])
  t.strictSame(params('users.age > $1 AND users.ltv_score > $1', []), [{ index: 1, type: 23, typeName: 'integer' }])
  t.equal(refused(orders('WHERE users.age = $1'), SHOP, { paramTypes: [25] }).code, '42883')
  t.equal(refused(orders('WHERE users.age = $1 AND users.country = $1')).code, '42P08')
  t.strictSame(ask(orders('AS OF $1')).task.params, [{ index: 1, type: 1184, typeName: 'timestamp with time zone' }])
  t.strictSame(ask('PREDICT COUNT(orders.*, 0, 3) FOR users.user_id = ANY($1)').task.params[0].typeName, 'integer[]')
})

t.test('a quoted array is of the type that it is cast to, if that can be compared', async t => {
  const any = (array: string) => orders(`WHERE users.age = ANY (${array})`)
  t.equal(refused(any("'{1}'::text[]")).code, '42883')
  t.equal(refused(any("'{1}'::integer")).code, '42809')
  t.equal(refused(any("'1'::int4[]")).code, '22P02')
  t.ok(ask(any("'{1}'::bigint[]")))
})

t.test('several foreign keys are crossed by the shortest way, down and up', async t => {
  const task = (text: string) => ask(text, EXTRA).task
  const two = task('PREDICT LIST_DISTINCT(invoice_lines.stockcode, 0, 30) RANK TOP 3 FOR EACH customers.customer_no')
  t.strictSame(
    two.aggregates[0].path.map(({ link, direction }) => [link.from.name, direction]),
    [
      ['invoices', 'down'],
      ['invoice_lines', 'down'],
    ],
  )
  const up = task("PREDICT COUNT(invoice_lines.* WHERE customers.city = 'Bath', 0, 3) FOR EACH invoices.invoice_id")
  const [city] = walkColumns(up.aggregates[0].filter)
  t.strictSame(
    city.up.map(({ link, direction }) => [link.to.name, direction]),
    [
      ['invoices', 'up'],
      ['customers', 'up'],
    ],
  )
  const arrow = task(
    "PREDICT COUNT(transfers.* VIA to_user WHERE transfers.from_user->country = 'US', 0, 3) FOR EACH users.user_id",
  )
  t.equal(arrow.aggregates[0].path[0].link.columns[0].name, 'to_user')
  const [country] = walkColumns(arrow.aggregates[0].filter)
  t.equal(country.up[0].link.columns[0].name, 'from_user')
})

t.test('a table may refer to itself: COUNT(users.*) counts the rows that refer to a user', async t => {
  const [count] = ask(`PREDICT COUNT(users.* WHERE users.age > 3, 0, 30) ${U}`).task.aggregates
  t.equal(count.path.length, 1)
  t.equal(count.path[0].link.columns[0].name, 'referrer_id')
})

t.test('a path that is not the shortest is found by VIA', async t => {
  const catalog = catalogOf([
    ...SHOP_TABLES,
    {
      name: 'refunds',
      key: ['refund_id'],
      time: 'at',
      columns: ['refund_id integer!', 'order_id bigint!', 'user_id integer!', 'at timestamp with time zone!'],
      links: { order_id: 'orders', user_id: 'users' },
    },
  ])
  const path = (via: string) => ask(`PREDICT COUNT(refunds.* ${via}, 0, 3) ${U}`, catalog).task.aggregates[0].path
  t.strictSame(
    path('').map(({ link }) => link.columns[0].name),
    ['user_id'],
  )
  t.strictSame(
    path('VIA order_id').map(({ link }) => link.columns[0].name),
    ['user_id', 'order_id'],
  )
})

t.test('a bare name is a column of the row at hand', async t => {
  const { task } = ask(`PREDICT COUNT(orders.* WHERE qty > 1, 0, 3) ${U} WHERE age > 3`)
  t.equal(
    task.normalised,
    ask(`PREDICT COUNT(orders.* WHERE orders.qty > 1, 0, 3) ${U} WHERE users.age > 3`).task.normalised,
  )
})

t.test('an alias of the outer query names its table', async t => {
  const users = SHOP.tables.find(({ name }) => name === 'users')!
  const given = { paramTypes: [], aliases: new Map([['u', users]]) }
  const { task } = ask("PREDICT COUNT(orders.*, 0, 3) FOR EACH u.user_id WHERE u.country = 'US'", SHOP, given)
  t.equal(task.entity.table, users)
})

t.test('composite keys may be given in any order', async t => {
  const { task } = ask('PREDICT COUNT(line_events.*, 0, 3) FOR invoice_lines.(line_no, invoice_id) IN ((1, 20))', EXTRA)
  t.match(task.ids, { kind: 'list', rows: [[{ constant: { text: '20' } }, { constant: { text: '1' } }]] })
  const query = ask(
    'PREDICT COUNT(line_events.*, 0, 3) FOR invoice_lines.(line_no, invoice_id) IN (SELECT 1, 20)',
    EXTRA,
  )
  t.match(query.task.ids, { kind: 'query', sql: 'SELECT q.c1, q.c0 FROM (SELECT 1, 20) AS q (c0, c1)' })
})

t.test('horizon is the width of the widest target window, reach the latest end of target and ASSUMING', async t => {
  const { task } = ask(
    `PREDICT COUNT(orders.*, 15, 45) > 0 AND COUNT(sessions.*, 0, 7) > 0 ${U} ASSUMING COUNT(sessions.*, 0, 2, months) > 0`,
  )
  t.strictSame(task.horizon, interval(0, 30, 0n))
  t.strictSame(task.reach, interval(2, 0, 0n))
  const forecast = ask('PREDICT SUM(orders.qty, 0, 1, weeks) FORECAST 3 TIMEFRAMES FOR items.item_id = 1').task
  t.strictSame([forecast.horizon, forecast.reach, forecast.steps], [interval(0, 7, 0n), interval(0, 21, 0n), 3])
  const still = ask(`PREDICT users.age ${U}`).task
  t.strictSame([still.horizon, still.reach, still.temporal], [null, null, false])
})

t.test('aggregates are listed in order of appearance', async t => {
  const { task } = ask(
    `PREDICT COUNT(orders.*, 0, 3) > SUM ${U}`.replace('> SUM', '> 0 OR COUNT(reviews.*, 0, 3) > 0') +
      ' WHERE COUNT(sessions.*, -3, 0) > 0',
  )
  t.strictSame(
    task.aggregates.map(({ table }) => table.name),
    ['orders', 'reviews', 'sessions'],
  )
  t.strictSame(walkAggregates(task.target).length, 2)
  t.strictSame(
    tablesUsed(task)
      .map(({ name }) => name)
      .sort(),
    ['orders', 'reviews', 'sessions', 'users'],
  )
})

t.test('tables read on the way are among those used', async t => {
  const { task } = ask('PREDICT COUNT(invoice_lines.*, 0, 3) FOR EACH customers.customer_no', EXTRA)
  t.strictSame(
    tablesUsed(task)
      .map(({ name }) => name)
      .sort(),
    ['customers', 'invoice_lines', 'invoices'],
  )
})

t.test('equal questions share their text, others do not', async t => {
  const text = (query: string) => ask(query).task.normalised
  const one = text(
    `PREDICT COUNT(orders.* WHERE orders.status = 'paid', 0, 1, weeks) > 2 ${U} WHERE users.age > 3 WITH (mode = best)`,
  )
  const same = [
    `predict count( "orders".* where status='paid', 0 , 7 ) > 02 as n for users.user_id in (1,2) with (MODE = 'best') where public.users.age > 3`,
    `PREDICT COUNT(public.orders.* VIA user_id WHERE orders.status = $$paid$$, INTERVAL '0 days', INTERVAL '7 days') > 2 ${U} WHERE users.age > 3 WITH (mode = best, timing) LIMIT 3`,
  ]
  for (const query of same) t.equal(text(query), one)
  const other = [
    `PREDICT COUNT(orders.* WHERE orders.status = 'paid', 0, 1, weeks) > 2 ${U} WHERE users.age > 3`,
    `PREDICT COUNT(orders.* WHERE orders.status = 'paid', 0, 1, weeks) > 3 ${U} WHERE users.age > 3 WITH (mode = best)`,
    `PREDICT COUNT(orders.* WHERE orders.status = 'paid', 0, 8) > 2 ${U} WHERE users.age > 3 WITH (mode = best)`,
    `PREDICT COUNT(orders.* WHERE orders.status = 'paid', 0, 1, weeks) > 2 ${U} WHERE users.age > 3 AS OF '2024-01-01' WITH (mode = best)`,
  ]
  for (const query of other) t.not(text(query), one)
})

t.test('options: WITH before settings; names and values are checked', async t => {
  const settings = { 'predict.mode': 'fast', 'predict.seed': '7', 'predict.statistic': '', work_mem: '4MB' }
  const { task } = ask(orders("WITH (mode = best, exclude = 'users.email, orders.*', timing = on)"), SHOP, {
    paramTypes: [],
    settings,
  })
  t.match(task.options, { mode: 'best', seed: 7, timing: true })
  t.notOk('statistic' in task.options)
  t.strictSame(task.options.exclude!.map(({ column }) => column.name), [
    'email', 'ordered_at', 'amount', 'qty', 'status', 'discount', 'note', 'extra', 'due',
  ]) // biome-ignore format: one line
  const error = (name: string, value: string): PgError =>
    refused(orders(''), SHOP, { paramTypes: [], settings: { [name]: value } })
  t.match(error('predict.moed', 'fast'), { code: '22023', hint: /predict\.mode/ })
  t.match(error('predict.mode', 'quick'), { code: '22023', hint: /^SET predict\.mode = / })
  t.match(error('predict.tostring', 'x'), { code: '22023' })
  t.match(refused(orders("WITH (exclude = 'users.emial')")), { code: '42703', hint: /email/ })
  t.match(refused(orders('WITH (mode = fast, mode = best)')), { code: '42601' })
})

t.test('the option task chooses among what a target can be', async t => {
  const kind = (query: string) => ask(query).task.kind
  t.equal(kind(`PREDICT users.age ${U} WITH (task = multiclass)`), 'multiclass')
  t.equal(kind(`PREDICT users.is_premium ${U} WITH (task = multiclass)`), 'multiclass')
  t.equal(kind(`PREDICT users.referrer_id ${U}`), 'multiclass')
  t.equal(kind(`PREDICT users.referrer_id ${U} WITH (task = numeric)`), 'numeric')
  t.equal(kind(`PREDICT LAST(reviews.verified, 0, 3) ${U}`), 'binary')
})

t.test('named rows with WHERE are told what it selects', async t => {
  const named = ask('PREDICT COUNT(orders.*, 0, 3) FOR users.user_id = 1 WHERE users.age > 3')
  t.match(named.notices, [{ message: /context examples only/ }])
  t.strictSame(ask(orders('WHERE users.age > 3')).notices, [])
})

t.test('a test for NULL of what is 0 over no rows is told that it is never true', async t => {
  const told = (target: string) => ask(`PREDICT ${target} ${U}`).notices.map(({ hint }) => hint)
  t.strictSame(told('COUNT(orders.*, 0, 3) IS NULL'), ['Write: COUNT(orders.*, 0, 3) = 0'])
  t.strictSame(told('SUM(orders.amount, 0, 3) IS NOT NULL'), ['Write: SUM(orders.amount, 0, 3) <> 0'])
  t.strictSame(told('MAX(orders.amount, 0, 3) IS NULL'), [])
})

t.test('a filter that looks at the entity alone is allowed, with a notice', async t => {
  const { notices } = ask(`PREDICT COUNT(orders.* WHERE users.country = 'US', 0, 3) ${U}`)
  t.match(notices, [{ message: /looks at "users" only/ }])
})

t.test('a static aggregate may be asked for in WHERE, and listed as target', async t => {
  const { task } = ask(`PREDICT COUNT(orders.*, 0, 3) ${U} WHERE COUNT(tags.*) > 2`, EXTRA)
  t.equal(walkAggregates(task.where)[0].window, null)
  t.equal(ask(`PREDICT LIST_DISTINCT(tags.label) RANK TOP 3 ${U}`, EXTRA).task.temporal, false)
  t.equal(refused(`PREDICT COUNT(tags.*) ${U}`, EXTRA).code, 'PQ003')
})

t.test('a task and its text can be shared: nothing in it changes', async t => {
  const first = ask(orders('WHERE users.age > 3'))
  const second = ask(orders('WHERE users.age > 3'))
  t.strictSame(first.task.normalised, second.task.normalised)
})

t.test('what is not answered yet is refused by name, and the rest is not', async t => {
  const supported = (query: string) => () => {
    const { task, syntax } = ask(query)
    assertSupported(task, syntax)
  }
  for (const query of [
    orders(''),
    orders('WITH (embedding = on)'),
    `PREDICT SUM(orders.amount, 0, 3) ${U} ASSUMING COUNT(sessions.*, 0, 3) > 0 AS OF '2024-01-01'`,
    `PREDICT LIST_DISTINCT(orders.item_id, 0, 3) RANK TOP 3 ${U}`,
    `PREDICT LIST_DISTINCT(orders.item_id, 0, 3) CLASSIFY ${U}`,
    `PREDICT users.interests RANK TOP 3 ${U}`,
    `PREDICT LIST_DISTINCT(orders.status, 0, 3) CONTAINS 'paid' ${U}`,
    `PREDICT users.age ${U}`,
    'PREDICT COUNT(orders.*, 0, 3) FORECAST 3 TIMEFRAMES FOR users.user_id = 1',
    'PREDICT orders.qty > 3 FOR EACH orders.order_id AS OF ENTITY TIME',
    `PREDICT MAX(orders.ordered_at, 0, 3) > '2024-01-01' ${U} WHERE LAST(orders.status, -3, 0) = 'paid'`,
  ])
    t.doesNotThrow(supported(query), query)
  const refusals: readonly (readonly [string, RegExp])[] = [
    [orders('WITH (explain)'), /explain/],
    [`PREDICT users.age ${U} WITH (embedding = on)`, /embedding of columns/],
    [orders("WITH (set = 'users.age = 3')"), /set/],
  ]
  for (const [query, message] of refusals)
    t.throws(
      supported(query),
      {
        code: '0A000',
        message,
        hint: /COUNT|Leave it out|UPDATE public\.users SET age = 3;/,
        position: query.search(/\w+( = (on|'.*'))?\)$/),
      },
      query,
    )
})
