// When items come: the instants at which anybody met an item, and what they say of an anchor's window. A race is held once a year, a box comes
// every five weeks: whether it is due says more than how many met it lately.

import type { Windows } from './decode.js'
import { endAt, type Histories } from './histories.js'

/** Meetings closer than this share of a horizon are one occurrence. */
const APART = 0.05
/** Of an item's occurrences the latest so many are looked at. */
const LATEST = 9
/** Years back in which the window's counterpart is looked at. */
const YEARS = 5

/** Occurrences of item j are time[ptr[j]] … time[ptr[j + 1] - 1], ascending. */
export interface Occurrences {
  readonly ptr: Int32Array
  readonly time: Float64Array
}

/** By item, at one anchor; NaN where nothing is known. */
export interface Calendar {
  /** Years out of the last five whose counterpart of the window held the item. */
  readonly years: Float64Array
  /** How far outside of the window, in horizons, the nearest anniversary of the latest occurrence falls. */
  readonly anniversary: Float64Array
  /** Time since the latest occurrence, in usual gaps between two. */
  readonly due: Float64Array
  /** Where in the window the next occurrence falls after the usual gap: 0 at its start, 1 at its end. */
  readonly next: Float64Array
  /** How alike the gaps are: the shortest as a share of the longest. */
  readonly regular: Float64Array
}

/** Of items below `items`, as the population met them. */
export function* occurrencesOf(
  { ptr, time, item, passes }: Histories,
  population: Int32Array,
  items: number,
  horizon: number,
): Generator<void, Occurrences, void> {
  const counts = new Int32Array(items + 1)
  for (const e of population)
    for (let i = ptr[e]; i < ptr[e + 1]; i++) if (passes[i] === 1 && item[i] < items) counts[item[i] + 1]++
  for (let j = 0; j < items; j++) counts[j + 1] += counts[j]
  yield
  const all = new Float64Array(counts[items])
  const next = counts.slice(0, items)
  for (const e of population)
    for (let i = ptr[e]; i < ptr[e + 1]; i++) if (passes[i] === 1 && item[i] < items) all[next[item[i]]++] = time[i]
  yield
  const starts = new Int32Array(items + 1)
  let kept = 0
  let work = 0
  for (let j = 0; j < items; j++) {
    const own = all.subarray(counts[j], counts[j + 1]).sort()
    let latest = Number.NEGATIVE_INFINITY
    for (const t of own) {
      if (t - latest < APART * horizon) continue
      latest = t
      // never ahead of what is still to be read
      all[kept++] = t
    }
    starts[j + 1] = kept
    work += own.length
    if (work > 50_000) {
      work = 0
      yield
    }
  }
  return { ptr: starts, time: all.slice(0, kept) }
}

/** As of anchor `a`: nothing later than it is read. */
export function calendarAt(occurrences: Occurrences, windows: Windows, a: number): Calendar {
  const { ptr, time } = occurrences
  const items = ptr.length - 1
  const column = () => new Float64Array(items).fill(Number.NaN)
  const out = { years: column(), anniversary: column(), due: column(), next: column(), regular: column() }
  const [now, from, to] = [windows.time[a], windows.from[a], windows.to[a]]
  const span = to - from
  const year = from - windows.lastFrom[a]
  for (let j = 0; j < items; j++) {
    const end = endAt(occurrences, j, now)
    if (end === ptr[j]) continue
    const latest = time[end - 1]
    out.years[j] = yearsWith(occurrences, j, end, [from, to], year)
    const after = latest + Math.ceil((from - latest) / year) * year
    out.anniversary[j] = Math.max(0, Math.min(after - to, from - (after - year))) / span
    const first = Math.max(ptr[j], end - LATEST)
    const gaps = end - 1 - first
    if (gaps === 0) continue
    const usual = (latest - time[first]) / gaps
    let [shortest, longest] = [Number.POSITIVE_INFINITY, 0]
    for (let i = first + 1; i < end; i++) {
      shortest = Math.min(shortest, time[i] - time[i - 1])
      longest = Math.max(longest, time[i] - time[i - 1])
    }
    out.due[j] = (now - latest) / usual
    out.next[j] = (latest + usual - from) / span
    out.regular[j] = shortest / longest
  }
  return out
}

/** Of the occurrences before `end`, which are in the past. */
function yearsWith(
  occurrences: Occurrences,
  j: number,
  end: number,
  [from, to]: readonly [number, number],
  year: number,
): number {
  const start = occurrences.ptr[j]
  let met = 0
  for (let back = 1; back <= YEARS; back++) {
    const upTo = Math.min(end, endAt(occurrences, j, to - back * year))
    if (upTo > start && occurrences.time[upTo - 1] > from - back * year) met++
  }
  return met
}
