import t from 'tap'
import { castName, quote } from '../../src/rewrite/quote.js'
import { connect, startPostgres } from '../helpers/postgres.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())

t.test('a cast to the type of a column leaves values whole', async t => {
  const client = await connect(postgres.url())
  t.teardown(() => client.end())
  for (const [type, value] of [
    ['char(2)', 'FR'],
    ['varchar(3)', 'abc'],
    ['bit(3)', '101'],
    ['varbit(4)', '1011'],
    ['numeric(10,2)', '1234.50'],
    ['timestamp(3)', '2026-01-02 03:04:05.678'],
    ['char(2)[]', '{FR,DE}'],
  ]) {
    const { rows } =
      await client.query(`SELECT pg_catalog.format_type(t, m) AS name FROM (SELECT atttypid AS t, atttypmod AS m
      FROM pg_catalog.pg_attribute WHERE attrelid = ${await table(type)}::regclass AND attnum = 1) s`)
    const cast = await client.query(`SELECT ('${value}'::text::${castName(rows[0].name)})::text AS value`)
    t.equal(cast.rows[0].value, value, rows[0].name)
  }
  async function table(type: string): Promise<string> {
    const name = `of_${type.replace(/\W/g, '_')}`
    await client.query(`CREATE TEMP TABLE ${quote(name)} (c ${type})`)
    return `'${name}'`
  }
})
