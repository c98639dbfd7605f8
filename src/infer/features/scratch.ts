// Working arrays that blocks use one after the other: allocating megabytes for each block costs more than filling them.
// What is in them is whatever the last user left; nobody may keep one beyond his own pass.

const floats: Float64Array[] = []
const ints: Int32Array[] = []

/** The `slot`-th scratch array of at least n numbers. */
export function scratchFloats(slot: number, n: number): Float64Array {
  if (!floats[slot] || floats[slot].length < n) floats[slot] = new Float64Array(roundUp(n))
  return floats[slot]
}

/** The `slot`-th scratch array of at least n integers. */
export function scratchInts(slot: number, n: number): Int32Array {
  if (!ints[slot] || ints[slot].length < n) ints[slot] = new Int32Array(roundUp(n))
  return ints[slot]
}

function roundUp(n: number): number {
  return Math.ceil((n * 1.25) / 1024) * 1024
}
