// SQL that a PREDICT holds verbatim, in IN (SELECT …) and behind AS OF, runs in a statement of ours whose parameters are others:
// a $n of the client's in it would mean something else there.

import { PgError } from '../pg-error.js'
import type { PredictSyntax } from '../pql/ast.js'
import { lexSql } from './sql-lexer.js'

/** @throws PgError 0A000 at the first $n within verbatim SQL */
export const refuseVerbatimParams = ({ text, ids, asOf }: PredictSyntax): void => {
  const refuse = (start: number, sql: string, place: string, hint: string) => {
    const at = text.indexOf(sql, start)
    const param = lexSql(text, at, at + sql.length).find(token => token.kind === 'param')
    if (param)
      throw new PgError({
        code: '0A000',
        message: `parameter $${param.text} in ${place} is not supported yet`,
        hint,
        position: param.start,
      })
  }
  if (ids.kind === 'query') refuse(ids.start, ids.sql, 'IN (SELECT …)', 'Write: = ANY($1), with the keys as an array')
  if (asOf.kind === 'expression')
    refuse(asOf.start, asOf.sql, 'an expression behind AS OF', 'Write: AS OF $1, with the time itself')
}
