// EVALUATE COUNT(…) FOR EACH …: no statement of Postgres begins with our verbs, so that what lacks its PREDICT can be told so.

import { parsePredict } from '../pql/index.js'
import { isWord, lexSql } from './sql-lexer.js'

/** @throws PgError 42601 where `sql` has one of our verbs in front of a target */
export const refuseBareVerb = (sql: string): void => {
  const tokens = lexSql(sql)
  if (isWord(tokens[0], 'evaluate', 'backtest') && tokens.some(token => isWord(token, 'for')))
    parsePredict(sql, { statement: true })
}
