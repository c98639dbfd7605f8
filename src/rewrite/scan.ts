// Does a Q or P frame name one of our words? Asked of every query, so it skips through the bytes rather than reading them all:
// a window as long as the shortest word slides on by what its last two bytes allow (Wu and Manber's multi-word search).

/** Our words; `predict` also stands for every identifier that begins with it. EXPLAIN stands before PREDICT. */
const WORDS = ['predict', 'evaluate', 'backtest', 'monitor']
const PREFIXES = ['predict']

/** Bytes that make up an identifier: letters, digits, `_`, `$` and all beyond ASCII. */
const IDENTIFIER = new Uint8Array(256)
for (let byte = 0; byte < 256; byte++) IDENTIFIER[byte] = byte >= 128 || /[\w$]/.test(String.fromCharCode(byte)) ? 1 : 0

/** Five bits a byte: folds case, and lets digits and signs pass for letters, which costs a shorter step and never a miss. */
const pairOf = (first: number, second: number): number => ((first & 31) << 5) | (second & 31)

/**
 * Whether the SQL bytes [start, end) hold one of some words outside a longer identifier, wherever they stand: strings and comments
 * count, since only a lexer could tell. No allocation, no decoding.
 */
export type Scan = (sql: Uint8Array, start: number, end: number) => boolean

/** @param words in any case, at least one; `prefixes` among them also stand for identifiers that begin with them */
export const createScan = (words: readonly string[], prefixes: readonly string[] = []): Scan => {
  const bytes = words.map(word => Buffer.from(word, 'utf8'))
  const window = Math.min(...bytes.map(word => word.length))
  /** How far the window may move on when it ends with this pair; 0: a word may lie in it. */
  const shifts = new Uint8Array(1024).fill(Math.max(1, Math.min(window - 1, 255)))
  /** Words by their first letter, lower case. */
  const byLetter: Uint8Array[][] = Array.from({ length: 256 }, () => [])
  const isPrefix = new Set<Uint8Array>()
  for (const [at, word] of bytes.entries()) {
    for (let i = 0; i + 1 < window; i++) {
      const pair = pairOf(word[i], word[i + 1])
      shifts[pair] = Math.min(shifts[pair], window - 2 - i)
    }
    const folded = word.map(byte => byte | 32)
    byLetter[folded[0]].push(folded)
    if (prefixes.includes(words[at])) isPrefix.add(folded)
  }

  const isWord = (word: Uint8Array, sql: Uint8Array, at: number, end: number): boolean => {
    if (at + word.length > end) return false
    for (let i = 1; i < word.length; i++) if ((sql[at + i] | 32) !== word[i]) return false
    const after = at + word.length
    return after === end || IDENTIFIER[sql[after]] === 0 || isPrefix.has(word)
  }

  const isWordAt = (sql: Uint8Array, at: number, start: number, end: number): boolean => {
    if (at > start && IDENTIFIER[sql[at - 1]] === 1) return false
    for (const word of byLetter[sql[at] | 32]) if (isWord(word, sql, at, end)) return true
    return false
  }

  if (window < 2)
    return (sql, start, end) => {
      for (let at = start; at < end; at++) if (isWordAt(sql, at, start, end)) return true
      return false
    }
  return (sql, start, end) => {
    let last = start + window - 1
    while (last < end) {
      const shift = shifts[((sql[last - 1] & 31) << 5) | (sql[last] & 31)]
      if (shift > 0) last += shift
      else if (isWordAt(sql, last - window + 1, start, end)) return true
      else last++
    }
    return false
  }
}

/** Asked of every query. */
export const mayConcern: Scan = createScan(WORDS, PREFIXES)
