// Mid-ranks by radix sort, and the rank correlation made of them: what columns are chosen by.

export interface Ranker {
  /** Mid-ranks of x[from … from + n - 1] into `ranks`; missing values get NaN. Returns how many are present. */
  rank(x: Float64Array, from: number, ranks: Float64Array): number
}

const BITS = 11
const RADIX = 1 << BITS

/** Ranks n values at a time, at single precision: three passes over 32-bit keys beat a comparison sort by far. */
export function createRanker(n: number): Ranker {
  const float = new Float32Array(n)
  const bits = new Uint32Array(float.buffer)
  const keys = [new Uint32Array(n), new Uint32Array(n)]
  const index = [new Int32Array(n), new Int32Array(n)]
  const counts = new Int32Array(3 * RADIX)
  return {
    rank(x, from, ranks) {
      let m = 0
      counts.fill(0)
      for (let i = 0; i < n; i++) {
        const value = x[from + i]
        if (Number.isNaN(value)) {
          ranks[i] = Number.NaN
          continue
        }
        // adding 0 makes -0 and 0 one key
        float[m] = value + 0
        const b = bits[m]
        const key = (b & 0x80000000 ? ~b : b | 0x80000000) >>> 0
        keys[0][m] = key
        index[0][m++] = i
        counts[key & (RADIX - 1)]++
        counts[RADIX + ((key >>> BITS) & (RADIX - 1))]++
        counts[2 * RADIX + (key >>> (2 * BITS))]++
      }
      let now = 0
      for (let pass = 0; pass < 3; pass++) {
        const base = pass * RADIX
        let sum = 0
        for (let b = base; b < base + RADIX; b++) {
          const c = counts[b]
          counts[b] = sum
          sum += c
        }
        const [k0, k1, i0, i1] = [keys[now], keys[1 - now], index[now], index[1 - now]]
        for (let i = 0; i < m; i++) {
          const to = counts[base + ((k0[i] >>> (pass * BITS)) & (RADIX - 1))]++
          k1[to] = k0[i]
          i1[to] = i0[i]
        }
        now = 1 - now
      }
      const sorted = keys[now]
      const order = index[now]
      for (let i = 0; i < m; ) {
        let j = i + 1
        while (j < m && sorted[j] === sorted[i]) j++
        const middle = (i + j - 1) / 2
        while (i < j) ranks[order[i++]] = middle
      }
      return m
    },
  }
}

/** Correlation of a and b over places where both are present; 0 where either is constant or fewer than 8 are left. */
export function correlation(a: Float64Array, b: Float64Array): number {
  let n = 0
  let sa = 0
  let sb = 0
  for (let i = 0; i < a.length; i++)
    if (!Number.isNaN(a[i] + b[i])) {
      n++
      sa += a[i]
      sb += b[i]
    }
  if (n < 8) return 0
  const ma = sa / n
  const mb = sb / n
  let aa = 0
  let bb = 0
  let ab = 0
  for (let i = 0; i < a.length; i++) {
    const da = a[i] - ma
    const db = b[i] - mb
    if (Number.isNaN(da + db)) continue
    aa += da * da
    bb += db * db
    ab += da * db
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0
}
