import t from 'tap'
import { drain } from '../../src/infer/heads/stepped.js'
import { answered, boolArray, float8Array, predictionArrays, timestamptzArray } from '../../src/infer/process/output.js'
import { startPostgres } from '../helpers/postgres.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

/** Our bytes as a binary parameter: what the server reads in them, and what it would send itself. */
async function through(bytes: Buffer, type: string): Promise<{ text: string; sent: Buffer }> {
  const sql = `SELECT $1::${type}[]::text AS text, array_send($1::${type}[]) AS sent`
  return (await postgres.admin.query(sql, [bytes])).rows[0]
}

t.test('Postgres reads our arrays, and would write the same bytes', async t => {
  const cases: [Buffer, string, string][] = [
    [float8Array(Float64Array.of(1.5, -2, 1e300, 5e-324)), 'float8', '{1.5,-2,1e+300,5e-324}'],
    [float8Array(new Float64Array(0)), 'float8', '{}'],
    [boolArray(3, i => i !== 1), 'bool', '{t,f,t}'],
    [boolArray(0, () => true), 'bool', '{}'],
  ]
  for (const [bytes, type, text] of cases) {
    const back = await through(bytes, type)
    t.equal(back.text, text)
    t.ok(back.sent.equals(bytes), text)
  }
})

t.test('instants keep their microseconds, before and after 2000, and infinities', async t => {
  const of = async (time: number) => {
    const sql = `SELECT ($1::timestamptz[])[1] AT TIME ZONE 'UTC' || '' AS text, cardinality($1::timestamptz[]) AS n`
    return (await postgres.admin.query(sql, [timestamptzArray(2, time)])).rows[0]
  }
  t.strictSame(await of(1_000_001), { text: '2000-01-01 00:00:01.000001', n: 2 })
  t.strictSame(await of(-1), { text: '1999-12-31 23:59:59.999999', n: 2 })
  t.strictSame(await of(-1_262_304_000_000_000), { text: '1960-01-01 00:00:00', n: 2 })
  t.strictSame(await of(Number.NEGATIVE_INFINITY), { text: '-infinity', n: 2 })
  t.strictSame(await of(Number.POSITIVE_INFINITY), { text: 'infinity', n: 2 })
})

t.test('what is predicted lies in its interval, whichever statistic it is', async t => {
  const numbers = {
    task: 'numeric' as const,
    median: Float64Array.of(0, 2),
    mean: Float64Array.of(0.3, 3),
    lower: Float64Array.of(0, 1),
    upper: Float64Array.of(0, 9),
  }
  t.strictSame(answered(numbers, 'median'), {
    prediction: numbers.median,
    lower: numbers.lower,
    upper: numbers.upper,
  })
  t.strictSame(answered(numbers, 'mean'), {
    prediction: numbers.mean,
    lower: numbers.lower,
    upper: Float64Array.of(0.3, 9),
  })
})

t.test('columns of a prediction stand side by side in unnest', async t => {
  const median = Float64Array.of(1, 2)
  const mean = Float64Array.of(3, 4)
  const prediction = {
    task: 'numeric' as const,
    median,
    mean,
    lower: Float64Array.of(0, 0),
    upper: Float64Array.of(9, 9),
  }
  const columns = drain(predictionArrays(prediction, { statistic: 'mean' }))
  t.strictSame(
    columns.map(([name]) => name),
    ['prediction', 'lower', 'upper'],
  )
  const sql = 'SELECT * FROM unnest($1::float8[], $2::float8[], $3::float8[]) AS p(prediction, lower, upper)'
  t.strictSame(
    (
      await postgres.admin.query(
        sql,
        columns.map(([, bytes]) => bytes),
      )
    ).rows,
    [
      { prediction: 3, lower: 0, upper: 9 },
      { prediction: 4, lower: 0, upper: 9 },
    ],
  )
})
