// What a network costs beside the closed-form models: a context encoded, then one query and a thousand beside it, threads and copies included. Judged by processor
// time, of all threads together: on a machine that does nothing else and with one thread, that is the time it takes.

import type { ColumnDescriptor, ContextBatch } from '../src/infer/head.js'
import { run } from '../src/infer/heads/stepped.js'
import { contextInputs } from '../src/infer/network/inputs.js'
import { openNetwork } from '../src/infer/network/runtime.js'
import { readFlags } from './lib/flags.js'
import { createReport } from './lib/report.js'

const defaults = { model: 'pretrain/fixtures/tiny', rows: 1000, columns: 100, threads: 1, repeats: 20 }

export async function network(args: readonly string[]): Promise<void> {
  const { model, rows, columns, threads, repeats } = readFlags(args, defaults)
  const report = createReport('network')
  const opened = await openNetwork(model, { threads })
  const { name, parameters } = opened.facts
  report.note(`${name}, ${parameters} parameters, ${threads} thread(s); context ${rows} x ${columns}`)
  const batch = madeUp(rows, columns)
  const many = { rows: 1000, x: madeUp(1000, columns).x }
  const one = { rows: 1, x: madeUp(1, columns).x }
  const times: Record<'read' | 'encode' | 'one' | 'many', number[]> = { read: [], encode: [], one: [], many: [] }
  const clock = async <T>(list: number[], work: () => Promise<T>): Promise<T> => {
    const before = process.cpuUsage()
    const done = await work()
    const { user, system } = process.cpuUsage(before)
    list.push((user + system) / 1000)
    return done
  }
  for (let round = -2; round < repeats; round++) {
    // the first rounds make room and compile
    const into = round < 0 ? { read: [], encode: [], one: [], many: [] } : times
    const inputs = await clock(into.read, () => run(contextInputs(batch)))
    const memory = await clock(into.encode, () => opened.encode(inputs))
    await clock(into.one, async () => memory.predict(inputs.query(one)))
    await clock(into.many, async () => memory.predict(inputs.query(many)))
  }
  report.figure('context read: cells, descriptions, the linear answer', times.read, { unit: 'ms' })
  report.figure('context encoded', times.encode, { atMost: 500, unit: 'ms' })
  report.figure('one query, cached context', times.one, { atMost: 10, unit: 'ms' })
  report.figure('1,000 queries, cached context', times.many, { atMost: 400, unit: 'ms' })
  await opened.close()
  report.end()
}

/** Rows whose outcome hangs on their first column; a fixed sequence stands for chance. */
function madeUp(rows: number, columns: number): ContextBatch {
  let state = 7
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const x = Float64Array.from({ length: rows * columns }, () => (next() < 0.05 ? Number.NaN : Math.exp(3 * next())))
  const descriptor: ColumnDescriptor = { kind: 'sum', hop: 1, window: 3, target: false, cohort: false }
  return {
    task: 'binary',
    rows,
    columns: Array.from({ length: columns }, () => descriptor),
    x,
    y: Float64Array.from({ length: rows }, (_, r) => (x[r] > 4 + 6 * next() ? 1 : 0)),
    anchor: Int32Array.from({ length: rows }, (_, r) => Math.floor((10 * r) / rows)),
    age: Float64Array.from({ length: rows }, (_, r) => 1 + Math.floor((10 * r) / rows)),
    nonNegative: false,
  }
}
