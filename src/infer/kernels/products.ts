// Products with a column-major matrix of doubles, as loops over vectors of two: Z b, Z'v, and Z'Z of some rows. Addresses and counts are bytes
// unless they say otherwise; rows come in pairs.

import { type Code, f64, f64x2, i32, type Kernel, type Local, v128 } from './assemble.js'

const DOUBLE = 8

/** Of four columns beside each other, where each begins. */
const four = (first: Local, stride: Local, columns: readonly Local[]): Code => [
  ...columns[0].set(first.get),
  ...columns.slice(1).flatMap((column, k) => column.set(i32.add(columns[k].get, stride.get))),
]

/** out[r] += the sum over `columns`, a multiple of four, of b[j] z[j][r], for rows from `z` on. */
export const times: Kernel<'z' | 'stride' | 'columns' | 'bytes' | 'b' | 'out'> = {
  parameters: ['z', 'stride', 'columns', 'bytes', 'b', 'out'],
  code({ z, stride, columns, bytes, b, out }, body) {
    const [j, r] = body.locals('i32', 2)
    const column = body.locals('i32', 4)
    const weight = body.locals('v128', 4)
    const term = (k: number) => f64x2.mul(weight[k].get, v128.load(i32.add(column[k].get, r.get)))
    return [
      body.while(
        j,
        columns.get,
        four(z, stride, column),
        ...weight.map((w, k) => w.set(f64x2.of(f64.load(b.get, k * DOUBLE)))),
        r.set(i32.of(0)),
        body.while(
          r,
          bytes.get,
          v128.store(
            i32.add(out.get, r.get),
            f64x2.add(
              v128.load(i32.add(out.get, r.get)),
              f64x2.add(f64x2.add(term(0), term(1)), f64x2.add(term(2), term(3))),
            ),
          ),
          r.set(i32.add(r.get, i32.of(2 * DOUBLE))),
        ),
        z.set(i32.add(z.get, i32.shl(stride.get, i32.of(2)))),
        b.set(i32.add(b.get, i32.of(4 * DOUBLE))),
        j.set(i32.add(j.get, i32.of(4))),
      ),
    ]
  },
}

/** out[j] += the sum over rows of z[j][r] v[r]. */
export const transposed: Kernel<'z' | 'stride' | 'columns' | 'bytes' | 'v' | 'out'> = {
  parameters: ['z', 'stride', 'columns', 'bytes', 'v', 'out'],
  code({ z, stride, columns, bytes, v, out }, body) {
    const [j, r] = body.locals('i32', 2)
    const column = body.locals('i32', 4)
    const sum = body.locals('v128', 4)
    const value = body.local('v128')
    return [
      body.while(
        j,
        columns.get,
        four(z, stride, column),
        ...sum.map(s => s.set(v128.zero)),
        r.set(i32.of(0)),
        body.while(
          r,
          bytes.get,
          value.set(v128.load(i32.add(v.get, r.get))),
          ...sum.map((s, k) => s.set(f64x2.add(s.get, f64x2.mul(value.get, v128.load(i32.add(column[k].get, r.get)))))),
          r.set(i32.add(r.get, i32.of(2 * DOUBLE))),
        ),
        ...sum.map((s, k) => addTo(out, s, k)),
        z.set(i32.add(z.get, i32.shl(stride.get, i32.of(2)))),
        out.set(i32.add(out.get, i32.of(4 * DOUBLE))),
        j.set(i32.add(j.get, i32.of(4))),
      ),
    ]
  },
}

const addTo = (out: Local, sum: Local, k: number): Code =>
  f64.store(out.get, f64.add(f64.load(out.get, k * DOUBLE), f64x2.sum(sum)), k * DOUBLE)

/**
 * out[i][j] += the sum over rows of z[i][r] z[j][r], for four columns i from `left` on and `columns` columns j from `right` on; `row` is how far
 * apart rows of `out` are. Eight sums at a time: they and what is read fit into sixteen registers.
 */
export const cross: Kernel<'left' | 'right' | 'stride' | 'columns' | 'bytes' | 'out' | 'row'> = {
  parameters: ['left', 'right', 'stride', 'columns', 'bytes', 'out', 'row'],
  code({ left, right, stride, columns, bytes, out, row }, body) {
    const [j, r, to] = body.locals('i32', 3)
    const a = body.locals('i32', 4)
    const b = body.locals('i32', 2)
    const sum = body.locals('v128', 8)
    const [own, ...other] = body.locals('v128', 3)
    return [
      four(left, stride, a),
      body.while(
        j,
        columns.get,
        b[0].set(right.get),
        b[1].set(i32.add(right.get, stride.get)),
        ...sum.map(s => s.set(v128.zero)),
        r.set(i32.of(0)),
        body.while(
          r,
          bytes.get,
          ...other.map((o, k) => o.set(v128.load(i32.add(b[k].get, r.get)))),
          ...a.flatMap((column, i) => [
            own.set(v128.load(i32.add(column.get, r.get))),
            ...other.map((o, k) => sum[2 * i + k].set(f64x2.add(sum[2 * i + k].get, f64x2.mul(own.get, o.get)))),
          ]),
          r.set(i32.add(r.get, i32.of(2 * DOUBLE))),
        ),
        to.set(out.get),
        ...a.flatMap((_, i) => [
          ...other.map((_, k) => addTo(to, sum[2 * i + k], k)),
          to.set(i32.add(to.get, row.get)),
        ]),
        right.set(i32.add(right.get, i32.shl(stride.get, i32.of(1)))),
        out.set(i32.add(out.get, i32.of(2 * DOUBLE))),
        j.set(i32.add(j.get, i32.of(2))),
      ),
    ]
  },
}
