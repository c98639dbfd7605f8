// What speaks for each class beside a row's columns: how common the class is and was lately, how often rows of the same category had it, and
// its part in the row's own past. One number a kind of evidence and class; the weight of a kind is the same for all classes, so that a
// thousand classes cost no more to weigh than two.

import { type ClassBatch, type ClassSide, MISSING, PAST } from '../../head.js'

/** Examples at the overall shares that are added to a category's own. */
const PSEUDO = 4
/** Horizons after which an example counts half for what is common lately. */
const HALF_LIFE = 1
/** Share of the lately common that is spread over all classes. */
const SPREAD = 0.05
/** Examples that a class counts as having while none is known of. */
const UNSEEN = 0.5

interface Category {
  n: number
  readonly of: Map<number, number>
}

/** Counts over some rows of a context; more may be added. */
export interface Evidence {
  readonly classes: number
  readonly counts: Float64Array
  readonly lately: Float64Array
  readonly tables: readonly Map<number, Category>[]
}

export const emptyEvidence = (side: ClassSide & { readonly count: number }): Evidence => ({
  classes: side.count,
  counts: new Float64Array(side.count),
  lately: new Float64Array(side.count),
  tables: side.sites.map(() => new Map()),
})

/** Counts one more row. */
export function add({ counts, lately, tables }: Evidence, { classes, y, age }: ClassBatch, r: number): void {
  const c = y[r]
  counts[c]++
  lately[c] += 2 ** (-age[r] / HALF_LIFE)
  for (const [s, table] of tables.entries()) {
    const code = classes.sites[s][r]
    if (code === MISSING) continue
    let category = table.get(code)
    if (!category) {
      category = { n: 0, of: new Map() }
      table.set(code, category)
    }
    category.n++
    category.of.set(c, (category.of.get(c) ?? 0) + 1)
  }
}

export function gather(context: ClassBatch, rows: Int32Array): Evidence {
  const out = emptyEvidence(context.classes)
  for (const r of rows) add(out, context, r)
  return out
}

export function bytesOf({ classes, tables }: Evidence): number {
  let bytes = 16 * classes
  for (const table of tables) for (const { of } of table.values()) bytes += 160 + 40 * of.size
  return bytes
}

/** Kinds of evidence before the past's and the categories'. */
export const PRIOR = 0
export const LATELY = 1
export const LINEAR = 2
export const OWN_PAST = 3

export const kindsOf = (side: Pick<ClassSide, 'sites'>): number => OWN_PAST + PAST + side.sites.length

/** Writes the evidence of one row, kind by kind: kinds x classes. `linear` gives the log probability of a class by its columns. */
export function weigh(
  { classes, counts, lately, tables }: Evidence,
  side: ClassSide,
  row: number,
  linear: (c: number) => number,
  out: Float64Array,
): void {
  let total = 0
  let recent = 0
  let seen = 0
  for (let c = 0; c < classes; c++) {
    total += counts[c]
    recent += lately[c]
    if (counts[c] > 0) seen++
  }
  for (let c = 0; c < classes; c++) {
    out[c] = Math.log(Math.max(counts[c], UNSEEN) / Math.max(total, 1))
    const share = recent > 0 ? lately[c] / recent : 1 / Math.max(seen, 1)
    out[LATELY * classes + c] = Math.log((1 - SPREAD) * share + SPREAD / Math.max(seen, 1))
    out[LINEAR * classes + c] = linear(c)
  }
  out.fill(0, OWN_PAST * classes)
  for (let e = side.start[row]; e < side.start[row + 1]; e++)
    for (let k = 0; k < PAST; k++) out[(OWN_PAST + k) * classes + side.of[e]] = side.past[e * PAST + k]
  for (const [s, table] of tables.entries()) {
    const category = table.get(side.sites[s][row])
    if (!category) continue
    const from = (OWN_PAST + PAST + s) * classes
    out.fill(Math.log(PSEUDO / (category.n + PSEUDO)), from, from + classes)
    for (const [c, n] of category.of) {
      const share = counts[c] / total
      out[from + c] = Math.log((n + PSEUDO * share) / ((category.n + PSEUDO) * share))
    }
  }
}
