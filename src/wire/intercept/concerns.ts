import type { Piece, Rewriter } from '../../rewrite/plan.js'

/** One cheap look at one statement of a string. */
export function concerns(rewriter: Rewriter, { sql }: Piece): boolean {
  const bytes = Buffer.from(sql, 'utf8')
  return rewriter.mayConcern(bytes, 0, bytes.length)
}
