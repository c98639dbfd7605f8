// Dense linear algebra for a few hundred columns: the cross product of a range of rows, its Cholesky factor, and products with it.
// Every sum runs in one fixed order, so equal inputs give equal bits.

/** Rows a pass touches before it moves to the next columns: 256 rows of 200 columns stay in the second-level cache. */
const TILE = 256

/** Column-major, `width` x `rows`; the last meaningful column is all ones (the intercept), those behind it pad `width` to a multiple of 4. */
export interface Design {
  readonly rows: number
  readonly width: number
  /** Index of the intercept. */
  readonly ones: number
  readonly z: Float64Array
}

/** Rows [from, to) of a design. */
export interface Range {
  readonly design: Design
  readonly from: number
  readonly to: number
}

export const widthFor = (columns: number): number => (columns + 1 + 3) & ~3

/** Z'Z of a range, width x width, symmetric; gives way to other work between tiles. */
export function* gram(range: Range): Generator<void, Float64Array, void> {
  const { design, from, to } = range
  const out = new Float64Array(design.width * design.width)
  for (let start = from; start < to; start += TILE) {
    gramTile(design, start, Math.min(to, start + TILE), out)
    yield
  }
  mirror(out, design.width)
  return out
}

/** Adds the upper triangle of one tile, 4 x 4 columns at a time: sixteen sums live in registers. */
function gramTile(design: Design, from: number, to: number, out: Float64Array): void {
  const { z, rows: n, width: p } = design
  for (let i = 0; i < p; i += 4) {
    const a = i * n
    const b = a + n
    const c = b + n
    const d = c + n
    for (let j = i; j < p; j += 4) {
      const e = j * n
      const f = e + n
      const g = f + n
      const h = g + n
      let ae = 0
      let af = 0
      let ag = 0
      let ah = 0
      let be = 0
      let bf = 0
      let bg = 0
      let bh = 0
      let ce = 0
      let cf = 0
      let cg = 0
      let ch = 0
      let de = 0
      let df = 0
      let dg = 0
      let dh = 0
      for (let r = from; r < to; r++) {
        const za = z[a + r]
        const zb = z[b + r]
        const zc = z[c + r]
        const zd = z[d + r]
        const ze = z[e + r]
        const zf = z[f + r]
        const zg = z[g + r]
        const zh = z[h + r]
        ae += za * ze
        af += za * zf
        ag += za * zg
        ah += za * zh
        be += zb * ze
        bf += zb * zf
        bg += zb * zg
        bh += zb * zh
        ce += zc * ze
        cf += zc * zf
        cg += zc * zg
        ch += zc * zh
        de += zd * ze
        df += zd * zf
        dg += zd * zg
        dh += zd * zh
      }
      let o = i * p + j
      out[o] += ae
      out[o + 1] += af
      out[o + 2] += ag
      out[o + 3] += ah
      o += p
      out[o] += be
      out[o + 1] += bf
      out[o + 2] += bg
      out[o + 3] += bh
      o += p
      out[o] += ce
      out[o + 1] += cf
      out[o + 2] += cg
      out[o + 3] += ch
      o += p
      out[o] += de
      out[o + 1] += df
      out[o + 2] += dg
      out[o + 3] += dh
    }
  }
}

function mirror(m: Float64Array, p: number): void {
  for (let i = 1; i < p; i++) for (let j = 0; j < i; j++) m[i * p + j] = m[j * p + i]
}

/**
 * Lower Cholesky factor of scale * gram + diag(penalty). A pivot that rounding has made tiny is lifted, so the factor exists for
 * every finite input.
 */
export function cholesky(gram: Float64Array, p: number, scale: number, penalty: Float64Array): Float64Array {
  const l = new Float64Array(p * p)
  let largest = 0
  for (let i = 0; i < p; i++) largest = Math.max(largest, scale * gram[i * p + i] + penalty[i])
  const jitter = 1e-10 * largest + 1e-300
  for (let i = 0; i < p; i++) {
    for (let j = 0; j <= i; j++) {
      const ri = i * p
      const rj = j * p
      let s0 = 0
      let s1 = 0
      let k = 0
      for (; k + 1 < j; k += 2) {
        s0 += l[ri + k] * l[rj + k]
        s1 += l[ri + k + 1] * l[rj + k + 1]
      }
      if (k < j) s0 += l[ri + k] * l[rj + k]
      const rest = scale * gram[ri + j] + (i === j ? penalty[i] : 0) - (s0 + s1)
      l[ri + j] = i === j ? Math.sqrt(Math.max(rest, jitter)) : rest / l[rj + j]
    }
  }
  return l
}

/** Solves L L' x = b. */
export function solveFactored(l: Float64Array, p: number, b: Float64Array): Float64Array {
  const x = Float64Array.from(b)
  for (let i = 0; i < p; i++) {
    let s = x[i]
    for (let k = 0; k < i; k++) s -= l[i * p + k] * x[k]
    x[i] = s / l[i * p + i]
  }
  for (let i = p - 1; i >= 0; i--) {
    const xi = x[i] / l[i * p + i]
    x[i] = xi
    for (let k = 0; k < i; k++) x[k] -= l[i * p + k] * xi
  }
  return x
}

/** Z b over a range; `out` is indexed from 0 = row `from`. */
export function apply(range: Range, b: Float64Array, out: Float64Array): void {
  for (let start = range.from; start < range.to; start += TILE) {
    applyTile(range.design, start, Math.min(range.to, start + TILE), b, out, start - range.from)
  }
}

/** Z' v over a range; `v` is indexed from 0 = row `from`. */
export function applyTransposed(range: Range, v: Float64Array): Float64Array {
  const out = new Float64Array(range.design.width)
  for (let start = range.from; start < range.to; start += TILE) {
    transposedTile(range.design, start, Math.min(range.to, start + TILE), v, start - range.from, out)
  }
  return out
}

const scratch = new Float64Array(TILE)

/** Z' W Z b + diag(penalty) b over a range in one pass over memory; `w` is indexed from 0 = row `from`. */
export function applyNormal(range: Range, w: Float64Array, penalty: Float64Array, b: Float64Array): Float64Array {
  const { design, from, to } = range
  const out = new Float64Array(design.width)
  for (let start = from; start < to; start += TILE) {
    const end = Math.min(to, start + TILE)
    applyTile(design, start, end, b, scratch, 0)
    for (let r = start; r < end; r++) scratch[r - start] *= w[r - from]
    transposedTile(design, start, end, scratch, 0, out)
  }
  for (let j = 0; j < design.width; j++) out[j] += penalty[j] * b[j]
  return out
}

function applyTile(d: Design, from: number, to: number, b: Float64Array, out: Float64Array, offset: number): void {
  const { z, rows: n, width: p } = d
  const shift = offset - from
  out.fill(0, offset, offset + to - from)
  for (let j = 0; j < p; j += 4) {
    const b0 = b[j]
    const b1 = b[j + 1]
    const b2 = b[j + 2]
    const b3 = b[j + 3]
    const c0 = j * n
    const c1 = c0 + n
    const c2 = c1 + n
    const c3 = c2 + n
    for (let r = from; r < to; r++)
      out[r + shift] += b0 * z[c0 + r] + b1 * z[c1 + r] + (b2 * z[c2 + r] + b3 * z[c3 + r])
  }
}

function transposedTile(d: Design, from: number, to: number, v: Float64Array, offset: number, out: Float64Array): void {
  const { z, rows: n, width: p } = d
  const shift = offset - from
  for (let j = 0; j < p; j += 4) {
    const c0 = j * n
    const c1 = c0 + n
    const c2 = c1 + n
    const c3 = c2 + n
    let s0 = 0
    let s1 = 0
    let s2 = 0
    let s3 = 0
    for (let r = from; r < to; r++) {
      const vr = v[r + shift]
      s0 += z[c0 + r] * vr
      s1 += z[c1 + r] * vr
      s2 += z[c2 + r] * vr
      s3 += z[c3 + r] * vr
    }
    out[j] += s0
    out[j + 1] += s1
    out[j + 2] += s2
    out[j + 3] += s3
  }
}

export function dot(a: Float64Array, b: Float64Array): number {
  let s = 0
  for (let i = 0; i < a.length; i++) s += a[i] * b[i]
  return s
}
