// Who may PREDICT: everybody, unless the database has the schema of `pgpredict init` and its function has been taken from PUBLIC.

import type { SessionFacts } from '../graph/catalog/index.js'
import { PgError } from '../pg-error.js'
import { quote } from './quote.js'

/** @throws PgError 42501 */
export const assertMayPredict = ({ mayPredict, role }: SessionFacts): void => {
  if (mayPredict) return
  throw new PgError({
    code: '42501',
    message: 'permission denied to PREDICT',
    detail: `Role "${role.name}" may not execute the function predict.predict.`,
    hint: `GRANT EXECUTE ON FUNCTION predict.predict TO ${quote(role.name)}`,
  })
}
