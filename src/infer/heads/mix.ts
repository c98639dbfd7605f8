// Hashes of small numbers, for draws that the same input repeats: who or what is drawn depends on its number and the seed alone.

/** 0 … 2^32 - 1, from two integers. */
export const mix = (a: number, b: number): number =>
  scattered(Math.imul(a + 0x7f4a7c15, 0x85ebca6b) ^ Math.imul(b | 0, 0xc2b2ae35))

/** Every bit of `h` has a say in every bit of the result. */
export function scattered(h: number): number {
  let mixed = Math.imul(h ^ (h >>> 16), 0x21f0aaad)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
  return (mixed ^ (mixed >>> 15)) >>> 0
}
