// Decoding of extractions: values, NULLs, infinities and chunks come back as sent; malformed bytes are refused, whatever they are.

import t from 'tap'
import { createDecoder } from '../../src/infer/decode/decoder.js'
import { NULL_CODE } from '../../src/infer/decode/neighbourhood.js'
import { PgError } from '../../src/pg-error.js'
import {
  ANCHORS,
  arrayBytes,
  dataRow,
  decode,
  nodePart,
  ordered,
  PAIRS,
  payload,
  random,
  SCORED,
  shop,
  streamPart,
} from './features-synthetic.js'

const world = shop(1, 30)
const { spec } = world
const orders = streamPart(world, 0)

function refused(bytes: Buffer, of = spec): PgError | null {
  const decoder = createDecoder(of)
  try {
    decoder.push(bytes)
    decoder.finish()
    return null
  } catch (error) {
    if (error instanceof PgError && error.code === 'XX000') return error
    throw error
  }
}

t.test('every row comes back under its key, by channel', async t => {
  const neighbourhood = decode(world, 13)
  spec.streams.forEach((stream, s) => {
    const { ptr, time, numbers, codes, rows } = neighbourhood.streams[s]
    const sent = ordered(spec, streamPart(world, s), world.rows[streamPart(world, s)])
    t.equal(rows, sent.length)
    t.equal(ptr.at(-1), sent.length)
    t.same(
      [...time],
      sent.map(row => row.t),
    )
    stream.numbers.forEach((_, c) => {
      t.same(
        [...numbers[c]],
        sent.map(row => row.v[c] ?? Number.NaN),
      )
    })
    stream.codes.forEach((_, c) => {
      t.same(
        [...codes[c]],
        sent.map(row => row.c[c] ?? NULL_CODE),
      )
    })
    for (let k = 0; k + 1 < ptr.length; k++)
      if (sent.slice(ptr[k], ptr[k + 1]).some(row => row.k !== k)) t.fail(`stream ${s} key ${k}`)
  })
  t.equal(neighbourhood.anchors.count, world.rows[ANCHORS].length)
  t.same(
    [...neighbourhood.anchors.bounds],
    world.rows[ANCHORS].flatMap(row => row.v),
  )
  t.same([...neighbourhood.constants], [40, 1, 7, 50, 90, 0])
  t.same(
    [...neighbourhood.pairs.key],
    world.rows[PAIRS].map(row => row.k),
  )
  t.same(
    [...neighbourhood.pairs.anchor],
    world.rows[PAIRS].map(row => row.c[0]),
  )
  t.same(
    [...neighbourhood.pairs.role],
    world.rows[PAIRS].map(row => row.c[1]),
  )
  t.same(
    [...neighbourhood.pairs.label],
    world.rows[PAIRS].map(row => row.v[0] ?? Number.NaN),
  )
})

t.test('node 0 has a slice for every key that anything mentions', async t => {
  const decoder = createDecoder(spec)
  decoder.push(payload(spec, ANCHORS, world.rows[ANCHORS]))
  decoder.push(payload(spec, SCORED, [{ k: 7, t: 0, v: [], c: [] }]))
  const { nodes, streams, scored } = decoder.finish()
  t.equal(nodes[0].keys, 8)
  t.same([...streams[0].ptr], new Array(9).fill(0), 'parts that sent no row are empty')
  t.equal(streams[0].numbers.length, spec.streams[0].numbers.length)
  t.same([...scored.key], [7])
})

t.test('instants are exact to the microsecond; infinities are times alone', async t => {
  const row = (time: number, amount: number, shipped: number) => ({
    k: 0,
    t: time,
    v: [amount, 1, shipped, 0, 1, 0, 0],
    c: [0, 0, 0, 0],
  })
  const exact = [Number.NEGATIVE_INFINITY, -946684799999999, -1, 0, 1, 4294967295, 4294967296, 2524556159999999]
  const decoder = createDecoder(spec)
  decoder.push(
    payload(
      spec,
      orders,
      exact.map(time => row(time, 1, 1)),
    ),
  )
  decoder.push(payload(spec, orders, [{ ...row(5, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY), k: 1 }]))
  const { streams } = decoder.finish()
  t.same([...streams[0].time].slice(0, -1), exact)
  t.ok(Number.isNaN(streams[0].numbers[0].at(-1)), 'an infinite amount is missing')
  t.equal(streams[0].numbers[2].at(-1), Number.POSITIVE_INFINITY, 'an infinite date is later than any anchor')
})

t.test('the key arrays of several chunks become one', async t => {
  const rows = Array.from({ length: 10 }, (_, i) => ({ k: 9 - i, t: 0, v: [], c: [] }))
  const decoder = createDecoder(spec)
  for (const [from, to] of [
    [0, 3],
    [3, 9],
    [9, 10],
  ])
    decoder.push(payload(spec, SCORED, rows.slice(from, to)))
  const { scored } = decoder.finish()
  t.same(
    [...scored.key],
    rows.map(row => row.k),
    'in the order sent',
  )
  t.equal(scored.keys.length, 1)
  t.ok(
    scored.keys[0].equals(
      arrayBytes(
        25,
        10,
        0,
        rows.map(row => Buffer.from(`user ${row.k}`)),
      ),
    ),
  )
})

t.test('a payload is read at once, so that its buffer may be used again, at any offset', async t => {
  const decoder = createDecoder(spec)
  const sent = ordered(spec, orders, world.rows[orders])
  const buffer = Buffer.alloc(4_000_000)
  for (let i = 0; i < sent.length; i += 50) {
    const bytes = payload(spec, orders, sent.slice(i, i + 50))
    bytes.copy(buffer, 1 + (i % 7))
    decoder.push(buffer.subarray(1 + (i % 7), 1 + (i % 7) + bytes.length))
    buffer.fill(255)
  }
  t.same(
    [...decoder.finish().streams[0].time],
    sent.map(row => row.t),
  )
})

t.test('malformed rows are refused with a reason', async t => {
  const good = world.rows[orders].slice(0, 1)
  const int = (value: number) => {
    const out = Buffer.alloc(4)
    out.writeInt32BE(value)
    return out
  }
  const scoredRow = (keys: Buffer | null) =>
    dataRow([int(SCORED), arrayBytes(23, 1, 0, [int(0)]), arrayBytes(1184, 1, 0, [Buffer.alloc(8)]), null, null, keys])
  t.equal(refused(payload(spec, orders, good)), null)
  const cases: [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['too few fields', dataRow([int(0)])],
    ['no such part', dataRow([int(99), null, null, null, null, null])],
    ['a part of two bytes', dataRow([Buffer.alloc(2), null, null, null, null, null])],
    ['a negative key', payload(spec, orders, [{ ...good[0], k: -1 }])],
    ['a key beyond reason', payload(spec, orders, [{ ...good[0], k: 2_000_000_000 }])],
    [
      'rows out of time',
      payload(spec, orders, [
        { ...good[0], k: 0, t: 5 },
        { ...good[0], k: 0, t: 4 },
      ]),
    ],
    ['too few channels', payload(spec, orders, [{ ...good[0], v: [1] }])],
    ['no channels', payload(spec, orders, [{ ...good[0], v: [] }])],
    ['an anchor that is not there', payload(spec, PAIRS, [{ k: 0, t: 0, v: [1], c: [3, 0] }])],
    ['scored rows without keys', scoredRow(null)],
    ['fewer keys than rows', scoredRow(arrayBytes(25, 0, 0, []))],
    ['bytes behind the last field', Buffer.concat([payload(spec, orders, good), Buffer.alloc(3)])],
    ['no times', dataRow([int(orders), arrayBytes(23, 1, 0, [int(0)]), null, null, null, null])],
  ]
  for (const [name, bytes] of cases) t.ok(refused(bytes)?.detail, name)
  const claims = payload(spec, nodePart(1), [{ k: 0, t: 0, v: [1], c: [1] }])
  // the length of the keys' array, behind the part: 2 + 8 + 4 + 12
  claims.writeInt32BE(2_000_000_000, 26)
  t.match(refused(claims)?.detail, /2000000000/, 'an array that claims two thousand million elements')
})

t.test('whatever bytes are changed, cut or added, the answer is a neighbourhood or a refusal', async t => {
  const r = random(77)
  const samples = [ANCHORS, PAIRS, SCORED, nodePart(0), orders].map(part =>
    payload(spec, part, ordered(spec, part, world.rows[part]).slice(0, 4)),
  )
  let refusals = 0
  for (let i = 0; i < 1000; i++) {
    let bytes = Buffer.from(samples[i % samples.length])
    const lot = r()
    if (lot < 0.2) bytes = bytes.subarray(0, Math.floor(r() * bytes.length))
    else if (lot < 0.3) bytes = Buffer.concat([bytes, Buffer.from([Math.floor(r() * 256)])])
    else
      for (let j = 1 + Math.floor(r() * 3); j > 0; j--) {
        // lengths and counts live in words of mostly zeros and ones: hit single bytes, small values and large
        const value = r() < 0.5 ? Math.floor(r() * 4) : Math.floor(r() * 256)
        bytes[Math.floor(r() * bytes.length)] = value
      }
    try {
      if (refused(bytes)) refusals++
    } catch (error) {
      t.fail(`sample ${i % samples.length}, round ${i}: ${error}`)
      return
    }
  }
  t.ok(refusals > 300, `${refusals} refusals`)
})
