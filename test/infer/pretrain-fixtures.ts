// What `pretrain/` must agree with, written out of the TypeScript code: the slots of each block of features, and values over a small shop.
// `npx tsx test/infer/pretrain-fixtures.ts` writes pretrain/fixtures/*.json anew.

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { TargetSpec } from '../../src/graph/neighbourhood.js'
import { type Block, CLOSING, COUNTS, DISTINCT, LAG, LAGS, RAW_LAGS, SIGNAL } from '../../src/infer/features/columns.js'
import { computeFeatures } from '../../src/infer/features/compute.js'
import { planFeatures } from '../../src/infer/features/plan.js'
import { CLOSING_SLOTS, COUNT_SLOTS, DISTINCT_SLOTS, FULL, LIGHT, type Slot } from '../../src/infer/features/slots.js'
import type { ColumnDescriptor, ContextBatch, QueryBatch } from '../../src/infer/head.js'
import { drain } from '../../src/infer/heads/stepped.js'
import { KINDS } from '../../src/infer/network/descriptor.js'
import { contextInputs, type QueryInputs } from '../../src/infer/network/inputs.js'
import { DAY, decode, HORIZON, random, shop } from './features-synthetic.js'

const USERS = 5

const named = (names: Readonly<Record<string, number>>, slots: readonly Slot[]) =>
  Object.fromEntries(
    slots.map(({ slot, kind, window }) => [
      Object.keys(names).find(name => names[name] === slot)!,
      { slot, kind, window: finite(window) },
    ]),
  )

/** Infinity has no place in JSON. */
const finite = (window: number): number | null => (Number.isFinite(window) ? window : null)

/** The slots that the plan itself gives to the target's past. */
function lagSlots(): Record<string, { slot: number; kind: string; window: number | null }> {
  const names: Record<number, string> = {}
  for (const [name, slot] of Object.entries(LAG)) if (name !== 'raw') names[slot] = name
  for (let k = 1; k <= LAGS; k++) names[k - 1] = `lag${k}`
  for (let k = 1; k <= RAW_LAGS; k++) names[LAG.raw + k - 1] = `raw${k}`
  const neighbourhood = decode(shop(1, USERS, { target: BIG_SPENDER }))
  const columns = planFeatures(neighbourhood, {
    context: rowsOf(neighbourhood),
    cut: 8000 * DAY,
    setAside: () => false,
  })
  return Object.fromEntries(
    columns
      .filter(({ block }) => block.op === 'lag')
      .map(({ slot, descriptor }) => [names[slot], { slot, kind: descriptor.kind, window: finite(descriptor.window) }]),
  )
}

/** AVG(amount) WHERE … > 40 ASSUMING nothing, and COUNT(*): the shapes of targets that the prior draws. */
const BIG_SPENDER: TargetSpec = {
  leaves: [{ name: 'AVG', stream: 0, filter: 4, value: 5, code: null }],
  program: { op: 'compare', compare: '>', leaf: 0, constant: 0 },
  assuming: null,
}
const SPENT: TargetSpec = {
  leaves: [{ name: 'SUM', stream: 0, filter: null, value: 0, code: null }],
  program: { op: 'leaf', leaf: 0 },
  assuming: null,
}

function rowsOf({ pairs }: ReturnType<typeof decode>) {
  return {
    key: pairs.key.filter((_, i) => pairs.role[i] === 0),
    anchor: pairs.anchor.filter((_, i) => pairs.role[i] === 0),
  }
}

function blocksOf(seed: number, target: TargetSpec) {
  const neighbourhood = decode(shop(seed, USERS, { anchors: 4, scored: 0, orders: 40, target }))
  const rows = rowsOf(neighbourhood)
  const blocks: Record<string, { block: Block; slots: Readonly<Record<string, number>> }> = {
    counts: { block: { op: 'counts', stream: 0, day: DAY }, slots: COUNTS },
    signal: { block: { op: 'signal', stream: 0, signal: { kind: 'channel', channel: 0 } }, slots: SIGNAL },
    distinct: { block: { op: 'distinct', stream: 0, channel: 0 }, slots: DISTINCT },
    closing: { block: { op: 'closing', stream: 0, channel: 2 }, slots: CLOSING },
    lag: {
      block: { op: 'lag', target, constants: neighbourhood.constants },
      slots: Object.fromEntries(Object.entries(lagSlots()).map(([name, { slot }]) => [name, slot])),
    },
  }
  const values = Object.fromEntries(
    Object.entries(blocks).map(([name, { block, slots }]) => {
      const columns = Object.values(slots).map(slot => ({
        descriptor: { kind: 'value', hop: 1, window: 0, target: false, cohort: false } as const,
        sources: [],
        block,
        slot,
      }))
      const x = computeFeatures(neighbourhood, columns, rows)
      const n = rows.key.length
      return [
        name,
        Object.fromEntries(Object.keys(slots).map((slot, c) => [slot, plain(x.subarray(c * n, (c + 1) * n))])),
      ]
    }),
  )
  const { ptr, time, numbers, codes } = neighbourhood.streams[0]
  const { node } = { node: neighbourhood.nodes[0] }
  const first = [...node.time]
  return {
    horizon: HORIZON,
    day: DAY,
    stream: { ptr: [...ptr], time: [...time], numbers: numbers.map(plain), codes: codes.map(c => [...c]) },
    born: first,
    firstOfOther: Array.from({ length: node.keys }, (_, k) => {
      const { ptr: p, time: t } = neighbourhood.streams[1]
      return p[k + 1] > p[k] ? t[p[k]] : null
    }),
    key: [...rows.key],
    now: [...rows.anchor].map(a => neighbourhood.anchors.time[a]),
    target: {
      name: target.leaves[0].name,
      filter: target.leaves[0].filter,
      value: target.leaves[0].value,
      compare: target.program?.op === 'compare' ? target.program.compare : null,
      constant: target.program?.op === 'compare' ? neighbourhood.constants[target.program.constant] : 0,
    },
    values,
  }
}

/** NaN has no place in JSON; 12 digits are more than the comparison looks at. */
const plain = (x: Float64Array) =>
  Array.from(x, v => (Number.isNaN(v) ? null : Number.isInteger(v) ? v : Number(v.toPrecision(12))))

export function featureFixtures() {
  return {
    kinds: KINDS,
    counts: named(COUNTS, COUNT_SLOTS),
    signal: named(SIGNAL, FULL),
    light: named(SIGNAL, LIGHT),
    distinct: named(DISTINCT, DISTINCT_SLOTS),
    closing: named(CLOSING, CLOSING_SLOTS),
    lag: lagSlots(),
    examples: [blocksOf(3, BIG_SPENDER), blocksOf(4, SPENT)],
  }
}

/** A context with every kind of column there is: skewed, missing together, a percentile, constant, mostly zero. */
export function smallContext(task: 'binary' | 'numeric'): { context: ContextBatch; query: QueryBatch } {
  const r = random(task === 'binary' ? 11 : 12)
  const normal = () => Math.sqrt(-2 * Math.log(1 - r())) * Math.cos(2 * Math.PI * r())
  const rows = 90
  const asked = 7
  const columns: ColumnDescriptor[] = [
    { kind: 'count', hop: 1, window: 3, target: false, cohort: false },
    { kind: 'lag', hop: 1, window: 1, target: true, cohort: false },
    { kind: 'recency', hop: 2, window: 0, target: false, cohort: false },
    { kind: 'sum', hop: 1, window: Number.POSITIVE_INFINITY, target: true, cohort: true },
    { kind: 'value', hop: 0, window: 0, target: false, cohort: false },
    { kind: 'std', hop: 1, window: 10, target: false, cohort: false },
    { kind: 'share', hop: 3, window: 0.25, target: false, cohort: false },
  ]
  const make = (n: number) => {
    const x = new Float64Array(n * columns.length)
    const cause = Float64Array.from({ length: n }, normal)
    for (let i = 0; i < n; i++) {
      const gone = r() < 0.2
      const cells = [
        Math.floor(Math.exp(1 + cause[i])),
        r() < 0.1 ? Number.NaN : Math.max(0, cause[i] + normal()),
        gone ? Number.NaN : Math.exp(-cause[i] + normal()),
        r(),
        4,
        gone ? Number.NaN : Math.abs(normal()) * 1e6,
        r() < 0.7 ? 0 : -cause[i] * 100,
      ]
      for (const [c, cell] of cells.entries()) x[c * n + i] = cell
    }
    return { x, cause }
  }
  const { x, cause } = make(rows)
  const y = cause.map(v =>
    task === 'binary' ? (v + 0.7 * normal() > 0.5 ? 1 : 0) : Math.max(0, Math.round(Math.exp(2 + v + 0.5 * normal()))),
  )
  const anchor = Int32Array.from({ length: rows }, (_, i) => Math.floor(i / 30))
  const age = Float64Array.from(anchor, a => a + 1)
  const context = { task, rows, columns, x, y, anchor, age, nonNegative: task === 'numeric' }
  return { context, query: { rows: asked, x: make(asked).x } }
}

function inputsOf(task: 'binary' | 'numeric') {
  const { context, query } = smallContext(task)
  const inputs = drain(contextInputs(context))
  const asked = inputs.query(query)
  const tensors = ({ z, missing, known, base }: QueryInputs) => ({
    z: plain(Float64Array.from(z)),
    missing: plain(Float64Array.from(missing)),
    known: plain(Float64Array.from(known)),
    base: plain(base),
  })
  return {
    task,
    rows: context.rows,
    columns: context.columns.map(c => ({ ...c, window: finite(c.window) })),
    x: plain(context.x),
    y: plain(context.y),
    age: plain(context.age),
    queries: { rows: query.rows, x: plain(query.x) },
    expected: {
      context: tensors(inputs),
      query: tensors(asked),
      described: plain(Float64Array.from(inputs.described)),
      label: plain(Float64Array.from(inputs.label)),
      scale: inputs.scale,
    },
  }
}

export const inputFixtures = () => [inputsOf('binary'), inputsOf('numeric')]

export const FEATURES = new URL('../../pretrain/fixtures/features.json', import.meta.url)
export const INPUTS = new URL('../../pretrain/fixtures/inputs.json', import.meta.url)

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(FEATURES, `${JSON.stringify(featureFixtures())}\n`)
  writeFileSync(INPUTS, `${JSON.stringify(inputFixtures())}\n`)
}
