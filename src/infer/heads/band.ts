// A 90 % interval about a fitted median, from rows newer than any the model saw: how far outcomes of like prediction lay from it.

import type { Transform } from './transform.js'

/** Share of outcomes beyond each bound; what ties leave unused of it on one side, the other may use. */
const MISS = 0.05
/** Held-out rows that a point of the band looks at, and how many lie between two points. */
const NEIGHBOURS = 80
const STRIDE = 8
/** Of few rows, the part that tells whether like ones came to the least value: a point that looks at all of them tells nobody apart. */
const ALIKE = 4
const FEWEST = 15

/**
 * By predicted location, ascending: how far from it the bounds lie, on the scale of the target, as quantiles over the nearest held-out rows.
 * Outcomes of a skewed target may pile up at its least value: they are at it wherever the prediction lies, and so is a bound of -Infinity.
 */
export interface Band {
  readonly location: Float64Array
  readonly low: Float64Array
  readonly high: Float64Array
  /** By location, ascending: 1 where most of the rows nearest came to the least value of all: that is the median then, not a hair above. */
  readonly places: Float64Array
  readonly least: Uint8Array
}

/** What is known of rows that the models had not seen. */
export interface Judged {
  /** Predictions, on the scale of the target. */
  readonly location: Float64Array
  /** Outcomes, as they are. */
  readonly y: Float64Array
  /** How often each counts; once, unless given. */
  readonly weight?: Float64Array
}

/** `order`: the rows by location. `drift`: by how much the coming window may lie higher or lower than those of the rows. */
export function fitBand(transform: Transform, { location, y, weight }: Judged, order: Int32Array, drift: number): Band {
  const n = y.length
  const floor = transform.kind === 'log' ? transform.min : Number.NEGATIVE_INFINITY
  const distance = y.map((v, r) => (v === floor ? Number.NEGATIVE_INFINITY : transform.forward(v) - location[r]))
  const size = Math.min(n, NEIGHBOURS)
  const pointsBy = (size: number) => {
    const points: { location: number; bounds: Bounds }[] = []
    for (let from = 0; from + size <= n; from += STRIDE) {
      const middle = from === 0 ? order[0] : order[from + (size >> 1)]
      const near = order.subarray(from, from + size)
      points.push({ location: location[middle], bounds: boundsOf(near, distance, weight, drift) })
    }
    return points
  }
  const points = pointsBy(size)
  const closest = Math.min(size, Math.max(FEWEST, Math.ceil(n / ALIKE)))
  const alike = closest === size ? points : pointsBy(closest)
  return {
    location: Float64Array.from(points, p => p.location),
    low: Float64Array.from(points, p => p.bounds.low),
    high: Float64Array.from(points, p => p.bounds.high),
    places: Float64Array.from(alike, p => p.location),
    least: Uint8Array.from(alike, p => (p.bounds.middle === Number.NEGATIVE_INFINITY ? 1 : 0)),
  }
}

interface Bounds {
  readonly low: number
  readonly middle: number
  readonly high: number
}

/** Each row stands half for a coming window that lies higher, half for one that lies lower. */
function boundsOf(rows: Int32Array, distance: Float64Array, weight: Float64Array | undefined, drift: number): Bounds {
  const all: [value: number, size: number][] = []
  const each = weight ? rows.reduce((sum, r) => sum + weight[r], 0) / rows.length : 1
  for (const r of rows) {
    const size = weight ? weight[r] / each : 1
    if (drift === 0) all.push([distance[r], size])
    else all.push([distance[r] - drift, size / 2], [distance[r] + drift, size / 2])
  }
  all.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0))
  const n = rows.length
  // of n rows and a new one, each has the same chance to lie out furthest
  const side = Math.max(0, n - Math.ceil((n + 1) * (1 - MISS)))
  const both = Math.max(0, n - Math.ceil((n + 1) * (1 - 2 * MISS)))
  const below = beyond(all, side)
  const above = beyond(all.toReversed(), both - below.size)
  const low = beyond(all, both - above.size)
  return { low: low.value, middle: beyond(all, n / 2).value, high: above.value }
}

/** The furthest value that no more than `most` rows lie before, in the order given, and how many do. */
function beyond(all: readonly (readonly [number, number])[], most: number): { value: number; size: number } {
  let best = { value: all[0][0], size: 0 }
  let passed = 0
  for (let i = 0; i < all.length; i++) {
    if (passed > most + 1e-9) break
    if (i === 0 || all[i][0] !== all[i - 1][0]) best = { value: all[i][0], size: passed }
    passed += all[i][1]
  }
  return best
}

/** The interval at a location, as it is. */
export function intervalAt(transform: Transform, band: Band, at: number): readonly [low: number, high: number] {
  const place = placeOf(band.location, at)
  const [low, high] = [band.low[place], band.high[place]].map(distance =>
    distance === Number.NEGATIVE_INFINITY ? transform.min : transform.inverse(at + distance),
  )
  return [low, high]
}

/** Whether the median at a location is the least value that labels have. */
export const isLeast = (band: Band, at: number): boolean => band.least[placeOf(band.places, at)] === 1

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
