import { statSync } from 'node:fs'
import { createConnection } from 'node:net'
import { dirname } from 'node:path'
import t from 'tap'
import { createInferClient } from '../../src/infer/client.js'
import { PgError } from '../../src/pg-error.js'
import { ask, column, large, options, sleep, small, until } from './process-ask.js'
import { elements, extraction } from './process-extraction.js'

// loaded machines start processes slowly
t.setTimeout(120_000)

t.test('answers', async t => {
  const client = createInferClient()
  t.teardown(() => client.close())
  await client.ready

  t.test('every array has an element for each entity scored, and the keys come back as they were sent', async t => {
    const x = extraction(small)
    const result = await ask(client, x)
    t.equal(result.count, 200)
    t.ok(result.keys[0].equals(x.keys))
    for (const bytes of [
      ...result.keys,
      column(result, 'anchor_time'),
      column(result, 'prediction'),
      column(result, 'probability'),
    ]) {
      t.equal(bytes.readInt32BE(12), 200)
    }
    t.equal(column(result, 'prediction').readUInt32BE(8), 16)
    t.equal(column(result, 'anchor_time').readUInt32BE(8), 1184)
    t.equal(column(result, 'anchor_time').readBigInt64BE(24), 777_600_000_000_000n, 'the instant of anchor 0')
    const p = elements(column(result, 'probability'))
    t.strictSame(
      elements(column(result, 'prediction')),
      p.map(v => (v > 0.5 ? 1 : 0)),
    )
    t.notOk(result.columns.has('lower'))
    const { contextRows, anchors, positives, cache } = result.summary
    t.match({ contextRows, anchors, cache }, { contextRows: 1200, anchors: 6, cache: 'bypass' })
    t.ok(positives > 100 && positives < 1100)
  })

  t.test('numbers come with an interval, and statistic picks what the prediction is', async t => {
    const x = extraction({ ...small, task: 'numeric' })
    const median = await ask(client, x)
    const mean = await ask(client, x, { options: { statistic: 'mean' } })
    const [low, middle, high] = ['lower', 'prediction', 'upper'].map(name => elements(column(median, name)))
    t.equal(middle.length, 200)
    t.ok(middle.every((v, i) => low[i] >= 0 && low[i] <= v && v <= high[i]))
    t.ok(column(median, 'lower').equals(column(mean, 'lower')))
    t.notOk(column(median, 'prediction').equals(column(mean, 'prediction')))
    t.notOk(median.columns.has('probability'))
  })

  t.test('a cached context gives the bytes that fitting it gave, for many and for one', async t => {
    const miss = await ask(client, extraction(small), { key: 'a' })
    t.equal(miss.summary.cache, 'miss')
    t.ok(client.has('a'))
    t.ok((client.used('a')?.streams.length ?? 0) === 1)
    const hit = await ask(client, extraction({ ...small, cold: false }), { key: 'a', cold: false })
    t.equal(hit.summary.cache, 'hit')
    t.ok(column(hit, 'probability').equals(column(miss, 'probability')))
    t.equal(hit.summary.contextRows, miss.summary.contextRows)
    const one = await ask(client, extraction({ ...small, scored: 1, cold: false }), { key: 'a', cold: false })
    t.strictSame(elements(column(one, 'probability')), elements(column(miss, 'probability')).slice(0, 1))
  })

  t.test('rows sent faster than they are taken arrive whole and in order, and the sender is told to wait', async t => {
    const x = extraction(large)
    const patient = await ask(client, x)
    const job = client.job({ contextKey: null, spec: x.spec, options, cold: true })
    const waits = x.rows.map(row => job.push(row)).filter(wait => wait !== undefined)
    t.ok(waits.length > 0)
    const hasty = await job.end()
    await Promise.all(waits)
    t.ok(column(hasty, 'prediction').equals(column(patient, 'prediction')))
  })

  t.test('nobody to score is an answer too', async t => {
    const result = await ask(client, extraction({ ...small, scored: 0 }))
    t.equal(result.count, 0)
    t.strictSame(elements(column(result, 'prediction')), [])
    t.strictSame(result.keys, [])
  })

  t.test('equal questions asked at once are fitted once', async t => {
    const x = extraction(small)
    const results = await Promise.all([1, 2, 3].map(() => ask(client, x, { key: 'flight' })))
    t.strictSame(results.map(r => r.summary.cache).sort(), ['hit', 'hit', 'miss'])
    t.ok(results.every(r => column(r, 'probability').equals(column(results[0], 'probability'))))
  })

  t.test('one who waits for the same fit goes on when the first is cancelled', async t => {
    const x = extraction(large)
    const controller = new AbortController()
    const first = ask(client, x, { key: 'given up', signal: controller.signal })
    const second = ask(client, x, { key: 'given up' })
    await sleep(150)
    controller.abort()
    await t.rejects(first, { code: '57014' })
    t.equal((await second).summary.cache, 'miss')
  })

  t.test('rows that are no rows fail their own job', async t => {
    const x = extraction(small)
    const broken = { ...x, rows: [Buffer.from('not a row at all')] }
    await t.rejects(ask(client, broken), { code: 'XX000', message: 'malformed extraction result' })
    t.equal((await ask(client, x)).count, 200)
  })

  t.test('bytes that are no frames end that connection alone', async t => {
    const stranger = createConnection(client.socketPath)
    stranger.on('error', () => {})
    const gone = new Promise(resolve => stranger.on('close', resolve))
    stranger.resume()
    stranger.write('GET / HTTP/1.1\r\n\r\n')
    await gone
    t.equal((await ask(client, extraction(small))).count, 200)
  })

  t.test('the socket is for this user alone', async t => {
    t.equal(statSync(client.socketPath).mode & 0o777, 0o600)
    t.equal(statSync(dirname(client.socketPath)).mode & 0o777, 0o700)
  })

  t.test('another client of the same process shares its contexts', async t => {
    const other = createInferClient({ socketPath: client.socketPath })
    await other.ready
    await until(() => other.has('a'))
    t.ok(other.has('a'))
    t.equal(other.pid, null)
    const hit = await ask(other, extraction({ ...small, cold: false }), { key: 'a', cold: false })
    t.equal(hit.summary.cache, 'hit')
    await ask(other, extraction(small), { key: 'of the other' })
    await until(() => client.has('of the other'))
    t.ok(client.has('of the other'))
    await other.close()
    t.equal((await ask(client, extraction(small))).count, 200, 'the process outlives a client that did not start it')
  })
})

t.test('sharing', async t => {
  const client = createInferClient()
  t.teardown(() => client.close())
  await client.ready

  t.test('cancel answers at once in the middle of a fit, and the fit stops', async t => {
    const x = extraction(large)
    const time = async (key: string): Promise<number> => {
      const begun = performance.now()
      await ask(client, x, { key })
      t.ok(client.has(key))
      return performance.now() - begun
    }
    const whole = Math.min(await time('first'), await time('second'))
    const controller = new AbortController()
    const reason = new PgError({ code: '57014', message: 'canceling statement due to statement timeout' })
    const job = ask(client, x, { key: 'cancelled', signal: controller.signal })
    job.catch(() => {})
    await sleep(whole / 2)
    const start = performance.now()
    controller.abort(reason)
    await t.rejects(job, { code: '57014', message: /statement timeout/ })
    t.ok(performance.now() - start < 100)
    await sleep(3 * whole)
    t.notOk(client.has('cancelled'), 'it was not fitted to the end behind our back')
  })

  t.test('a small job asked behind a large one is answered first', async t => {
    const order: string[] = []
    const big = ask(client, extraction(large)).then(() => order.push('large'))
    await sleep(100)
    await ask(client, extraction({ ...small, entities: 50, scored: 5 })).then(() => order.push('small'))
    await big
    t.strictSame(order, ['small', 'large'])
  })

  t.test('a signal that has fired already, and a cancelled job that is pushed to', async t => {
    await t.rejects(ask(client, extraction(small), { signal: AbortSignal.abort() }), { code: '57014' })
    const x = extraction(small)
    const job = client.job({ contextKey: null, spec: x.spec, options, cold: true })
    job.cancel()
    t.throws(() => job.push(x.rows[0]), { code: '57014' })
    await t.rejects(job.end(), { code: '57014' })
  })
})
