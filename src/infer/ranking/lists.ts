// Answers of several rows an entity as Postgres arrays: keys repeated, items in their own type.

import { writeArray } from '../decode/arrays.js'
import type { KeyColumn } from './decode.js'

/** Each key as often as its entity has rows. */
export function repeatedKeys({ type, elements, starts }: KeyColumn, counts: Int32Array): Buffer {
  let size = 0
  let rows = 0
  for (let i = 0; i < counts.length; i++) {
    size += counts[i] * (starts[i + 1] - starts[i])
    rows += counts[i]
  }
  const out = Buffer.allocUnsafe(size)
  let at = 0
  for (let i = 0; i < counts.length; i++)
    for (let n = 0; n < counts[i]; n++) at += elements.copy(out, at, starts[i], starts[i + 1])
  return writeArray(type, false, rows, [out])
}

/** Values as one array; `of` gives the value of row i. */
export function valueArray(type: number, rows: number, of: (i: number) => Uint8Array): Buffer {
  let size = 0
  for (let i = 0; i < rows; i++) size += 4 + of(i).length
  const out = Buffer.allocUnsafe(size)
  let at = 0
  for (let i = 0; i < rows; i++) {
    const value = of(i)
    at = out.writeInt32BE(value.length, at)
    out.set(value, at)
    at += value.length
  }
  return writeArray(type, false, rows, [out])
}
