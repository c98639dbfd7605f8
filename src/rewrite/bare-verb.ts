// No statement of Postgres begins with our words: EVALUATE COUNT(…) FOR EACH … lacks its PREDICT, PREDICT_PROBABILITY(…) its SELECT.

import { PgError } from '../pg-error.js'
import { parsePredict } from '../pql/index.js'
import { SCALAR_WORDS, scalarEnd } from './scalar-nodes.js'
import { isWord, lexSql } from './sql-lexer.js'

/** @throws PgError 42601 where `sql` has one of our verbs in front of a target, or is a PREDICT as a value and nothing else */
export const refuseBareVerb = (sql: string): void => {
  const tokens = lexSql(sql)
  if (isWord(tokens[0], 'evaluate', 'backtest') && tokens.some(token => isWord(token, 'for')))
    parsePredict(sql, { statement: true })
  if (isWord(tokens[0], ...SCALAR_WORDS) && scalarEnd(tokens, 0) > 0)
    throw new PgError({
      code: '42601',
      message: `${tokens[0].text.toUpperCase()}(…) is a value, not a statement`,
      hint: `Write: SELECT ${sql.slice(tokens[0].start).replace(/;\s*$/, '')}`,
      position: tokens[0].start,
    })
}
