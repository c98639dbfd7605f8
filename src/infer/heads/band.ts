// A 90 % interval about a fitted median, from rows newer than any the model saw: what rows of like prediction came to.

import type { Transform } from './transform.js'

/** Share of outcomes beyond each bound. */
const MISS = 0.05
/** Held-out rows that a point of the band looks at. */
const NEIGHBOURS = 80

/**
 * By predicted location, ascending: quantiles of what the nearest held-out rows came to. On the scale of a symmetric target of their distance
 * from the prediction; of a skewed one of the outcomes themselves, which may pile up at one value: the zeros of those who have left are
 * predicted all but exactly, and their residuals would say nothing about anybody else.
 */
export interface Band {
  readonly location: Float64Array
  readonly low: Float64Array
  readonly high: Float64Array
  /** 1 where most of them came to the least value of all: that is the median then, not a hair above. */
  readonly least: Uint8Array
}

export function fitBand(
  transform: Transform,
  location: Float64Array,
  y: Float64Array,
  order: Int32Array,
  weight?: Float64Array,
): Band {
  const n = y.length
  const outcome = transform.kind === 'plain' ? y.map((v, r) => transform.forward(v) - location[r]) : y
  const make = () => new Float64Array(n)
  const band = { location: make(), low: make(), high: make(), least: new Uint8Array(n) }
  const size = Math.min(n, NEIGHBOURS)
  // rank ceil((n + 1)(1 - miss)) of n covers a new row with at least 1 - miss
  const top = Math.min(size, Math.ceil((size + 1) * (1 - MISS))) - 1
  const bottom = size - 1 - top
  let near: readonly number[] = []
  let start = -1
  for (let i = 0; i < n; i++) {
    const from = Math.max(0, Math.min(n - size, i - (size >> 1)))
    if (from !== start) near = quantiles(order.subarray(from, from + size), outcome, [bottom, size >> 1, top], weight)
    start = from
    band.location[i] = location[order[i]]
    band.low[i] = near[0]
    band.high[i] = near[2]
    band.least[i] = transform.kind === 'log' && near[1] === transform.min ? 1 : 0
  }
  return band
}

/** Outcomes of rows at ascending `ranks` among them; of rows that stand for several, at the places that these take up. */
function quantiles(
  rows: Int32Array,
  outcome: Float64Array,
  ranks: readonly number[],
  weight?: Float64Array,
): readonly number[] {
  if (!weight) {
    const sorted = Float64Array.from(rows, r => outcome[r]).sort()
    return ranks.map(rank => sorted[rank])
  }
  const sorted = Array.from(rows).sort((a, b) => outcome[a] - outcome[b])
  const each = sorted.reduce((sum, r) => sum + weight[r], 0) / sorted.length
  let last = 0
  let upTo = weight[sorted[0]]
  return ranks.map(rank => {
    while (upTo <= rank * each && last < sorted.length - 1) upTo += weight[sorted[++last]]
    return outcome[sorted[last]]
  })
}

/** The interval at a location, as it is; beyond the band's ends, in proportion to what the median does there. */
export function intervalAt(transform: Transform, band: Band, at: number): readonly [low: number, high: number] {
  const place = placeOf(band.location, at)
  const [low, high] = [band.low[place], band.high[place]]
  if (transform.kind === 'plain') return [transform.inverse(at + low), transform.inverse(at + high)]
  const last = band.location.length - 1
  if (at >= band.location[0] && at <= band.location[last]) return [low, high]
  const there = transform.inverse(band.location[place])
  const here = transform.inverse(at)
  const ratio = there > 0 && here > 0 ? here / there : 1
  return [low * ratio, high * ratio]
}

/** Whether the median at a location is the least value that labels have. */
export const isLeast = (band: Band, at: number): boolean => band.least[placeOf(band.location, at)] === 1

/** Index of the last of the ascending `locations` that is not above `at`; the first where all are. */
function placeOf(locations: Float64Array, at: number): number {
  let low = 0
  let high = locations.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (locations[middle] <= at) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}
