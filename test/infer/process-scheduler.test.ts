import t from 'tap'
import { type Steps, settled } from '../../src/infer/heads/stepped.js'
import { createContextCache } from '../../src/infer/process/context-cache.js'
import { createLedger } from '../../src/infer/process/ledger.js'
import { createScheduler } from '../../src/infer/process/scheduler.js'
import { PgError } from '../../src/pg-error.js'

function burn(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

function* work(steps: number, ms: number, done: () => void): Generator<void, void, void> {
  for (let i = 0; i < steps; i++) {
    burn(ms)
    yield
  }
  done()
}

const nobody = (error: unknown) => {
  throw error
}

t.test('short work that comes late passes long work, and the event loop breathes between slices', async t => {
  const scheduler = createScheduler()
  const order: string[] = []
  let breaths = 0
  const timer = setInterval(() => breaths++, 1)
  await new Promise<void>(resolve => {
    scheduler.add({ steps: work(200, 2, () => resolve(void order.push('long'))), failed: nobody })
    setTimeout(() => scheduler.add({ steps: work(10, 2, () => order.push('short')), failed: nobody }), 60)
  })
  clearInterval(timer)
  t.strictSame(order, ['short', 'long'])
  t.ok(breaths >= 10, `${breaths} turns of the timer in 400 ms`)
  t.equal(scheduler.running, 0)
})

t.test('equal work is shared out evenly', async t => {
  const scheduler = createScheduler()
  const ended: number[] = []
  const start = performance.now()
  await new Promise<void>(resolve => {
    for (let i = 0; i < 3; i++) {
      const done = () => {
        ended.push(performance.now() - start)
        if (ended.length === 3) resolve()
      }
      scheduler.add({ steps: work(50, 2, done), failed: nobody })
    }
  })
  t.ok(ended[0] > 0.6 * ended[2], `first after ${ended[0]} of ${ended[2]} ms`)
})

t.test('long work is not starved by an endless stream of short work', async t => {
  const scheduler = createScheduler()
  let streaming = true
  let finished = 0
  const feed = (): void => {
    const done = () => {
      finished++
      feed()
    }
    if (streaming) scheduler.add({ steps: work(5, 2, done), failed: nobody })
  }
  // three at any time, each with the head start of a newcomer
  for (let i = 0; i < 3; i++) feed()
  await new Promise<void>(resolve => {
    scheduler.add({ steps: work(20, 2, resolve), failed: nobody })
  })
  streaming = false
  // a fair share is a dozen, and a head start each; on a busy machine less is measured than was given
  t.ok(finished > 8, `${finished} short ones passed meanwhile`)
})

t.test('an error ends its own work alone; work taken off runs no more', async t => {
  const scheduler = createScheduler()
  const seen: unknown[] = []
  let steps = 0
  function* failing(): Generator<void, void, void> {
    yield
    throw new Error('broken')
  }
  function* counting(): Generator<void, void, void> {
    for (;;) {
      steps++
      burn(5)
      yield
    }
  }
  const leave = scheduler.add({ steps: counting(), failed: nobody })
  await new Promise<void>(resolve => {
    scheduler.add({ steps: failing(), failed: error => resolve(void seen.push(error)) })
  })
  t.match(seen, [{ message: 'broken' }])
  leave()
  const before = steps
  await new Promise(resolve => setTimeout(resolve, 30))
  t.equal(steps, before)
})

t.test('a cache: reading keeps an entry, the oldest go first, what is too large is not kept', async t => {
  const gone: string[][] = []
  const cache = createContextCache<number>({
    maxBytes: 100,
    ttlMilliseconds: 10_000,
    onCached: () => {},
    onEvicted: keys => gone.push(keys),
  })
  cache.put('a', 1, 40)
  cache.put('b', 2, 40)
  t.equal(cache.get('a'), 1)
  cache.put('c', 3, 40)
  t.strictSame(gone, [['b']])
  cache.put('a', 4, 60)
  t.strictSame([cache.get('a'), cache.bytes], [4, 100], 'a key put again counts once')
  cache.put('d', 5, 101)
  t.equal(cache.get('d'), null)
  cache.put('c', 6, 101)
  t.strictSame(gone, [['b'], ['c']], 'an old value does not outlive a new one that is too large')
  cache.put('e', 7, 100)
  t.strictSame(cache.entries(), [['e', 7]])
  cache.clear()
  t.equal(cache.bytes, 0)
})

t.test('a ledger refuses what all together may not hold, and closing gives everything back', async t => {
  const ledger = createLedger(100)
  const a = ledger.open()
  const b = ledger.open()
  a.take(60)
  b.take(40)
  t.throws(() => b.take(1), PgError)
  a.give(1000)
  t.equal(ledger.used, 40, 'nobody gives more than he holds')
  b.close()
  b.take(50)
  t.equal(ledger.used, 0, 'a closed account takes nothing')
})

t.test('work that waits for another thread stands aside, and goes on when that has come', async t => {
  const scheduler = createScheduler()
  const order: string[] = []
  let tell: (answer: string) => void
  const answered = new Promise<string>(resolve => {
    tell = resolve
  })
  await new Promise<void>(resolve => {
    function* waits(): Steps<void> {
      order.push(yield* settled(answered))
      try {
        yield* settled(Promise.reject(new Error('no answer')))
      } catch (error) {
        order.push((error as Error).message)
      }
      resolve()
    }
    scheduler.add({ steps: waits(), failed: nobody })
    scheduler.add({ steps: work(10, 2, () => tell(order.push('meanwhile') > 0 ? 'answer' : '')), failed: nobody })
  })
  t.strictSame(order, ['meanwhile', 'answer', 'no answer'])
  t.equal(scheduler.running, 0)
})

t.test('work taken off while it waits does not come back', async t => {
  const scheduler = createScheduler()
  let went = false
  function* waits(): Steps<void> {
    yield* settled(new Promise(resolve => setTimeout(resolve, 30)))
    went = true
  }
  const leave = scheduler.add({ steps: waits(), failed: nobody })
  await new Promise(resolve => setTimeout(resolve, 10))
  t.equal(scheduler.running, 1)
  leave()
  t.equal(scheduler.running, 0)
  await new Promise(resolve => setTimeout(resolve, 60))
  t.notOk(went)
})
