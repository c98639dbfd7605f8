// Where a label is one of several classes: which classes a row's own past shows, and which categories it is in, each of which may go with
// some classes more than with others.

import type { Neighbourhood } from '../decode/neighbourhood.js'
import { type ClassSide, MISSING, PAST } from '../head.js'
import type { CodeSite, FeatureColumn } from './columns.js'
import { readCodes } from './compute.js'
import { createView, type RowSet, type View } from './view.js'

/** Ways to tell rows apart that are looked at, those nearest to the entity first. */
const MOST_SITES = 14
/** Of the first so many, every two together are a way more. */
const CROSSED = 5
/** Codes on more than this share of different values among the rows that have one never come again. */
const DISTINCT_SHARE = 0.5

export interface ClassPlan {
  readonly count: number
  /** Class of a hash. */
  readonly classOf: ReadonlyMap<number, number>
  readonly sites: readonly CodeSite[]
  /** Two sites each: categories of both at once. */
  readonly crosses: readonly (readonly [number, number])[]
  readonly histories: readonly { readonly stream: number; readonly channel: number }[]
}

/** What to read for the classes of a context, by its own rows; null where labels are numbers. `columns` are those that may be read. */
export function planClasses(
  neighbourhood: Neighbourhood,
  context: RowSet,
  columns: readonly FeatureColumn[],
): ClassPlan | null {
  const { spec, classes } = neighbourhood
  if (spec.task !== 'multiclass' || classes === null) return null
  const view = createView(neighbourhood, context)
  const histories = spec.target.histories ?? []
  const sites: CodeSite[] = histories.map(({ stream, channel }) => ({ stream, channel }))
  for (const site of candidates(columns)) {
    if (sites.length === MOST_SITES) break
    if (!sites.some(other => same(other, site)) && recurs(readCodes(view, site))) sites.push(site)
  }
  const crosses: [number, number][] = []
  const codes = sites.slice(0, CROSSED).map(site => readCodes(view, site))
  for (let a = 0; a < codes.length; a++)
    for (let b = a + 1; b < codes.length; b++) if (recurs(crossed(codes[a], codes[b]))) crosses.push([a, b])
  return {
    count: classes.count,
    classOf: new Map(Array.from(classes.hash, (h, c) => [h, c])),
    sites,
    crosses,
    histories,
  }
}

/** Codes that the columns say are categories, and those with too many levels for columns of their own. */
function candidates(columns: readonly FeatureColumn[]): CodeSite[] {
  return columns.flatMap(({ block }): CodeSite[] => {
    if (block.op === 'frequency') return [block.at]
    if (block.op === 'level') return [{ node: block.node, channel: block.channel }]
    return []
  })
}

const same = (a: CodeSite, b: CodeSite): boolean =>
  a.channel === b.channel && ('node' in a ? 'node' in b && a.node === b.node : 'stream' in b && a.stream === b.stream)

function recurs(codes: Int32Array): boolean {
  const seen = new Set<number>()
  let present = 0
  for (const code of codes) {
    if (code === MISSING) continue
    present++
    seen.add(code)
  }
  return seen.size > 1 && seen.size <= DISTINCT_SHARE * present
}

/** One code for two; nothing where either is missing. */
const crossed = (a: Int32Array, b: Int32Array): Int32Array =>
  a.map((code, r) => (code === MISSING || b[r] === MISSING ? MISSING : (Math.imul(code, 0x9e3779b1) + b[r]) | 0))

/** Categories and past of a view's rows. Classes that no example has are left out: nobody will be told that they come next. */
export function classSide(view: View, { sites, crosses, histories, classOf }: ClassPlan): ClassSide {
  const start = new Int32Array(view.rows + 1)
  const of: number[] = []
  const past: number[] = []
  for (let r = 0; r < view.rows; r++) {
    for (const [found, numbers] of pastOf(view, r, histories, classOf)) {
      of.push(found)
      past.push(...numbers)
    }
    start[r + 1] = of.length
  }
  const codes = sites.map(site => readCodes(view, site))
  return {
    sites: [...codes, ...crosses.map(([a, b]) => crossed(codes[a], codes[b]))],
    start,
    of: Int32Array.from(of),
    past: Float64Array.from(past),
  }
}

/** The numbers of PAST by class, over all histories of a row together. */
function pastOf(
  view: View,
  r: number,
  histories: ClassPlan['histories'],
  classOf: ReadonlyMap<number, number>,
): Map<number, number[]> {
  const out = new Map<number, number[]>()
  const totals = [0, 0, 0, 0, 0]
  const at = (found: number): number[] => {
    let numbers = out.get(found)
    if (!numbers) {
      numbers = new Array<number>(PAST).fill(0)
      out.set(found, numbers)
    }
    return numbers
  }
  for (const { stream, channel } of histories) {
    const rows = view.neighbourhood.streams[stream]
    const { lo, hi, w1, w3 } = view.span(stream)
    const codes = rows.codes[channel]
    let last = false
    for (let i = hi[r] - 1; i >= lo[r]; i--) {
      const found = codes[i] === MISSING ? undefined : classOf.get(codes[i])
      if (codes[i] !== MISSING) {
        totals[3]++
        if (i >= w3[r]) totals[2]++
        if (i >= w1[r]) totals[1]++
      }
      if (found === undefined) continue
      const numbers = at(found)
      if (!last) numbers[0] = 1
      last = true
      numbers[3]++
      if (i >= w3[r]) numbers[2]++
      if (i >= w1[r]) numbers[1]++
      numbers[4] = Math.max(numbers[4], lately(rows.time[i], view.now[r], view.unit[r]))
    }
  }
  for (const numbers of out.values()) for (let k = 1; k <= 3; k++) if (totals[k] > 0) numbers[k] /= totals[k]
  return out
}

/** 1 now, a half one horizon ago. */
const lately = (time: number, now: number, unit: number): number =>
  time > Number.NEGATIVE_INFINITY ? 1 / (1 + Math.max(0, now - time) / unit) : 0
