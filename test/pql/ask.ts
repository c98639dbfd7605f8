// What the language's tests ask again and again: a text's task over a catalog, or the error it gets.

import { PgError } from '../../src/pg-error.js'
import type { Catalog } from '../../src/pql/catalog.js'
import type { Given } from '../../src/pql/index.js'
import { check, parsePredict } from '../../src/pql/index.js'
import { SHOP } from './shop-catalog.js'

const NOTHING: Given = { paramTypes: [] }

export const ask = (text: string, catalog: Catalog = SHOP, given: Given = NOTHING) => {
  const parsed = parsePredict(text, { statement: true })
  const { task, notices } = check(parsed.syntax, catalog, given)
  return { syntax: parsed.syntax, task, notices: [...parsed.notices, ...notices] }
}

/** The error of a text; throws where there is none or where it is not one that a client may see. */
export const refused = (text: string, catalog: Catalog = SHOP, given: Given = NOTHING): PgError => {
  try {
    ask(text, catalog, given)
  } catch (error) {
    if (error instanceof PgError) return error
    throw error
  }
  throw new Error(`not refused: ${text}`)
}

/** A count over orders in the next 30 days, with what follows FOR EACH users.user_id. */
export const orders = (rest: string): string =>
  `PREDICT COUNT(orders.*, 0, 30, days) > 0 FOR EACH users.user_id ${rest}`
