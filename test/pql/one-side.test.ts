// Opposite questions are learnt as one.

import t from 'tap'
import { ask as asked } from './ask.js'

const ask = (target: string) => asked(`PREDICT ${target} FOR EACH users.user_id`).task

const pairs: readonly (readonly [string, string])[] = [
  ['COUNT(orders.*, 0, 30, days) = 0', 'COUNT(orders.*, 0, 30, days) > 0'],
  ['COUNT(orders.*, 0, 30, days) < 1', 'COUNT(orders.*, 0, 30, days) >= 1'],
  ['COUNT(orders.*, 0, 30, days) <= 0', 'COUNT(orders.*, 0, 30, days) <> 0'],
  ['COUNT(orders.*, 0, 30, days) = 0', 'NOT COUNT(orders.*, 0, 30, days) = 0'],
  ['COUNT(orders.*, 0, 30, days) <= 3', 'COUNT(orders.*, 0, 30, days) > 3'],
  ['SUM(orders.amount, 0, 30, days) < 100', 'SUM(orders.amount, 0, 30, days) >= 100'],
  ['AVG(orders.amount, 0, 30, days) IS NULL', 'AVG(orders.amount, 0, 30, days) IS NOT NULL'],
  ['COUNT(orders.*, 0, 30, days) IN (1, 2)', 'COUNT(orders.*, 0, 30, days) NOT IN (1, 2)'],
]

for (const [one, other] of pairs) {
  t.test(`${one} and ${other} share a context`, async t => {
    const [a, b] = [ask(one), ask(other)]
    t.equal(a.normalised, b.normalised)
    t.equal(a.complement, false)
    t.equal(b.complement, true)
  })
}

t.test('all ways to ask for no rows are one question; others are not', async t => {
  const texts = ['= 0', '<= 0', '< 1'].map(test => ask(`COUNT(orders.*, 0, 30, days) ${test}`).normalised)
  t.equal(new Set(texts).size, 1)
  t.not(ask('SUM(orders.amount, 0, 30, days) <= 0').normalised, ask('SUM(orders.amount, 0, 30, days) = 0').normalised)
  t.not(ask('COUNT(orders.*, 0, 30, days) = 1').normalised, texts[0])
})
