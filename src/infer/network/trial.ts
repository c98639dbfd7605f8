// Parts of a context: what a network is tried on, and what it reads before.

import type { ContextBatch } from '../head.js'

/** Calendar months differ by a tenth. */
const SLACK = 0.15
const LEAST_OLDER = 0.3

/**
 * Of the newest `rows`, those before `held` are to be answered from those between `older` and `rows`: about a half, moved to a change of anchor
 * where one is near. Rows whose window reaches into the held ones are left out of both, if enough remain.
 */
export function halves(
  { anchor, age }: Pick<ContextBatch, 'anchor' | 'age'>,
  rows: number,
): { held: number; older: number } {
  let held = rows >> 1
  let distance = rows
  for (let r = Math.ceil(rows * 0.3); r <= rows * 0.7; r++) {
    if (anchor[r] !== anchor[r - 1] && Math.abs(r - rows / 2) < distance) {
      held = r
      distance = Math.abs(r - rows / 2)
    }
  }
  const closed = age[held - 1] + 1 - SLACK
  let older = held
  while (older < rows && age[older] < closed) older++
  return { held, older: rows - older >= rows * LEAST_OLDER ? older : held }
}

/** Rows [from, to) of a context, as if they were its newest: ages are counted from as far before them as the context's from its query. */
export function part(context: ContextBatch, from: number, to: number): ContextBatch {
  const shift = context.age[from] - context.age[0]
  const rows = to - from
  const width = context.columns.length
  const x = new Float64Array(rows * width)
  for (let c = 0; c < width; c++) x.set(context.x.subarray(c * context.rows + from, c * context.rows + to), c * rows)
  return {
    ...context,
    rows,
    x,
    y: context.y.slice(from, to),
    anchor: context.anchor.slice(from, to),
    age: context.age.slice(from, to).map(age => age - shift),
    ...(context.weight ? { weight: context.weight.slice(from, to) } : {}),
  }
}
