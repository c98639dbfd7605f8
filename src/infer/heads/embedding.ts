// Entities as vectors of one length: the scaled features of a row, as the models read them, drawn onto the directions in which the rows of
// the context differ most. Vectors point alike where rows are alike: cosines are those of the scaled rows, as far as so few numbers hold them.

import type { ClassBatch, ContextBatch, QueryBatch } from '../head.js'
import { gram } from './matrix.js'
import { type Channel, designOf, fitScaling, scaleColumn } from './scaling.js'

/** Numbers in a vector. */
export const DIMENSIONS = 64
/** Times the directions are turned towards those of most variance; what they span has settled well before. */
const TURNS = 12
/** Query rows scaled at a time. */
const BLOCK = 512
/** A direction shorter than this share of what it was lies among the others. */
const DEPENDENT = 1e-7

export interface Embedding {
  readonly bytes: number
  /** rows x DIMENSIONS, row-major, each of length 1, or 0 where a row is in every way the mean; a row's vector depends on that row alone. */
  embedSteps(query: QueryBatch): Generator<void, Float32Array, void>
}

/** Equal contexts give equal bits, in whatever order their tables have their columns. */
export function* fitEmbedding(context: ContextBatch | ClassBatch): Generator<void, Embedding, void> {
  const channels = yield* fitScaling(context)
  const directions = yield* directionsOf(context, channels)
  return {
    bytes: 80 * channels.length + directions.byteLength,
    embedSteps: query => embedSteps(channels, directions, query),
  }
}

/** channels x DIMENSIONS, row-major: orthonormal columns that span the directions of most variance, each channel its own where they suffice. */
function* directionsOf(
  context: ContextBatch | ClassBatch,
  channels: readonly Channel[],
): Generator<void, Float64Array, void> {
  const p = channels.length
  let out = new Float64Array(p * DIMENSIONS)
  if (p <= DIMENSIONS) {
    for (let j = 0; j < p; j++) out[j * DIMENSIONS + j] = 1
    return out
  }
  const design = yield* designOf(channels, context.x, context.rows)
  const products = yield* gram({ design, from: 0, to: context.rows })
  for (let j = 0; j < p; j++) for (let k = 0; k < DIMENSIONS; k++) out[j * DIMENSIONS + k] = sign(j, k)
  for (let turn = 0; turn < TURNS; turn++) {
    const turned = new Float64Array(p * DIMENSIONS)
    for (let i = 0; i < p; i++) {
      for (let j = 0; j < p; j++) {
        const product = products[i * design.width + j]
        for (let k = 0; k < DIMENSIONS; k++) turned[i * DIMENSIONS + k] += product * out[j * DIMENSIONS + k]
      }
      if (i % 64 === 63) yield
    }
    orthonormalise(turned, p)
    out = turned
    yield
  }
  return out
}

/** Directions to begin with: signs that follow no pattern. */
function sign(j: number, k: number): number {
  let h = Math.imul(j + 1, 0x9e3779b1) ^ Math.imul(k + 1, 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35)
  return (h ^ (h >>> 13)) & 1 ? 1 : -1
}

/** Gram and Schmidt, twice over; a column that lies among those before it becomes zero. */
function orthonormalise(columns: Float64Array, p: number): void {
  const at = (j: number, k: number) => j * DIMENSIONS + k
  for (let k = 0; k < DIMENSIONS; k++) {
    const before = lengthOf(columns, p, k)
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < k; other++) {
        let dot = 0
        for (let j = 0; j < p; j++) dot += columns[at(j, k)] * columns[at(j, other)]
        for (let j = 0; j < p; j++) columns[at(j, k)] -= dot * columns[at(j, other)]
      }
    }
    const length = lengthOf(columns, p, k)
    const scale = length > DEPENDENT * before ? 1 / length : 0
    for (let j = 0; j < p; j++) columns[at(j, k)] *= scale
  }
}

function lengthOf(columns: Float64Array, p: number, k: number): number {
  let squares = 0
  for (let j = 0; j < p; j++) squares += columns[j * DIMENSIONS + k] ** 2
  return Math.sqrt(squares)
}

function* embedSteps(
  channels: readonly Channel[],
  directions: Float64Array,
  query: QueryBatch,
): Generator<void, Float32Array, void> {
  const out = new Float32Array(query.rows * DIMENSIONS)
  const scaled = new Float64Array(BLOCK)
  for (let from = 0; from < query.rows; from += BLOCK) {
    const to = Math.min(query.rows, from + BLOCK)
    const sums = new Float64Array((to - from) * DIMENSIONS)
    for (const [j, channel] of channels.entries()) {
      scaleColumn(channel, query.x, query.rows, from, to, scaled, 0)
      for (let r = 0; r < to - from; r++) {
        const value = scaled[r]
        if (value === 0) continue
        for (let k = 0; k < DIMENSIONS; k++) sums[r * DIMENSIONS + k] += value * directions[j * DIMENSIONS + k]
      }
    }
    for (let r = 0; r < to - from; r++) writeUnit(sums, r * DIMENSIONS, out, (from + r) * DIMENSIONS)
    yield
  }
  return out
}

/** The vector at length 1, to six places: what two ways of adding up the same row would not agree on is no part of it. */
function writeUnit(sums: Float64Array, at: number, out: Float32Array, to: number): void {
  let squares = 0
  for (let k = 0; k < DIMENSIONS; k++) squares += sums[at + k] ** 2
  const length = Math.sqrt(squares)
  for (let k = 0; k < DIMENSIONS; k++)
    out[to + k] = length > 0 ? Math.round((sums[at + k] / length) * 1e6) / 1e6 + 0 : 0
}
