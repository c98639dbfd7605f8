import t from 'tap'
import { attempt } from '../../src/cli/try.js'
import { startPostgres } from '../helpers/postgres.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

const probabilities = (...values: number[]) =>
  `SELECT p > 0.5 AS prediction, p::float8 AS probability FROM unnest(ARRAY[${values}]) p`
const numbers = (...values: number[]) => `SELECT p::float8 AS prediction FROM unnest(ARRAY[${values}]) p`

t.test(
  'statements that work are told from those that do not, and answers that differ from one answer to all',
  async t => {
    const url = postgres.url()
    const of = async (...statements: string[]) => (await attempt(url, null, statements))?.varied
    t.equal(await of(probabilities(0.2, 0.7), numbers(10, 11)), true)
    t.equal(await of(probabilities(0.999, 0.998)), false)
    t.equal(await of(numbers(0, 0, 0)), false)
    t.equal(await of(numbers(1000, 1001)), false)
    t.equal(await of(probabilities(0.2, 0.7), numbers(5)), false, 'each of them')
    t.equal(await of(`${numbers(1)} LIMIT 0`), undefined)
    t.equal(await of('SELECT nothing'), undefined)
  },
)
