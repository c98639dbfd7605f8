// Names of the output: aliases, collisions, the columns that options append.

import t from 'tap'
import { outputColumns } from '../../src/pql/index.js'
import { ask } from './ask.js'
import { catalogOf, EXTRA } from './shop-catalog.js'

const names = (query: string, catalog = EXTRA) => outputColumns(ask(query, catalog).task).map(({ name }) => name)

const U = 'FOR EACH users.user_id'

t.test('an alias names the prediction and prefixes what is said about it', async t => {
  t.strictSame(names(`PREDICT COUNT(orders.*, 0, 3) = 0 AS churn ${U}`), [
    'user_id',
    'anchor_time',
    'churn',
    'churn_probability',
  ])
  t.strictSame(names(`PREDICT COUNT(orders.*, 0, 3) AS n ${U}`), ['user_id', 'anchor_time', 'n', 'n_lower', 'n_upper'])
  t.strictSame(names(`PREDICT users.plan AS "Plan" ${U}`).slice(2), ['Plan', 'Plan_probability', 'Plan_probabilities'])
  t.strictSame(names(`PREDICT LIST_DISTINCT(orders.item_id, 0, 3) AS next RANK TOP 3 ${U}`).slice(2), [
    'rank',
    'item_id',
    'next_score',
  ])
  t.strictSame(names('PREDICT COUNT(orders.*, 0, 3) AS n FORECAST 2 TIMEFRAMES FOR users.user_id = 1').slice(2), [
    'step', 'window_start', 'window_end', 'n', 'n_lower', 'n_upper',
  ]) // biome-ignore format: one line
})

t.test('a colliding name gets a suffix', async t => {
  t.strictSame(names(`PREDICT COUNT(orders.*, 0, 3) AS user_id ${U}`).slice(2), [
    'user_id_1',
    'user_id_lower',
    'user_id_upper',
  ])
  const catalog = catalogOf([
    {
      name: 'p',
      key: ['prediction', 'prediction_1'],
      columns: ['prediction integer!', 'prediction_1 integer!', 'x integer'],
    },
  ])
  t.strictSame(names('PREDICT x FOR EACH p.(prediction, prediction_1)', catalog), [
    'prediction', 'prediction_1', 'anchor_time', 'prediction_2', 'lower', 'upper',
  ]) // biome-ignore format: one line
})

t.test('options append their columns in one order', async t => {
  const query = `PREDICT COUNT(orders.*, 0, 3) = 0 ${U} WITH (embedding = on, timing = on, explain = on)`
  t.strictSame(outputColumns(ask(query).task).slice(4), [
    { name: 'explanation', typeName: 'jsonb', type: 3802 },
    { name: 'time_to_predict', typeName: 'interval', type: 1186 },
    { name: 'embedding', typeName: 'real[]', type: 1021 },
  ])
  t.strictSame(outputColumns(ask(query).task, { typeName: 'vector', type: 77 }).pop(), {
    name: 'embedding',
    typeName: 'vector',
    type: 77,
  })
})

t.test('a composite key comes out column by column', async t => {
  t.strictSame(names('PREDICT COUNT(line_events.*, 0, 3) FOR EACH invoice_lines.(invoice_id, line_no)').slice(0, 3), [
    'invoice_id', 'line_no', 'anchor_time',
  ]) // biome-ignore format: one line
})
