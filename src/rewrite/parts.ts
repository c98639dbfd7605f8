// The slices of an answer as the parts of an execution.

import { arrayParam, joinArrays } from './binary-array.js'
import type { Bound, Param, Part, Parts } from './plan.js'

/** An array for each output column, all of one length. */
export interface AnswerSlice {
  readonly columns: readonly Param[]
  /** None follows. */
  readonly last: boolean
}

/** Slices that follow each other as one. */
export const joined = (slices: readonly (readonly Param[])[]): readonly Param[] => {
  const [first] = slices
  return slices.length === 1
    ? first
    : first.map((_, i) => arrayParam(joinArrays(slices.map(columns => columns[i].value!))))
}

/** `bind` makes of columns what an execution sends. */
export const partsOf = (
  slices: AsyncGenerator<AnswerSlice, void, void>,
  bind: (columns: readonly Param[]) => Bound | Promise<Bound>,
): Parts => {
  let current: AnswerSlice | null = null
  const take = async (): Promise<AnswerSlice> => {
    const { value } = await slices.next()
    if (!value) throw new Error('an answer without an end')
    current = value
    // what it holds can go while its rows are still on their way
    if (value.last) await slices.return()
    return value
  }
  return {
    async next(): Promise<Part> {
      const { columns, last } = await take()
      return { ...(await bind(columns)), last }
    },
    async rest() {
      const all = current ? [current.columns] : []
      while (!current?.last) all.push((await take()).columns)
      return bind(joined(all))
    },
    close: () => void slices.return().catch(() => {}),
  }
}
