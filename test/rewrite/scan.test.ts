import t from 'tap'
import { mayConcern } from '../../src/rewrite/scan.js'

const scan = (sql: string) => {
  const framed = Buffer.from(`predict${sql}predict`)
  return mayConcern(framed, 7, framed.length - 7)
}

t.test('each of our words is found, in any case, at any place', async t => {
  for (const word of ['predict', 'evaluate', 'backtest', 'monitor', 'predict_probability', 'Predicted_at'])
    for (const spelling of [word, word.toUpperCase()])
      for (let before = 0; before < 12; before++) {
        t.ok(scan(`${' '.repeat(before)}${spelling}`), `${spelling} after ${before}`)
        t.ok(scan(`${'('.repeat(before)}${spelling} select 1`), `${spelling} after ${before} parentheses`)
      }
})

t.test('a word within a longer identifier is none of ours', async t => {
  for (const sql of [
    '',
    'select',
    'predic',
    'select unpredict',
    'select _predict',
    'select x$predict',
    'select 1predict',
    'select épredict',
    'select evaluated, backtests, monitors, monitor_id',
    'select created_at, category from orders order by 1 for each',
    'explain select 1',
  ])
    t.notOk(scan(sql), sql)
  t.ok(scan('select "predict"'), 'a quoted name may be one')
  t.ok(scan('select monitor from t'))
})

t.test('agrees with a plain search on random texts', async t => {
  const plain = (sql: string) =>
    /(?<![\w$\u0080-\uffff])(?:predict|(?:evaluate|backtest|monitor)(?![\w$\u0080-\uffff]))/i.test(sql)
  const parts = [
    'predict',
    'PREDICT',
    'evaluate',
    'backTest',
    'monitor',
    'pre',
    'dict',
    'moni',
    ' ',
    '(',
    '_',
    'x',
    '1',
    'é',
    '\n',
    ',',
    'ct',
  ]
  let seed = 7
  const random = (n: number) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    return (seed >> 8) % n
  }
  const wrong: string[] = []
  let hits = 0
  for (let i = 0; i < 20_000; i++) {
    const sql = Array.from({ length: 1 + random(9) }, () => parts[random(parts.length)]).join('')
    if (plain(sql)) hits++
    if (scan(sql) !== plain(sql)) wrong.push(sql)
  }
  t.same(wrong, [])
  t.ok(hits > 2_000 && hits < 18_000, `${hits} of 20000 hold a word`)
})
