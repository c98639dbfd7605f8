import t from 'tap'
import { conjugate } from '../../src/infer/heads/conjugate.js'
import { fitLad } from '../../src/infer/heads/lad.js'
import { fitLogistic, sigmoid } from '../../src/infer/heads/logistic.js'
import {
  apply,
  applyNormal,
  applyTransposed,
  cholesky,
  createDesign,
  type Design,
  gram,
  solveFactored,
} from '../../src/infer/heads/matrix.js'
import { selectRows } from '../../src/infer/heads/scaling.js'
import { drain } from '../../src/infer/heads/stepped.js'
import { subsets } from '../../src/infer/heads/subsets.js'
import { lossOf, penaltyOf, priorLogit, tunedFit } from '../../src/infer/heads/tuning.js'
import { normals } from './synthetic.js'

function designOf(rows: number, columns: number, seed: number): Design {
  const normal = normals(seed)
  const design = createDesign(rows, columns)
  for (let i = 0; i < rows * columns; i++) design.z[i] = normal()
  return design
}

t.test('the blocked cross product of a range is the sum of its parts and what a plain loop gives', async t => {
  const design = designOf(700, 9, 1)
  const { z, rows, width } = design
  const whole = drain(gram({ design, from: 100, to: 700 }))
  const a = drain(gram({ design, from: 100, to: 333 }))
  const b = drain(gram({ design, from: 333, to: 700 }))
  let worst = 0
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < width; j++) {
      let s = 0
      for (let r = 100; r < 700; r++) s += z[i * rows + r] * z[j * rows + r]
      worst = Math.max(worst, Math.abs(s - whole[i * width + j]), Math.abs(s - a[i * width + j] - b[i * width + j]))
    }
  }
  t.ok(worst < 1e-9, `${worst}`)
})

t.test('a factored system and conjugate gradients solve it alike, also when columns repeat', async t => {
  const design = designOf(500, 20, 2)
  design.z.copyWithin(500, 0, 500)
  const range = { design, from: 0, to: 500 }
  const penalty = penaltyOf(design, 10)
  const cross = drain(gram(range))
  const right = applyTransposed(
    range,
    Float64Array.from({ length: 500 }, (_, r) => Math.sin(r)),
  )
  const direct = solveFactored(cholesky(cross, design.width, 1, penalty), design.width, right)
  const weights = new Float64Array(500).fill(1)
  const back = applyNormal(range, weights, penalty, direct)
  t.ok(back.every((v, j) => Math.abs(v - right[j]) < 1e-8))
  // a preconditioner that is off by far still leads there
  const factor = cholesky(cross, design.width, 0.1, penaltyOf(design, 50))
  const { solution } = drain(
    conjugate({ range, weights, penalty, factor }, right, new Float64Array(design.width), 1e-12, 60),
  )
  t.ok(solution.every((v, j) => Math.abs(v - direct[j]) < 1e-7))
})

t.test('a matrix that is not definite still has a finite factor', async t => {
  const zero = new Float64Array(16)
  const l = cholesky(zero, 4, 1, new Float64Array(4))
  t.ok(solveFactored(l, 4, new Float64Array(4)).every(Number.isFinite))
})

t.test('the logistic fit is where its penalised gradient vanishes, from wherever it starts', async t => {
  const design = designOf(600, 12, 3)
  const range = { design, from: 0, to: 600 }
  const y = Float64Array.from({ length: 600 }, (_, r) => (design.z[r] + design.z[600 + r] > 0.5 ? 1 : 0))
  const penalty = penaltyOf(design, 10)
  const cross = drain(gram(range))
  const far = Float64Array.from({ length: design.width }, (_, j) => (j <= design.ones ? (j % 2 ? 0.5 : -0.5) : 0))
  for (const start of [new Float64Array(design.width), far]) {
    const b = drain(fitLogistic(range, y, cross, penalty, start))
    const gap = Float64Array.from({ length: 600 }, (_, r) => {
      let logit = 0
      for (let j = 0; j <= design.ones; j++) logit += b[j] * design.z[j * 600 + r]
      return y[r] - sigmoid(logit)
    })
    const gradient = applyTransposed(range, gap)
    for (let j = 0; j <= design.ones; j++) t.ok(Math.abs(gradient[j] - penalty[j] * b[j]) < 0.02, `column ${j}`)
  }
})

t.test('the absolute fit of an intercept alone is the median, and outliers do not bend a slope', async t => {
  const design = designOf(400, 1, 4)
  const range = { design, from: 0, to: 400 }
  const cross = drain(gram(range))
  const start = new Float64Array(design.width)
  const flat = drain(
    fitLad(
      range,
      Float64Array.from({ length: 400 }, (_, r) => (r < 250 ? 2 : 90)),
      cross,
      penaltyOf(design, 1e9),
      start,
    ),
  )
  t.ok(Math.abs(flat[design.ones] - 2) < 0.1, `${flat[design.ones]}`)
  const y = Float64Array.from({ length: 400 }, (_, r) => 1 + 3 * design.z[r] + (r % 10 === 0 ? 50 : 0))
  const sloped = drain(fitLad(range, y, cross, penaltyOf(design, 1), start))
  t.ok(Math.abs(sloped[0] - 3) < 0.05, `${sloped[0]}`)
  t.ok(Math.abs(sloped[design.ones] - 1) < 0.1, `${sloped[design.ones]}`)
})

t.test('selections: no repeats for small contexts; held-out rows end where an anchor does', async t => {
  const anchors = (rows: number, size: number, stride = 1) => ({
    rows,
    anchor: Int32Array.from({ length: rows }, (_, r) => Math.floor(r / size)),
    age: Float64Array.from({ length: rows }, (_, r) => 1 + stride * Math.floor(r / size)),
    y: Float64Array.from({ length: rows }, (_, r) => r % 3),
  })
  t.strictSame(
    subsets(anchors(2_500, 500), 'normal', 1).map(s => [s.name, s.index.length]),
    [['newest 3k', 2_500]],
  )
  const large = subsets(anchors(14_000, 700), 'normal', 1)
  t.strictSame(
    large.map(s => [s.name, s.index.length]),
    [
      ['newest 3k', 3_000],
      ['newest 10k', 10_000],
      ['mix 3k', 3_000],
    ],
  )
  for (const { index, held, older } of large) {
    t.equal(older, held, 'windows that do not overlap leave no gap')
    t.equal(index[held] % 700, 0, 'the first row fitted on begins an anchor')
    t.ok(held >= 0.1 * index.length && held <= 0.4 * index.length)
    t.ok(index.every((row, i) => i === 0 || row > index[i - 1]))
  }
  const [overlapping] = subsets(anchors(2_000, 100, 0.2), 'normal', 1)
  t.equal(overlapping.older, overlapping.held + 400, 'four anchors of overlapping windows are left out of both sides')
  t.ok(
    large[2].index.some(row => row >= 10_000),
    'the mix reaches beyond the newest 10,000',
  )
  t.equal(subsets(anchors(14_000, 700), 'fast', 1).length, 1)
  t.equal(subsets(anchors(60, 10), 'normal', 1)[0].held, 0, 'too few to hold any out')
  const winter = anchors(14_000, 700)
  winter.y.fill(0, 0, 2_800)
  t.strictSame(
    subsets(winter, 'normal', 1).map(s => [s.name, winter.y.subarray(0, s.index[s.held]).some(y => y > 0)]),
    [['newest 10k', true]],
    'what is tuned on rows that are all alike is tuned on nothing',
  )
})

t.test('a few dozen held-out rows choose no penalty, and few columns are drawn in less than many', async t => {
  const fitOn = (columns: number, held: number) => {
    const design = designOf(120, columns, 5)
    const y = Float64Array.from({ length: 120 }, (_, r) => (design.z[r] + design.z[120 + r] > 0.8 ? 1 : 0))
    return drain(tunedFit(design, y, { held, older: held }, 'binary'))
  }
  const [few, many] = [fitOn(6, 30), fitOn(90, 30)]
  t.strictSame(fitOn(90, 30).all, fitOn(90, 0).all)
  t.equal(many.judged.length, 120, 'each row is judged by a fit on others')
  t.ok(few.lambda < many.lambda / 3, `${few.lambda} ${many.lambda}`)
  t.ok(few.all[0] > 2 * many.all[0], `${few.all[0]} ${many.all[0]}`)
})

t.test('with as many columns as rows, a small context still tells more than the base rate', async t => {
  let [loss, least] = [0, 0]
  for (let seed = 1; seed <= 6; seed++) {
    const design = designOf(600, 100, seed)
    const noise = normals(seed + 100)
    const y = Float64Array.from({ length: 600 }, (_, r) => (design.z[r] + design.z[600 + r] + noise() > 0.5 ? 1 : 0))
    const part = selectRows(
      design,
      Int32Array.from({ length: 100 }, (_, r) => r),
    )
    const { all } = drain(tunedFit(part, y.subarray(0, 100), { held: 25, older: 25 }, 'binary'))
    const logits = new Float64Array(500)
    apply({ design, from: 100, to: 600 }, all, logits)
    const later = y.subarray(100)
    loss += lossOf('binary', logits, later) / 6
    least += lossOf('binary', new Float64Array(500).fill(priorLogit(y.subarray(0, 100))), later) / 6
  }
  t.ok(loss < 0.97 * least, `${loss} ${least}`)
})
