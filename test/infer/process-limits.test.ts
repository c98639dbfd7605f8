import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ContextGone, createInferClient } from '../../src/infer/client.js'
import { ask, large, sleep, small, until } from './process-ask.js'
import { extraction } from './process-extraction.js'

// loaded machines start processes slowly
t.setTimeout(120_000)

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

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
    const client = createInferClient({ cacheMilliseconds: 3_000 })
    t.teardown(() => client.close())
    await ask(client, extraction(small), { key: 'young' })
    t.ok(client.has('young'))
    await until(() => !client.has('young'), 15_000)
    t.notOk(client.has('young'))
  })

  t.test('rows beyond the memory for predictions are refused with what to do, and room is made again', async t => {
    const client = createInferClient({ memoryBytes: 1_500_000 })
    t.teardown(() => client.close())
    await t.rejects(ask(client, extraction(large)), { code: '53400', detail: /limit is 2 MB/, hint: /SET predict/ })
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

  /** Starts a parent in a directory of its own, kills it, removes the directory: the pid of the process it had started. */
  async function orphaned(ready: boolean, delay: number): Promise<number> {
    const directory = mkdtempSync(join(tmpdir(), 'pgpredict-test-'))
    const module = fileURLToPath(new URL('../../src/infer/client.ts', import.meta.url))
    const script = join(directory, 'parent.mts')
    writeFileSync(
      script,
      `import { createInferClient } from ${JSON.stringify(module)}
       const client = createInferClient()
       ${ready ? 'await client.ready' : ''}
       console.log(client.pid)`,
    )
    const parent = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pid = Number(await new Promise<string>(resolve => parent.stdout.once('data', d => resolve(String(d)))))
    t.ok(alive(pid))
    await sleep(delay)
    parent.kill('SIGKILL')
    rmSync(directory, { recursive: true })
    return pid
  }

  t.test('the process goes when its parent is killed', async t => {
    const pid = await orphaned(true, 0)
    await until(() => !alive(pid))
    t.notOk(alive(pid))
  })

  t.test('it goes too when the parent is killed before it listens', async t => {
    const pids: number[] = []
    for (let delay = 0; delay <= 120; delay += 20) pids.push(await orphaned(false, delay))
    await until(() => !pids.some(alive), 10_000)
    const left = pids.filter(alive)
    t.strictSame(left, [])
    for (const pid of left) process.kill(pid, 'SIGKILL')
  })

  t.test('without a process to reach, a job says so', async t => {
    const client = createInferClient({ socketPath: '/nonexistent/infer.sock', patience: 100 })
    t.teardown(() => client.close())
    await t.rejects(ask(client, extraction(small)), { code: '58000', message: 'inference process is not running' })
  })
})
