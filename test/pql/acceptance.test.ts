// The acceptance suite as far as the language goes: what each query asks, and the columns it is answered with.

import t from 'tap'
import { outputColumns } from '../../src/pql/index.js'
import type { TaskKind } from '../../src/pql/task.js'
import { ask, orders } from './ask.js'

const U = 'FOR EACH users.user_id'
const I = 'FOR EACH items.item_id'

const ACCEPTED: readonly (readonly [number, TaskKind, string])[] = [
  [1, 'binary', 'PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR users.user_id = 42'],
  [2, 'binary', 'PREDICT COUNT(orders.*, 0, 90, days) = 0 FOR users.user_id IN (42, 123)'],
  [3, 'binary', `PREDICT COUNT(orders.*, 0, 90, days) = 0 ${U} WHERE COUNT(orders.*, -90, 0, days) > 0`],
  [4, 'numeric', `PREDICT COUNT(orders.*, 0, 30) ${U}`],
  [5, 'numeric', 'PREDICT SUM(orders.amount, 0, 30, days) FOR items.item_id = 42'],
  [6, 'numeric', `PREDICT SUM(orders.amount, 0, 6, months) ${U}`],
  [7, 'numeric', `PREDICT AVG(reviews.rating, 0, 60, days) ${I}`],
  [8, 'numeric', `PREDICT MIN(orders.amount, 0, 30, days) ${U}`],
  [9, 'numeric', `PREDICT MAX(sessions.pages, 0, 12, hours) ${U}`],
  [10, 'binary', `PREDICT COUNT(sessions.*, 0, 45, minutes) > 0 ${U}`],
  [11, 'binary', `PREDICT COUNT(sessions.*, 0, 90, seconds) > 0 ${U}`],
  [12, 'numeric', `PREDICT SUM(orders.qty, 0, 2, weeks) ${I}`],
  [13, 'numeric', `PREDICT SUM(orders.amount, 15, 45, days) ${U}`],
  [15, 'numeric', `PREDICT COUNT(orders.discount, 0, 30, days) ${U}`],
  [16, 'binary', `PREDICT SUM(orders.amount, 0, 30, days) > 100 ${U}`],
  [17, 'binary', `PREDICT SUM(orders.amount, 0, 30, days) >= 99.5 ${U}`],
  [18, 'binary', `PREDICT SUM(orders.amount, 0, 30, days) != 0 ${U}`],
  [19, 'binary', `PREDICT AVG(reviews.rating, 0, 30, days) <= 2 ${I}`],
  [20, 'binary', `PREDICT MIN(reviews.rating, 0, 30, days) < 3 ${I}`],
  [21, 'binary', `PREDICT COUNT(orders.*, 0, 7, days) > 2 AND COUNT(sessions.*, 0, 7, days) > 5 ${U}`],
  [22, 'binary', `PREDICT COUNT(orders.*,0,30,days) > 0 OR COUNT(reviews.*,0,30,days) > 0 OR COUNT(sessions.*,0,30,days) > 0 ${U}`],
  [23, 'binary', `PREDICT NOT COUNT(orders.*, 0, 30, days) > 0 ${U}`],
  [24, 'binary', `PREDICT (COUNT(orders.*,0,30,days) > 3 OR SUM(orders.amount,0,30,days) > 500) AND NOT COUNT(reviews.*,0,30,days) = 0 ${U}`],
  [25, 'binary', `PREDICT COUNT(orders.*,0,30,days) IN (1, 2, 3) ${U}`],
  [26, 'binary', `PREDICT AVG(orders.amount, 0, 30, days) IS NULL ${U}`],
  [27, 'binary', `PREDICT AVG(orders.amount, 0, 30, days) IS NOT NULL ${U}`],
  [28, 'numeric', `PREDICT COUNT(orders.* WHERE orders.amount > 5, 0, 30, days) ${U}`],
  [29, 'numeric', `PREDICT SUM(orders.amount WHERE orders.status = 'completed', 0, 30, days) ${U}`],
  [30, 'binary', `PREDICT COUNT(orders.* WHERE orders.status IN ('returned', 'refunded'), 0, 30, days) > 0 ${U}`],
  [31, 'numeric', `PREDICT COUNT(orders.* WHERE orders.amount >= 10 AND orders.amount <= 25, 0, 7, days) ${U}`],
  [32, 'numeric', `PREDICT COUNT(orders.* WHERE NOT orders.discount IS NULL, 0, 7, days) ${U}`],
  [33, 'binary', 'PREDICT COUNT(orders.* WHERE orders.status = "paid" OR orders.qty > 3, 0, 7, days) > 0 FOR users.user_id IN (1, 2)'],
  [34, 'numeric', `PREDICT COUNT(reviews.* WHERE reviews.verified = true AND reviews.rating = 5, 0, 30, days) ${I}`],
  [35, 'binary', `PREDICT COUNT(reviews.* WHERE reviews.rating = 5, 0, 30) > 0 ${I} WHERE COUNT(reviews.*, -INF, 0) > 0`],
  [36, 'numeric', `PREDICT SUM(orders.amount, 0, 30, days) ${U} WHERE users.country = 'US'`],
  [37, 'numeric', "PREDICT SUM(orders.amount, 0, 30, days) FOR users.user_id = 7 WHERE users.country = 'US'"],
  [38, 'numeric', `PREDICT COUNT(orders.*,0,30,days) ${U} WHERE users.country IN ('US','CA') AND users.age >= 18`],
  [39, 'numeric', `PREDICT COUNT(orders.*,0,30,days) ${U} WHERE users.signup_at > 2024-01-31`],
  [40, 'binary', orders('WHERE users.signup_at < 2024-01-01 12:45:30')],
  [41, 'binary', orders("WHERE users.plan IS NOT NULL AND NOT users.plan = 'trial'")],
  [42, 'binary', `PREDICT COUNT(sessions.*,0,14)=0 ${U} WHERE COUNT(sessions.*,-7,0)>0`],
  [43, 'binary', `PREDICT COUNT(orders.*,0,3,months)>0 ${U} WHERE SUM(orders.amount,-2,0,months) > 0.05`],
  [44, 'binary', `PREDICT COUNT(orders.*,0,30,days)>0 ${U} WHERE COUNT(orders.*,-INF,0)>0 OR COUNT(reviews.*,-INFINITY,0)>0`],
  [45, 'binary', `PREDICT COUNT(orders.* WHERE orders.status='returned',0,30,days)>0 ${U} WHERE COUNT(orders.* WHERE orders.status='returned',-30,0,days)>0`],
  [46, 'numeric', `PREDICT SUM(orders.amount,0,30,days) ${U} ASSUMING COUNT(notifications.*,0,7,days) > 2`],
  [47, 'numeric', 'PREDICT SUM(orders.amount,0,91,days) FOR items.item_id IN (1,2,3) ASSUMING COUNT(orders.*,0,91,days) > 0'],
  [48, 'binary', `PREDICT COUNT(orders.*,0,30,days)>0 ${U} WHERE COUNT(orders.*,-30,0,days)>0 ASSUMING COUNT(notifications.* WHERE notifications.channel='email',0,7,days)>0 AND COUNT(sessions.*,0,7,days)>0`],
  [49, 'rank', 'PREDICT LIST_DISTINCT(orders.item_id, 0, 30, days) RANK TOP 10 FOR users.user_id = 123'],
  [50, 'rank', 'PREDICT LIST_DISTINCT(orders.item_id, 0, 30, days) RANK TOP 20 FOR users.user_id IN (1,2,3)'],
  [51, 'rank', `PREDICT LIST_DISTINCT(orders.item_id WHERE orders.amount > 20, 0, 90) RANK TOP 5 ${U}`],
  [52, 'rank', `PREDICT LIST_DISTINCT(orders.user_id, 0, 30, days) RANK TOP 3 ${I}`],
  [53, 'classify', `PREDICT LIST_DISTINCT(orders.item_id, 0, 30, days) CLASSIFY ${U}`],
  [54, 'classify', `PREDICT LIST_DISTINCT(orders.status, 0, 30, days) CLASSIFY ${U}`],
  [55, 'rank', `PREDICT LIST_DISTINCT(sessions.device, 0, 7, days) RANK TOP 2 ${U}`],
  [56, 'rank', `PREDICT users.interests RANK TOP 3 ${U}`],
  [57, 'classify', `PREDICT users.interests CLASSIFY ${U}`],
  [58, 'numeric', 'PREDICT users.age FOR users.user_id = 8'],
  [59, 'multiclass', 'PREDICT users.segment FOR users.user_id IN (0, 1, 2)'],
  [60, 'binary', `PREDICT users.age > 40 ${U}`],
  [61, 'binary', `PREDICT users.plan = 'pro' ${U}`],
  [62, 'binary', `PREDICT (users.age > 40 OR users.country = 'US') AND NOT users.plan = 'trial' ${U}`],
  [63, 'binary', `PREDICT users.signup_at > 2023-01-01 ${U}`],
  [64, 'binary', `PREDICT users.segment IN ('a','b') ${U}`],
  [65, 'multiclass', 'PREDICT orders.status FOR EACH orders.order_id AS OF ENTITY TIME'],
  [66, 'binary', 'PREDICT orders.discount IS NULL FOR EACH orders.order_id'],
  [67, 'binary', `PREDICT users.is_premium ${U}`],
  [68, 'forecast', 'PREDICT SUM(orders.amount, 0, 7, days) FORECAST 8 TIMEFRAMES FOR items.item_id = 42'],
  [69, 'forecast', 'PREDICT COUNT(sessions.*, 0, 1, days) FORECAST 30 TIMEFRAMES FOR users.user_id = 1'],
  [70, 'forecast', 'PREDICT SUM(orders.amount, 0, 1, months) FORECAST 1 TIMEFRAMES FOR items.item_id = 42'],
  [71, 'forecast', 'PREDICT SUM(orders.qty, 0, 1, days) FORECAST 14 TIMEFRAMES FOR items.item_id IN (1, 2)'],
  [72, 'numeric', `PREDICT COUNT_DISTINCT(orders.item_id, 0, 30, days) ${U}`],
  [73, 'multiclass', `PREDICT LAST(orders.status, 0, 30, days) ${U}`],
  [74, 'numeric', `PREDICT FIRST(orders.amount, 0, 30) ${U}`],
  [75, 'binary', `PREDICT LAST(orders.amount, 0, 30) = 2 ${U}`],
  [76, 'binary', orders("WHERE LIST_DISTINCT(orders.status, -90, 0) CONTAINS 'returned'")],
  [77, 'binary', orders("WHERE LAST(sessions.device, -1, 0) = 'ios'")],
  [78, 'binary', orders("WHERE users.email LIKE '%@example.com'")],
  [79, 'binary', orders("WHERE users.email STARTS WITH 'a' AND users.email NOT LIKE '%test%' AND users.email NOT CONTAINS 'spam'")],
  [80, 'numeric', `PREDICT COUNT(orders.* WHERE items.category = 'food', 0, 30, days) ${U}`],
  [82, 'multiclass', 'PREDICT users.segment FOR EACH orders.order_id'],
  [84, 'numeric', `PREDICT COUNT(users.*, 0, 30, days) ${U}`],
  [90, 'numeric', 'predict sum(orders.amount, 0, 7, days) # note\nfor users.user_id in (0, 1, 3)'],
  [91, 'numeric', 'PREDICT COUNT(`orders`.*, 0, 7, days) FOR EACH `users`.`user_id`'],
  [92, 'numeric', 'PREDICT COUNT(public.orders.*, 0, 7, days) FOR EACH "users"."user_id"'],
  [93, 'binary', 'PREDICT COUNT(orders.*,0,30,days)>0 FOR users.user_id IN (42)'],
  [96, 'numeric', `PREDICT COUNT(transfers.* VIA from_user, 0, 30, days) ${U}`],
  [97, 'binary', 'PREDICT COUNT(orders.*,0,30,days)>0 FOR users.user_id = $1'],
  [125, 'binary', `PREDICT COUNT(orders.*,0,3650,days)>0 ${U}`],
] // biome-ignore format: a table

/** Columns behind key and anchor; `*` is the item. */
const COLUMNS: Readonly<Record<TaskKind, readonly string[]>> = {
  binary: ['prediction boolean', 'probability double precision'],
  numeric: ['prediction double precision', 'lower double precision', 'upper double precision'],
  multiclass: ['prediction *', 'probability double precision', 'probabilities jsonb'],
  classify: ['* *', 'probability double precision', 'prediction boolean'],
  rank: ['rank integer', '* *', 'score double precision'],
  forecast: [
    'step integer', 'window_start timestamp with time zone', 'window_end timestamp with time zone',
    'prediction double precision', 'lower double precision', 'upper double precision',
  ],
} // biome-ignore format: a table

for (const [number, kind, query] of ACCEPTED)
  t.test(`${number}: ${query} is ${kind}`, async t => {
    const { task } = ask(query)
    t.equal(task.kind, kind)
    const [key, anchor, ...answer] = outputColumns(task).map(({ name, typeName }) => `${name} ${typeName}`)
    t.equal(key, `${task.entity.key[0].name} ${task.entity.key[0].typeName}`)
    t.equal(anchor, 'anchor_time timestamp with time zone')
    t.equal(answer.length, COLUMNS[kind].length)
    COLUMNS[kind].forEach((column, at) => {
      const [name, ...type] = column.split(' ')
      if (name !== '*') t.equal(answer[at].split(' ')[0], name)
      if (type[0] !== '*') t.equal(answer[at], column)
    })
  })

t.test('items of lists and values of classes have the type of their column', async t => {
  const typed = (query: string) =>
    outputColumns(ask(query).task).map(({ name, typeName, type }) => [name, typeName, type])
  t.strictSame(typed(`PREDICT users.interests RANK TOP 3 ${U}`)[3], ['interests', 'text', 25])
  t.strictSame(typed(`PREDICT LIST_DISTINCT(orders.status, 0, 3) CLASSIFY ${U}`)[2], ['status', 'order_status', 90001])
  t.strictSame(typed(`PREDICT LAST(orders.item_id, 0, 3) ${U}`)[2], ['prediction', 'integer', 23])
  t.strictSame(typed(`PREDICT LAST(sessions.device, 0, 3) ${U}`)[2], ['prediction', 'character varying(20)', 1043])
})
