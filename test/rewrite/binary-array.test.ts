import t from 'tap'
import {
  boolArray,
  encodeArray,
  float8Array,
  int4Array,
  int8Array,
  OID,
  textArray,
  timestamptzArray,
} from '../../src/rewrite/binary-array.js'
import { connect, startPostgres } from '../helpers/postgres.js'

const postgres = await startPostgres()
const client = await connect(postgres.url())
t.teardown(async () => {
  await client.end()
  await postgres.stop()
})

const read = async (type: string, array: Buffer) =>
  (await client.query(`SELECT $1::${type}[]::text AS it`, [array])).rows[0].it

t.test('the server reads each array as what went in', async t => {
  await client.query("SET TimeZone = 'UTC'")
  t.equal(await read('bool', boolArray([true, null, false])), '{t,NULL,f}')
  t.equal(await read('int4', int4Array([1, -2_147_483_648, null])), '{1,-2147483648,NULL}')
  t.equal(await read('int4', int4Array(new Int32Array([1, 2]) as ArrayLike<number>)), '{1,2}')
  t.equal(await read('int8', int8Array([9_007_199_254_740_993n, null])), '{9007199254740993,NULL}')
  t.equal(await read('float8', float8Array([0.1, null, Number.NaN, -Infinity])), '{0.1,NULL,NaN,-Infinity}')
  t.equal(
    await read('timestamptz', timestamptzArray([0n, -1n])),
    '{"2000-01-01 00:00:00+00","1999-12-31 23:59:59.999999+00"}',
  )
  t.equal(await read('text', textArray(['é𝒳', null, '', 'NULL', '"'])), '{é𝒳,NULL,"","NULL","\\""}')
  t.equal(await read('jsonb', encodeArray(3802, [Buffer.from('\x01{"a": 1}')])), '{"{\\"a\\": 1}"}')
})

t.test('an empty array has the type of its elements all the same', async t => {
  for (const [name, oid] of Object.entries(OID)) t.equal(await read(name, encodeArray(oid, [])), '{}', name)
  t.equal(await read('uuid', encodeArray(2950, [])), '{}')
  t.equal(await read('int4', int4Array([])), '{}')
})
