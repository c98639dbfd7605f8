// What the population shows of each item at one anchor: how many met it in windows of several lengths, when first and last, whether it comes
// back year by year, and whether those who met it meet it again.

import type { Windows } from './decode.js'
import { endAt, type Histories } from './histories.js'

/** Lengths of the windows before the anchor, in horizons. */
export const SPANS = [0.25, 1, 3, 10, Number.POSITIVE_INFINITY] as const
/** Spans by name: positions in SPANS. */
export const QUARTER = 0
export const ONE = 1
export const THREE = 2
export const TEN = 3
export const EVER = 4
/** Horizons before the anchor that are told apart as met or not met. */
const BINS = 16

export interface Popularity {
  /** Distinct entities that met the item, by span. */
  readonly met: readonly Float64Array[]
  /** Entities that met anything, by span. */
  readonly active: readonly number[]
  /** Distinct entities in the window that the question asks about, a year earlier. */
  readonly season: Float64Array
  readonly seasonActive: number
  readonly first: Float64Array
  readonly last: Float64Array
  /** Bit b: met between b and b + 1 horizons ago. */
  readonly bins: Uint16Array
  /** Share of the last ten horizons' meetings that were not the entity's first with it. */
  readonly again: Float64Array
  /** The same of all items together. */
  readonly repeats: number
}

/** As of anchor `a`; numbers of items are below `items`. */
export function* popularityAt(
  histories: Histories,
  population: Int32Array,
  windows: Windows,
  a: number,
  items: number,
): Generator<void, Popularity, void> {
  const { ptr, time, item, passes, before } = histories
  const at = windows.time[a]
  const horizon = windows.to[a] - windows.from[a]
  const since = SPANS.map(span => at - span * horizon)
  const [from, to] = [windows.lastFrom[a], Math.min(at, windows.lastTo[a])]
  const column = () => new Float64Array(items)
  const met = SPANS.map(column)
  const active = SPANS.map(() => 0)
  const season = column()
  const first = column().fill(Number.POSITIVE_INFINITY)
  const last = column().fill(Number.NEGATIVE_INFINITY)
  const bins = new Uint16Array(items)
  const [meetings, repeats] = [column(), column()]
  let seasonActive = 0
  let seen = 0
  for (const e of population) {
    const end = endAt(histories, e, at)
    let newest = Number.NEGATIVE_INFINITY
    let inSeason = 0
    for (let i = ptr[e]; i < end; i++) {
      const j = item[i]
      if (passes[i] === 0 || j >= items) continue
      const t = time[i]
      newest = t
      if (t < first[j]) first[j] = t
      if (t > last[j]) last[j] = t
      for (let s = 0; s < since.length; s++) if (t > since[s] && before[i] <= since[s]) met[s][j]++
      if (t > from && t <= to) {
        inSeason = 1
        if (before[i] <= from) season[j]++
      }
      const bin = Math.floor((at - t) / horizon)
      if (bin < BINS) bins[j] |= 1 << bin
      if (t > since[TEN]) {
        meetings[j]++
        if (before[i] > Number.NEGATIVE_INFINITY) repeats[j]++
      }
    }
    for (let s = 0; s < since.length; s++) if (newest > since[s]) active[s]++
    seasonActive += inSeason
    seen += end - ptr[e]
    if (seen > 100_000) {
      seen = 0
      yield
    }
  }
  yield
  const again = meetings.map((n, j) => repeats[j] / n)
  const total = (list: Float64Array) => list.reduce((sum, n) => sum + n, 0)
  const share = total(repeats) / Math.max(1, total(meetings))
  return { met, active, season, seasonActive, first, last, bins, again, repeats: share }
}

/** Item numbers by how many met them in span `by`, then ever, then by number. */
export function mostMet({ met }: Popularity, by: Float64Array): Int32Array {
  const ever = met[EVER]
  return Int32Array.from(by.keys()).sort((x, y) => by[y] - by[x] || ever[y] - ever[x] || x - y)
}
