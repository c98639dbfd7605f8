import t from 'tap'
import {
  createFrameReader,
  frame,
  header,
  Kind,
  listChannels,
  readChannels,
  readResult,
  resultFrame,
} from '../../src/infer/protocol.js'
import { uniforms } from './synthetic.js'

type Frame = [kind: number, job: number, body: string]

function read(chunks: Buffer[], admit = (_kind: number, _job: number, _size: number) => true): Frame[] {
  const out: Frame[] = []
  const reader = createFrameReader((kind, job, body) => out.push([kind, job, body.toString('latin1')]), admit)
  for (const chunk of chunks) reader.push(chunk)
  return out
}

t.test('frames survive every way of being cut', async t => {
  const next = uniforms(7)
  const bodies = [0, 1, 8, 9, 10, 300, 5000].map(n => Buffer.alloc(n, n % 251))
  const stream = Buffer.concat(bodies.flatMap((body, i) => [header(Kind.row, i + 1, body.length), body]))
  const expected = bodies.map((body, i): Frame => [Kind.row, i + 1, body.toString('latin1')])
  t.strictSame(read([stream]), expected)
  for (let round = 0; round < 200; round++) {
    const chunks: Buffer[] = []
    for (let at = 0; at < stream.length; ) {
      const size = 1 + Math.floor(next() * (round % 2 ? 12 : 2000))
      chunks.push(Buffer.from(stream.subarray(at, at + size)))
      at += size
    }
    if (JSON.stringify(read(chunks)) !== JSON.stringify(expected)) t.fail(`round ${round}`)
  }
})

t.test('a body that is not admitted is skipped without room being made, however it is cut', async t => {
  const stream = Buffer.concat([header(Kind.row, 1, 5000), Buffer.alloc(5000), header(Kind.end, 2, 0)])
  const admit = (kind: number) => kind !== Kind.row
  t.strictSame(read([stream], admit), [[Kind.end, 2, '']])
  t.strictSame(read([stream.subarray(0, 700), stream.subarray(700, 5009), stream.subarray(5009)], admit), [
    [Kind.end, 2, ''],
  ])
})

t.test('random bytes never do worse than a RangeError', async t => {
  const next = uniforms(8)
  for (let round = 0; round < 500; round++) {
    const bytes = Buffer.from(Array.from({ length: 60 }, () => Math.floor(next() * 256)))
    try {
      read([bytes], (_, __, size) => size < 1000)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
  t.pass()
})

t.test('JSON, channel sets and results come back as they went', async t => {
  const error = { code: '53400', message: 'too much', detail: 'of „ everything' }
  const [[kind, job, body]] = read([frame(Kind.failed, 77, { error, gone: true })])
  t.strictSame([kind, job], [Kind.failed, 77])
  t.strictSame(JSON.parse(Buffer.from(body, 'latin1').toString('utf8')), { error, gone: true })

  const used = { rows: true, numbers: new Set([3, 1]), codes: new Set<number>() }
  t.strictSame(readChannels(listChannels({ nodes: [used], streams: [] })), { nodes: [used], streams: [] })

  const arrays = [Buffer.from('first'), Buffer.alloc(0), Buffer.from('third')]
  const summary = { count: 3 } as never
  const sizes = arrays.map((bytes, i) => ({ name: `n${i}`, size: bytes.length }))
  const whole = Buffer.concat([resultFrame(5, { summary, arrays: sizes }), ...arrays])
  const [[, , result]] = read([whole])
  const back = readResult(Buffer.from(result, 'latin1'))
  t.strictSame(
    [...back.arrays],
    [
      ['n0', arrays[0]],
      ['n1', arrays[1]],
      ['n2', arrays[2]],
    ],
  )
})
