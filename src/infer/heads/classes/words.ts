// What a model of the columns says of a row's class: log probabilities of groups of classes, against how common the groups are.

/** Classes with fewer examples than this are one class to the columns, as are all beyond the most frequent ones. */
const OWN_MODEL = 8

/** Groups of classes: the frequent ones each a group of its own, the rest together in the last. */
export interface Groups {
  /** By class. */
  readonly of: Int32Array
  readonly count: number
}

/** Groups by the examples in `rows`; up to `most` classes have one of their own. */
export function groupsOf(y: Int32Array, rows: Int32Array, classes: number, most: number): Groups {
  const counts = new Float64Array(classes)
  for (const r of rows) counts[y[r]]++
  const order = Array.from(counts.keys()).sort((a, b) => counts[b] - counts[a] || a - b)
  const own = order.filter((c, i) => counts[c] >= OWN_MODEL && i < most)
  const of = new Int32Array(classes).fill(own.length)
  for (const [g, c] of own.entries()) of[c] = g
  const rest = order.some(c => counts[c] > 0 && of[c] === own.length)
  return { of, count: rest ? own.length + 1 : own.length }
}

/** Log probabilities of groups for some rows, groups x rows, and the groups' own log shares. */
export interface Say {
  readonly groups: Groups
  readonly share: Float64Array
  readonly log: readonly Float64Array[]
}

/** Of each class, by the place of a row: how much likelier than usual. */
export type Word = (row: number) => (c: number) => number

const NOTHING: Word = () => () => 0

export const wordOf = (say: Say | null): Word =>
  say === null
    ? NOTHING
    : row => c => {
        const g = say.groups.of[c]
        return g < say.log.length ? say.log[g][row] - say.share[g] : 0
      }

/** `weight` of one word and the rest of the other. */
export const blend =
  (one: Word, other: Word, weight: number): Word =>
  row => {
    const [a, b] = [one(row), other(row)]
    return c => weight * a(c) + (1 - weight) * b(c)
  }

/** Mean log loss of words about `y`, where `counts` tells how common classes are. Classes without examples cannot be. */
export function lossOfWords(word: Word, counts: Float64Array, y: Int32Array): number {
  const known = Array.from(counts.keys()).filter(c => counts[c] > 0)
  const usual = counts.map(n => Math.log(n))
  let sum = 0
  let judged = 0
  for (let r = 0; r < y.length; r++) {
    if (counts[y[r]] === 0) continue
    const of = word(r)
    let total = 0
    for (const c of known) total += Math.exp(usual[c] + of(c))
    sum += Math.log(total) - usual[y[r]] - of(y[r])
    judged++
  }
  return sum / Math.max(1, judged)
}
