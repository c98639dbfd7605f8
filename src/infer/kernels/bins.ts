// Bins of cells, and sums over rows by bin: what growing trees spends its time on.

import { f64, i32, i32x4, type Kernel, v128 } from './assemble.js'

/** Bytes of one bin's sums: gradient, curvature, count, and nothing. */
export const BIN_BYTES = 16
/** Cuts of a column, the last of them infinite. */
export const CUTS = 63
/** Columns that one call sums up. */
export const COLUMNS = 4

/** out[r] = 1 + how many of CUTS ascending doubles at `cuts` are less than x[r], 0 where that is not a number. No branch depends on the data. */
export const bin: Kernel<'x' | 'end' | 'cuts' | 'out'> = {
  parameters: ['x', 'end', 'cuts', 'out'],
  code({ x, end, cuts, out }, body) {
    const value = body.local('f64')
    const place = body.local('i32')
    const steps = [32, 16, 8, 4, 2, 1].map((half, k) =>
      // where the cut half as far on is less too, that far on
      place.set(
        i32.add(
          place.get,
          i32.shl(
            f64.less(f64.load(i32.add(cuts.get, i32.shl(place.get, i32.of(3))), 8 * (half - 1)), value.get),
            i32.of(5 - k),
          ),
        ),
      ),
    )
    return [
      body.while(
        x,
        end.get,
        value.set(f64.load(x.get)),
        place.set(i32.of(0)),
        ...steps,
        i32.storeByte(out.get, i32.mul(i32.add(place.get, i32.of(1)), f64.equal(value.get, value.get))),
        x.set(i32.add(x.get, i32.of(8))),
        out.set(i32.add(out.get, i32.of(1))),
      ),
    ]
  },
}

/**
 * Adds what the rows listed from `row` to `end` weigh, four whole numbers each, to the bins that they fall into, of COLUMNS columns whose bins
 * begin at `a` … `d` and whose sums lie one after the other from `sums` on, `size` bytes each. Whole numbers add up to the same in any order.
 */
export const sumUp: Kernel<'a' | 'b' | 'c' | 'd' | 'row' | 'end' | 'weights' | 'sums' | 'size'> = {
  parameters: ['a', 'b', 'c', 'd', 'row', 'end', 'weights', 'sums', 'size'],
  code({ a, b, c, d, row, end, weights, sums, size }, body) {
    const columns = [a, b, c, d]
    const sumsOf = [sums, ...body.locals('i32', 3)]
    const [r, to] = body.locals('i32', 2)
    const weight = body.local('v128')
    return [
      ...sumsOf.slice(1).map((own, k) => own.set(i32.add(sumsOf[k].get, size.get))),
      body.while(
        row,
        end.get,
        r.set(i32.load(row.get)),
        weight.set(v128.load(i32.add(weights.get, i32.shl(r.get, i32.of(4))))),
        ...columns.flatMap((column, k) => [
          to.set(i32.add(sumsOf[k].get, i32.shl(i32.loadByte(i32.add(column.get, r.get)), i32.of(4)))),
          v128.store(to.get, i32x4.add(v128.load(to.get), weight.get)),
        ]),
        row.set(i32.add(row.get, i32.of(4))),
      ),
    ]
  },
}

/** What is at `less` taken from what is between `sums` and `end`, four whole numbers at a time. */
export const takeOff: Kernel<'sums' | 'end' | 'less'> = {
  parameters: ['sums', 'end', 'less'],
  code: ({ sums, end, less }, body) => [
    body.while(
      sums,
      end.get,
      v128.store(sums.get, i32x4.sub(v128.load(sums.get), v128.load(less.get))),
      sums.set(i32.add(sums.get, i32.of(BIN_BYTES))),
      less.set(i32.add(less.get, i32.of(BIN_BYTES))),
    ),
  ],
}
