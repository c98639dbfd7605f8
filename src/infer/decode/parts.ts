// The parts of an extraction that are no rows: anchors, labelled pairs, classes; and how wide the arrays of each part are.

import type { NeighbourhoodSpec, Part } from '../../graph/neighbourhood.js'
import { malformed } from './arrays.js'
import { type Anchors, BOUNDARIES, type Classes, type Lists, type Pairs } from './neighbourhood.js'

/** Arrays of one DataRow; numbers and codes column-major, empty where their width is 0. */
export interface Chunk {
  readonly n: number
  readonly k: Int32Array
  readonly t: Float64Array
  readonly v: Float64Array
  readonly c: Int32Array
}

/** Far beyond any real extraction: a larger index is garbage and must not become an allocation. */
export const MAX_KEY = 1 << 26

export function widths(spec: NeighbourhoodSpec, part: Part): { numbers: number; codes: number } {
  if (part.kind === 'node' || part.kind === 'stream') {
    const { numbers, codes } = part.kind === 'node' ? spec.nodes[part.node] : spec.streams[part.stream]
    return { numbers: numbers.length, codes: codes.length }
  }
  if (part.kind === 'anchors') return { numbers: BOUNDARIES, codes: 0 }
  if (part.kind === 'pairs') return { numbers: spec.steps?.length ?? 1, codes: spec.moment || spec.weighed ? 3 : 2 }
  if (part.kind === 'steps') return { numbers: 2, codes: 0 }
  if (part.kind === 'scored') return { numbers: 0, codes: spec.moment ? 2 : 0 }
  if (part.kind === 'classes') return { numbers: 3, codes: 1 }
  return { numbers: part.kind === 'constants' ? 1 : 0, codes: 0 }
}

/** Several chunks as one; a single one is taken as it is. */
export function* join(list: readonly Chunk[]): Generator<void, Chunk, void> {
  if (list.length === 1) return list[0]
  let n = 0
  for (const chunk of list) n += chunk.n
  const first = list[0]
  const numbers = first ? first.v.length / first.n : 0
  const codes = first ? first.c.length / first.n : 0
  const k = new Int32Array(first?.k.length ? n : 0)
  const t = new Float64Array(first?.t.length ? n : 0)
  const v = new Float64Array(n * numbers)
  const c = new Int32Array(n * codes)
  let at = 0
  for (const chunk of list) {
    k.set(chunk.k, k.length ? at : 0)
    t.set(chunk.t, t.length ? at : 0)
    for (let j = 0; j < numbers; j++) v.set(chunk.v.subarray(j * chunk.n, (j + 1) * chunk.n), j * n + at)
    for (let j = 0; j < codes; j++) c.set(chunk.c.subarray(j * chunk.n, (j + 1) * chunk.n), j * n + at)
    at += chunk.n
    yield
  }
  return { n, k, t, v, c }
}

export function toAnchors(chunk: Chunk): Anchors {
  const bounds = new Float64Array(chunk.n * BOUNDARIES)
  for (let i = 0; i < chunk.n; i++)
    for (let j = 0; j < BOUNDARIES; j++) bounds[i * BOUNDARIES + j] = chunk.v[j * chunk.n + i]
  return { count: chunk.n, time: chunk.t, bounds }
}

/** Two columns of codes of `n` rows; zeros where none were sent. */
export const pairsOf = (c: Int32Array, n: number): [Int32Array, Int32Array] =>
  c.length === 2 * n ? [c.subarray(0, n), c.subarray(n)] : [new Int32Array(n), new Int32Array(n)]

export function toClasses(chunk: Chunk, values: Pick<Classes, 'type' | 'values' | 'texts'>): Classes {
  const { n, v, c } = chunk
  return {
    count: n,
    hash: c,
    examples: v.subarray(0, n),
    labelled: n > 0 ? v[n] : 0,
    distinct: n > 0 ? v[2 * n] : 0,
    ...values,
  }
}

/** Entries of lists as examples: those of one stand side by side, and its label becomes the number of its list. */
export function toLists(entries: Pairs): { pairs: Pairs; lists: Lists } {
  const { count, key, anchor, role, share, label } = entries
  const first: number[] = []
  const start: number[] = []
  const of: number[] = []
  for (let i = 0; i < count; i++) {
    const again = i > 0 && role[i] === 0 && role[i - 1] === 0 && key[i] === key[i - 1] && anchor[i] === anchor[i - 1]
    if (!again) {
      first.push(i)
      start.push(of.length)
    }
    if (role[i] === 0 && !Number.isNaN(label[i])) of.push(label[i])
  }
  start.push(of.length)
  const pick = (from: Int32Array) => Int32Array.from(first, i => from[i])
  const numbers = Float64Array.from(first, (i, l) => (role[i] === 0 ? l : Number.NaN))
  const pairs = { key: pick(key), anchor: pick(anchor), role: pick(role), share: pick(share) }
  return {
    pairs: { ...pairs, count: first.length, label: numbers, labels: [numbers] },
    lists: { start: Int32Array.from(start), of: Int32Array.from(of) },
  }
}

export function* toPairs(list: readonly Chunk[], anchors: number): Generator<void, Pairs, void> {
  const all = yield* join(list.filter(chunk => chunk.n > 0))
  const anchor = all.c.subarray(0, all.n)
  for (let i = 0; i < all.n; i++)
    if (all.k[i] < 0 || all.k[i] > MAX_KEY || anchor[i] < 0 || anchor[i] >= anchors)
      throw malformed(`pair of key ${all.k[i]} and anchor ${anchor[i]}`)
  const role = all.c.subarray(all.n, 2 * all.n)
  const width = all.n > 0 ? all.v.length / all.n : 1
  const labels = Array.from({ length: width }, (_, j) => all.v.subarray(j * all.n, (j + 1) * all.n))
  return { count: all.n, key: all.k, anchor, role, label: labels[0], labels, share: all.c.subarray(2 * all.n) }
}
