// Boosted trees for several classes: in every round one tree a group of classes, on the slope of the log loss of all groups together. The
// rounds, and how much the trees say beside the linear model, are chosen on rows that neither has seen.

import type { QueryBatch } from '../../head.js'
import { binRows, type Cuts, fitCuts } from '../boosting/bins.js'
import { someColumns, TREE } from '../boosting/boost.js'
import { addTree, createGrower, type Tree } from '../boosting/tree.js'
import { classLoss, normalise } from './multinomial.js'
import { blend, type Groups, groupsOf, lossOfWords, type Say, type Word } from './words.js'

/** Classes with trees of their own, at most. */
const MOST_TREES = 12
const RATE = 0.25
const ROUNDS = 40
/** Share of the columns that a round's trees may use. */
const COLUMN_SHARE = 0.25
const FEW_COLUMNS = 16
/** Rounds without a better loss after which boosting stops. */
const PATIENCE = 8
/** Cells that may be read at the roots of all trees: rows x columns used x classes x rounds. About a second. */
const CELLS = 90_000_000
/** With fewer rounds than this within reach there are no trees. */
const FEWEST_ROUNDS = 10
/** Trees' part of what the columns say. */
const WEIGHTS = [0.15, 0.3, 0.45, 0.6, 0.8, 1] as const
/** Share of the log loss that trees must save: a small gain is one that the past and the categories of a row make without them. */
const WORTH = 0.05

/** Column-major columns, and the class of each row. */
interface Examples extends Pick<QueryBatch, 'x' | 'rows'> {
  readonly columns: readonly unknown[]
}

export interface Forest {
  readonly cuts: Cuts
  readonly groups: Groups
  /** Log shares of the groups. */
  readonly share: Float64Array
  /** Rounds x groups. */
  readonly trees: readonly (readonly Tree[])[]
}

/** Trees up to the round that tells most of rows they have not seen. */
export interface Judged {
  readonly forest: Forest
  /** What they say of those rows, in their order. */
  readonly say: Say
}

/** Rows before `held` judge trees grown on the rows `learnt`, the last of the context; null where those tell nothing. */
export function* judgeTrees(
  examples: Examples,
  y: Int32Array,
  held: number,
  learnt: Int32Array,
  classes: number,
  seed: number,
): Generator<void, Judged | null, void> {
  const { x, rows, columns } = examples
  const groups = groupsOf(y, learnt, classes, MOST_TREES)
  const most = roundsFor(learnt.length, columns.length, groups.count)
  if (columns.length === 0 || groups.count < 2 || most < FEWEST_ROUNDS) return null
  const cuts = yield* fitCuts(x, columns.length, rows)
  const newest = binRows(cuts, x, rows, 0, held)
  yield
  const from = learnt[0]
  const bins = binRows(cuts, x, rows, from, rows)
  yield
  // a class that is new among the newest rows is told apart from nothing that was known
  const labels = Int32Array.from(y, c => Math.min(groups.of[c], groups.count - 1))
  const share = sharesOf(labels.subarray(from), groups.count)
  const current = logitsAt(share, held)
  const truth = labels.subarray(0, held)
  let best = { rounds: 0, loss: classLoss(current, truth), log: current }
  const logits = current.map(own => Float64Array.from(own))
  const input = { bins, columns: columns.length, labels: labels.subarray(from), share, seed }
  const trees = yield* boostClasses(input, most, (round, trees) => {
    for (const [g, tree] of trees.entries()) addTree(tree, newest, held, RATE, logits[g])
    const log = logits.map(own => Float64Array.from(own))
    normalise(log, held)
    const loss = classLoss(log, truth)
    if (loss < best.loss) best = { rounds: round, loss, log }
    return round - best.rounds >= PATIENCE
  })
  if (best.rounds === 0) return null
  return { forest: { cuts, groups, share, trees: trees.slice(0, best.rounds) }, say: { groups, share, log: best.log } }
}

/** What trees say of rows [from, to) of a query. */
export function sayOfForest({ cuts, groups, share, trees }: Forest, query: QueryBatch, from: number, to: number): Say {
  const bins = binRows(cuts, query.x, query.rows, from, to)
  const log = logitsAt(share, to - from)
  for (const round of trees) for (const [g, tree] of round.entries()) addTree(tree, bins, to - from, RATE, log[g])
  normalise(log, to - from)
  return { groups, share, log }
}

/** The trees' part, 0 to 1, of what is said of rows that neither model has seen; `counts`: how common classes were among those they have. */
export function* weighTrees(
  trees: Word,
  linear: Word,
  counts: Float64Array,
  y: Int32Array,
): Generator<void, number, void> {
  const alone = lossOfWords(linear, counts, y)
  let best = { weight: 0, loss: (1 - WORTH) * alone }
  for (const weight of WEIGHTS) {
    const loss = lossOfWords(blend(trees, linear, weight), counts, y)
    yield
    if (loss < best.loss) best = { weight, loss }
  }
  return best.weight
}

/** Memory held. */
export const bytesOfForest = ({ cuts, trees }: Forest): number =>
  cuts.byColumn.reduce((sum, c) => sum + c.byteLength, 0) +
  trees.flat().reduce((sum, t) => sum + 20 * t.value.length, 0)

/** Columns that a round may use. */
const used = (columns: number): number => Math.min(columns, Math.max(FEW_COLUMNS, Math.ceil(columns * COLUMN_SHARE)))

const roundsFor = (rows: number, columns: number, groups: number): number =>
  Math.min(ROUNDS, Math.floor(CELLS / Math.max(1, rows * used(columns) * groups)))

interface BoostInput {
  /** Column-major bins of the rows. */
  readonly bins: Uint8Array
  readonly columns: number
  /** Group of each row. */
  readonly labels: Int32Array
  readonly share: Float64Array
  readonly seed: number
}

/** Called after each round with its number, from 1, and a tree a group; true stops. Gives way to other work after each tree. */
type Watch = (round: number, trees: readonly Tree[]) => boolean

function* boostClasses(
  { bins, columns, labels, share, seed }: BoostInput,
  rounds: number,
  watch: Watch,
): Generator<void, Tree[][], void> {
  const rows = labels.length
  const grower = createGrower(bins, rows, columns, TREE)
  const logits = logitsAt(share, rows)
  const gradient = new Float64Array(rows)
  const curvature = new Float64Array(rows)
  const grown: Tree[][] = []
  for (let round = 1; round <= rounds; round++) {
    const log = logits.map(own => Float64Array.from(own))
    normalise(log, rows)
    yield
    const some = someColumns(columns, used(columns), seed, round)
    const trees: Tree[] = []
    for (const [g, own] of log.entries()) {
      for (let r = 0; r < rows; r++) {
        const p = Math.exp(own[r])
        gradient[r] = p - (labels[r] === g ? 1 : 0)
        curvature[r] = Math.max(p * (1 - p), 1e-6)
      }
      const tree = grower.grow({ columns: some, gradient, curvature }, 0, rows)
      grower.add(RATE, logits[g])
      trees.push(tree)
      yield
    }
    grown.push(trees)
    if (watch(round, trees)) break
  }
  return grown
}

const logitsAt = (share: Float64Array, rows: number): Float64Array[] =>
  Array.from(share, own => new Float64Array(rows).fill(own))

/** Log shares, each with half a row added. */
function sharesOf(labels: Int32Array, groups: number): Float64Array {
  const counts = new Float64Array(groups).fill(0.5)
  for (const g of labels) counts[g]++
  return counts.map(n => Math.log(n / (labels.length + 0.5 * groups)))
}
