// How well scores order what is met: average precision among the first k of each list. Lists are samples: of what was not met they hold but
// a share, so each of those stands for several.

/** Places that count: the same however long a list is asked for, so that a shorter one is the start of a longer one. */
const PLACES = 10

/** Rows of one list, neighbours, have the same number. */
export type Lists = Int32Array

export interface Judged {
  readonly list: Lists
  /** Share of the rows not met that the lists hold. */
  readonly rate: number
}

/** Losses of one model on held-out rows, by trial. Lists of one anchor share what happened after it, so the anchors are the trials. */
export type Verdict = Float64Array

/** What the order of each anchor's lists lacks of a perfect one, of the first rows, as many as there are `scores`. */
export function orderLosses(scores: Float64Array, y: Float64Array, anchor: Int32Array, judged: Judged): Verdict {
  const { list, rate } = judged
  const sums = new Map<number, { loss: number; lists: number }>()
  for (let from = 0; from < scores.length; ) {
    let to = from + 1
    while (to < scores.length && list[to] === list[from]) to++
    const precision = precisionOf(scores, y, from, to, rate)
    if (precision !== null) {
      const sum = sums.get(anchor[from]) ?? { loss: 0, lists: 0 }
      sum.loss += 1 - precision
      sum.lists++
      sums.set(anchor[from], sum)
    }
    from = to
  }
  return Float64Array.from(sums.values(), ({ loss, lists }) => loss / lists)
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]
  return values.length > 0 ? sum / values.length : 0
}

/** Whether `a` lies below `b` by more than trials differ by chance: one standard error of their difference. */
export function surelyLess(a: Verdict, b: Verdict): boolean {
  const gain = b.map((v, i) => v - a[i])
  const average = mean(gain)
  if (gain.length < 2) return average > 0
  const variance = mean(gain.map(v => (v - average) ** 2)) / (gain.length - 1)
  return average > Math.sqrt(variance)
}

function precisionOf(scores: Float64Array, y: Float64Array, from: number, to: number, rate: number): number | null {
  let met = 0
  for (let r = from; r < to; r++) met += y[r]
  if (met === 0) return null
  const order = Uint32Array.from({ length: to - from }, (_, i) => from + i)
  order.sort((a, b) => scores[b] - scores[a] || a - b)
  let [hits, place, sum] = [0, 0, 0]
  for (const r of order) {
    place += y[r] === 1 ? 1 : 1 / rate
    if (place > PLACES) break
    if (y[r] === 1) sum += ++hits / place
  }
  return sum / Math.min(met, PLACES)
}
