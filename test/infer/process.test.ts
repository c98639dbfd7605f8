import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ContextGone, createInferClient, type InferClient, type InferResult } from '../../src/infer/client.js'
import type { JobOptions } from '../../src/infer/protocol.js'
import { PgError } from '../../src/pg-error.js'
import { type Extraction, elements, extraction } from './process-extraction.js'

const options: JobOptions = { seed: 1, mode: 'normal', statistic: 'median', contextRows: 10_000 }
const small = { task: 'binary', entities: 200, anchors: 6, scored: 200 } as const
const large = { task: 'numeric', entities: 2_000, anchors: 6, scored: 2_000 } as const

interface Asked {
  readonly key?: string | null
  readonly cold?: boolean
  readonly options?: Partial<JobOptions>
  readonly signal?: AbortSignal
}

async function ask(client: InferClient, x: Extraction, asked: Asked = {}): Promise<InferResult> {
  const { key = null, cold = true } = asked
  const request = { contextKey: key, spec: x.spec, options: { ...options, ...asked.options }, cold }
  const job = client.job(request, asked.signal)
  for (const row of x.rows) await job.push(row)
  return job.end()
}

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

async function until(condition: () => boolean, ms = 5_000): Promise<void> {
  const end = performance.now() + ms
  while (!condition() && performance.now() < end) await sleep(5)
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

t.test('answers', async t => {
  const client = createInferClient()
  t.teardown(() => client.close())
  await client.ready

  t.test('every array has an element for each entity scored, and the keys come back as they were sent', async t => {
    const x = extraction(small)
    const result = await ask(client, x)
    t.equal(result.count, 200)
    t.ok(result.keys[0].equals(x.keys))
    for (const bytes of [...result.keys, result.anchorTime, result.prediction, result.probability as Buffer]) {
      t.equal(bytes.readInt32BE(12), 200)
    }
    t.equal(result.prediction.readUInt32BE(8), 16)
    t.equal(result.anchorTime.readUInt32BE(8), 1184)
    t.equal(result.anchorTime.readBigInt64BE(24), 777_600_000_000_000n, 'the instant of anchor 0')
    const p = elements(result.probability as Buffer)
    t.strictSame(
      elements(result.prediction),
      p.map(v => (v > 0.5 ? 1 : 0)),
    )
    t.equal(result.lower, null)
    const { contextRows, anchors, positives, cache } = result.summary
    t.match({ contextRows, anchors, cache }, { contextRows: 1200, anchors: 6, cache: 'bypass' })
    t.ok(positives > 100 && positives < 1100)
  })

  t.test('numbers come with an interval, and statistic picks what the prediction is', async t => {
    const x = extraction({ ...small, task: 'numeric' })
    const median = await ask(client, x)
    const mean = await ask(client, x, { options: { statistic: 'mean' } })
    const [low, middle, high] = [median.lower, median.prediction, median.upper].map(b => elements(b as Buffer))
    t.equal(middle.length, 200)
    t.ok(middle.every((v, i) => low[i] >= 0 && low[i] <= v && v <= high[i]))
    t.ok(median.lower?.equals(mean.lower as Buffer))
    t.notOk(median.prediction.equals(mean.prediction))
    t.equal(median.probability, null)
  })

  t.test('a cached context gives the bytes that fitting it gave, for many and for one', async t => {
    const miss = await ask(client, extraction(small), { key: 'a' })
    t.equal(miss.summary.cache, 'miss')
    t.ok(client.has('a'))
    t.ok((client.used('a')?.streams.length ?? 0) === 1)
    const hit = await ask(client, extraction({ ...small, cold: false }), { key: 'a', cold: false })
    t.equal(hit.summary.cache, 'hit')
    t.ok(hit.probability?.equals(miss.probability as Buffer))
    t.equal(hit.summary.contextRows, miss.summary.contextRows)
    const one = await ask(client, extraction({ ...small, scored: 1, cold: false }), { key: 'a', cold: false })
    t.strictSame(elements(one.probability as Buffer), elements(miss.probability as Buffer).slice(0, 1))
  })

  t.test('nobody to score is an answer too', async t => {
    const result = await ask(client, extraction({ ...small, scored: 0 }))
    t.equal(result.count, 0)
    t.strictSame(elements(result.prediction), [])
    t.strictSame(result.keys, [])
  })

  t.test('equal questions asked at once are fitted once', async t => {
    const x = extraction(small)
    const results = await Promise.all([1, 2, 3].map(() => ask(client, x, { key: 'flight' })))
    t.strictSame(results.map(r => r.summary.cache).sort(), ['hit', 'hit', 'miss'])
    t.ok(results.every(r => r.probability?.equals(results[0].probability as Buffer)))
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
    const controller = new AbortController()
    const reason = new PgError({ code: '57014', message: 'canceling statement due to statement timeout' })
    const job = ask(client, x, { key: 'cancelled', signal: controller.signal })
    job.catch(() => {})
    await sleep(400)
    const start = performance.now()
    controller.abort(reason)
    await t.rejects(job, { code: '57014', message: /statement timeout/ })
    t.ok(performance.now() - start < 100)
    await sleep(1_500)
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

t.test('limits', async t => {
  t.test('contexts are evicted by bytes, the least recently used first, and everyone hears of it', async t => {
    const probe = createInferClient()
    const bytes = (await ask(probe, extraction(small))).summary.contextBytes
    await probe.close()
    t.ok(bytes > 10_000)
    const client = createInferClient({ cacheBytes: 2.5 * bytes })
    t.teardown(() => client.close())
    for (const key of ['one', 'two']) await ask(client, extraction(small), { key })
    await ask(client, extraction({ ...small, cold: false }), { key: 'one', cold: false })
    await ask(client, extraction(small), { key: 'three' })
    t.strictSame(
      ['one', 'two', 'three'].map(key => client.has(key)),
      [true, false, true],
    )
    const late = ask(client, extraction({ ...small, cold: false }), { key: 'two', cold: false })
    await t.rejects(late, ContextGone)
  })

  t.test('a context ages', async t => {
    const client = createInferClient({ cacheMilliseconds: 300 })
    t.teardown(() => client.close())
    await ask(client, extraction(small), { key: 'young' })
    t.ok(client.has('young'))
    await until(() => !client.has('young'), 2_000)
    t.notOk(client.has('young'))
  })

  t.test('rows beyond the memory for predictions are refused with what to do, and room is made again', async t => {
    const client = createInferClient({ memoryBytes: 700_000 })
    t.teardown(() => client.close())
    await t.rejects(ask(client, extraction(large)), { code: '53400', detail: /limit is 1 MB/, hint: /SET predict/ })
    t.equal((await ask(client, extraction({ ...small, entities: 50, scored: 50 }))).count, 50)
  })
})

t.test('death', async t => {
  t.test('a killed process is started again; jobs under way are told, the next one works', async t => {
    const deaths: unknown[] = []
    const client = createInferClient({ onExit: (_, signal) => deaths.push(signal) })
    t.teardown(() => client.close())
    await ask(client, extraction(small), { key: 'lost' })
    const first = client.pid as number
    const x = extraction(large)
    const running = [1, 2, 3].map(i => ask(client, x, { key: `busy ${i}` }))
    for (const job of running) job.catch(() => {})
    await sleep(300)
    process.kill(first, 'SIGKILL')
    for (const job of running) {
      await t.rejects(job, { code: '58000', message: 'inference process was restarted', hint: /again/ })
    }
    t.notOk(client.has('lost'))
    const result = await ask(client, extraction(small), { key: 'found' })
    t.equal(result.count, 200)
    t.not(client.pid, first)
    t.strictSame(deaths, ['SIGKILL'])
  })

  t.test('closing ends the process and removes its directory', async t => {
    const client = createInferClient()
    await client.ready
    const pid = client.pid as number
    await client.close()
    t.notOk(alive(pid))
    t.notOk(existsSync(dirname(client.socketPath)))
  })

  t.test('the process goes when its parent is killed', async t => {
    const directory = mkdtempSync(join(tmpdir(), 'pgpredict-test-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const module = fileURLToPath(new URL('../../src/infer/client.ts', import.meta.url))
    const script = join(directory, 'parent.mts')
    writeFileSync(
      script,
      `import { createInferClient } from ${JSON.stringify(module)}
       const client = createInferClient()
       await client.ready
       console.log(client.pid)`,
    )
    const parent = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pid = Number(await new Promise<string>(resolve => parent.stdout.once('data', d => resolve(String(d)))))
    t.ok(alive(pid))
    parent.kill('SIGKILL')
    await until(() => !alive(pid))
    t.notOk(alive(pid))
  })

  t.test('without a process to reach, a job says so', async t => {
    const client = createInferClient({ socketPath: '/nonexistent/infer.sock', patience: 100 })
    t.teardown(() => client.close())
    await t.rejects(ask(client, extraction(small)), { code: '58000', message: 'inference process is not running' })
  })
})
