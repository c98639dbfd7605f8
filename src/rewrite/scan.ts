// Does a Q or P frame name one of our words? Asked of every query, so it skips through the bytes rather than reading them all:
// a window as long as the shortest word slides on by what its last two bytes allow (Wu and Manber's multi-word search).

/** `predict` also stands for every identifier that begins with it; the others are whole words. EXPLAIN stands before PREDICT. */
const WORDS = ['predict', 'evaluate', 'backtest', 'monitor']
const WINDOW = Math.min(...WORDS.map(word => word.length))

/** Five bits a byte: folds case, and lets digits and signs pass for letters, which costs a shorter step and never a miss. */
const pairOf = (first: number, second: number): number => ((first & 31) << 5) | (second & 31)

/** How far the window may move on when it ends with this pair; 0: a word may lie in it. */
const SHIFT = new Uint8Array(1024).fill(WINDOW - 1)
for (const word of WORDS)
  for (let i = 0; i + 1 < WINDOW; i++) {
    const pair = pairOf(word.charCodeAt(i), word.charCodeAt(i + 1))
    SHIFT[pair] = Math.min(SHIFT[pair], WINDOW - 2 - i)
  }

/** Bytes that make up an identifier: letters, digits, `_`, `$` and all beyond ASCII. */
const IDENTIFIER = new Uint8Array(256)
for (let byte = 0; byte < 256; byte++) IDENTIFIER[byte] = byte >= 128 || /[\w$]/.test(String.fromCharCode(byte)) ? 1 : 0

/** Each word by its first letter, lower case. */
const BY_LETTER: (Uint8Array | undefined)[] = new Array(256)
for (const word of WORDS) BY_LETTER[word.charCodeAt(0)] = Uint8Array.from(word, letter => letter.charCodeAt(0))

const PREDICT = BY_LETTER['p'.charCodeAt(0)]

const isWordAt = (sql: Uint8Array, at: number, start: number, end: number): boolean => {
  const word = BY_LETTER[sql[at] | 32]
  if (word === undefined || at + word.length > end) return false
  for (let i = 1; i < word.length; i++) if ((sql[at + i] | 32) !== word[i]) return false
  if (at > start && IDENTIFIER[sql[at - 1]] === 1) return false
  const after = at + word.length
  return word === PREDICT || after === end || IDENTIFIER[sql[after]] === 0
}

/**
 * Whether the SQL bytes [start, end) hold one of our words outside a longer identifier, wherever they stand: strings and comments
 * count, since only a lexer could tell. No allocation, no decoding.
 */
export const mayConcern = (sql: Uint8Array, start: number, end: number): boolean => {
  let last = start + WINDOW - 1
  while (last < end) {
    const shift = SHIFT[((sql[last - 1] & 31) << 5) | (sql[last] & 31)]
    if (shift > 0) last += shift
    else if (isWordAt(sql, last - WINDOW + 1, start, end)) return true
    else last++
  }
  return false
}
