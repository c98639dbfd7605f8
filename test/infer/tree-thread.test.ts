import t from 'tap'
import { growHere, type Plot } from '../../src/infer/heads/boosting/grow.js'
import { drain, run } from '../../src/infer/heads/stepped.js'
import { createTreeThread } from '../../src/infer/process/tree-thread.js'
import { normals } from './synthetic.js'

function plot(seed: number): Plot {
  const normal = normals(seed)
  const [rows, columns] = [2_000, 12]
  const x = Float64Array.from({ length: rows * columns }, normal)
  const y = Float64Array.from({ length: rows }, (_, r) => (x[r] * x[rows + r] > 0.1 * normal() ? 1 : 0))
  return { task: 'binary', rows, columns, x, y, held: 500, older: 600, seed }
}

t.test('trees that grow on the other thread, several contexts at a time, are those that grow here', async t => {
  const thread = createTreeThread()
  t.teardown(() => thread.close())
  const plots = [1, 2, 3].map(plot)
  const growing = plots.map(thread.grow)
  for (const [i, there] of growing.entries()) {
    const here = growHere(plots[i])
    const judged = drain(here.judged())
    t.ok(judged.rounds > 0)
    t.strictSame(await run(there.judged()), judged)
    t.strictSame(await run(there.all()), drain(here.all()))
    there.drop()
  }
})

t.test('what is dropped is grown no further, and the next one is', async t => {
  const thread = createTreeThread()
  t.teardown(() => thread.close())
  const dropped = thread.grow(plot(4))
  dropped.drop()
  const next = thread.grow(plot(5))
  t.ok((await run(next.judged())).rounds > 0)
  next.drop()
})

t.test('what was growing when the thread died fails, and the next one grows on another', async t => {
  const thread = createTreeThread()
  t.teardown(() => thread.close())
  const lost = thread.grow(plot(6))
  const judged = run(lost.judged())
  await thread.close()
  await t.rejects(judged, /thread that grows trees ended/)
  lost.drop()
  const next = thread.grow(plot(7))
  t.ok((await run(next.judged())).rounds > 0)
  next.drop()
})

t.test('an error there is an error here', async t => {
  const thread = createTreeThread()
  t.teardown(() => thread.close())
  const broken = thread.grow({ ...plot(8), y: new Float64Array(0), held: -1 })
  await t.rejects(run(broken.judged()))
  broken.drop()
})
