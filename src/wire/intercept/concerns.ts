// Which statement of a string is the one with our words: asked again of each, in text rather than in the client's bytes.

import type { Piece, Rewriter } from '../../rewrite/plan.js'

/** False: certainly an ordinary statement. */
export function concerns(rewriter: Rewriter, { sql }: Piece): boolean {
  const bytes = Buffer.from(sql, 'utf8')
  return rewriter.mayConcern(bytes, 0, bytes.length)
}

/** White space and comments before a statement. */
export const SKIPPED = /^(\s|--[^\n]*(\n|$)|\/\*.*?\*\/)*/s

/** A statement that a failed transaction still takes, whatever words are in it; the server refuses all others. */
export const endsTransaction = (sql: string): boolean =>
  /^(rollback|commit|abort|end|prepare\s+transaction)\b/i.test(sql.replace(SKIPPED, ''))
