// SQL text to tokens with Postgres' own rules for what a quote, a comment and a parameter are. It never fails: what is not closed
// runs to the end, and Postgres says so.

export type SqlTokenKind = 'word' | 'quoted' | 'string' | 'number' | 'param' | 'sign'

export interface SqlToken {
  readonly kind: SqlTokenKind
  /** UTF-16 offsets, quotes included. */
  readonly start: number
  readonly end: number
  /** A word folded to lower case, a sign's one character, a parameter's digits; '' for the rest. */
  readonly text: string
}

const BLANK = /[ \t\n\r\f\v]+/y
const LINE_COMMENT = /--[^\n\r]*/y
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
const NUMBER = /\d[\w\u0080-\uffff]*/y
const PARAM = /\$\d+/y
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y
/** A string goes on after a line break: 'a' ⏎ 'b'. */
const CONTINUED = /(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'/y

const endOf = (pattern: RegExp, text: string, at: number): number => {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : -1
}

/** Folds as Postgres does: ASCII letters only. */
const fold = (word: string): string => word.replace(/[A-Z]+/g, letters => letters.toLowerCase())

const blockCommentEnd = (text: string, start: number): number => {
  let depth = 1
  let at = start + 2
  for (; depth > 0 && at < text.length; at++) {
    if (text.startsWith('/*', at)) {
      depth++
      at++
    } else if (text.startsWith('*/', at)) {
      depth--
      at++
    }
  }
  return Math.min(at, text.length)
}

/** End of what began with the quote at `start`; a doubled quote stays inside, a backslash guards what follows it. */
const quoteEnd = (text: string, start: number, backslash: boolean): number => {
  const quote = text[start]
  for (let at = start + 1; at < text.length; at++) {
    const c = text[at]
    if (c === '\\' && backslash) at++
    else if (c === quote) {
      if (text[at + 1] === quote) {
        at++
        continue
      }
      const next = quote === "'" ? endOf(CONTINUED, text, at + 1) : -1
      if (next < 0) return at + 1
      at = next - 1
    }
  }
  return text.length
}

/** Where blanks and comments from `at` on end. */
export const skipBlank = (text: string, at: number): number => {
  for (;;) {
    const code = text.charCodeAt(at)
    let next = -1
    if (code === 45) next = endOf(LINE_COMMENT, text, at)
    else if (code === 47 && text[at + 1] === '*') next = blockCommentEnd(text, at)
    else if (code <= 32) next = endOf(BLANK, text, at)
    if (next < 0) return at
    at = next
  }
}

const stringPrefix = (text: string, at: number, standard: boolean): { quote: number; backslash: boolean } | null => {
  const c = text[at]
  if (c === "'") return { quote: at, backslash: !standard }
  const next = text[at + 1]
  if (next === "'") {
    if (c === 'e' || c === 'E') return { quote: at + 1, backslash: true }
    if (c === 'n' || c === 'N') return { quote: at + 1, backslash: !standard }
    if (c === 'b' || c === 'B' || c === 'x' || c === 'X') return { quote: at + 1, backslash: false }
  }
  if ((c === 'u' || c === 'U') && next === '&' && text[at + 2] === "'") return { quote: at + 2, backslash: false }
  return null
}

/** The token at or after `at`, null at the end. `standard` is standard_conforming_strings. */
export const nextToken = (text: string, at: number, standard = true): SqlToken | null => {
  const start = skipBlank(text, at)
  if (start >= text.length) return null
  const token = (kind: SqlTokenKind, end: number, value = ''): SqlToken => ({ kind, start, end, text: value })
  const string = stringPrefix(text, start, standard)
  if (string) return token('string', quoteEnd(text, string.quote, string.backslash))
  const c = text[start]
  if (c === '"') return token('quoted', quoteEnd(text, start, false))
  if ((c === 'u' || c === 'U') && text.startsWith('&"', start + 1))
    return token('quoted', quoteEnd(text, start + 2, false))
  if (c === '$') {
    const param = endOf(PARAM, text, start)
    if (param > 0) return token('param', param, text.slice(start + 1, param))
    const tag = endOf(DOLLAR, text, start)
    if (tag > 0) {
      const close = text.indexOf(text.slice(start, tag), tag)
      return token('string', close < 0 ? text.length : close + tag - start)
    }
  }
  const word = endOf(WORD, text, start)
  if (word > 0) return token('word', word, fold(text.slice(start, word)))
  const number = endOf(NUMBER, text, start)
  if (number > 0) return token('number', number)
  return token('sign', start + 1, c)
}

/** Every token of `text` within [start, end). */
export const lexSql = (text: string, start = 0, end = text.length, standard = true): SqlToken[] => {
  const tokens: SqlToken[] = []
  for (let at = start; ; ) {
    const token = nextToken(text, at, standard)
    if (!token || token.start >= end) return tokens
    tokens.push(token)
    at = token.end
  }
}

export const isWord = (token: SqlToken | undefined, ...words: readonly string[]): boolean =>
  token?.kind === 'word' && (words.length === 0 || words.includes(token.text))

export const isSign = (token: SqlToken | undefined, sign: string): boolean =>
  token?.kind === 'sign' && token.text === sign

/** Index of the token that closes the parenthesis at `open`; -1 where nothing does. */
export const closing = (tokens: readonly SqlToken[], open: number): number => {
  let depth = 0
  for (let i = open; i < tokens.length; i++) {
    if (isSign(tokens[i], '(')) depth++
    else if (isSign(tokens[i], ')') && --depth === 0) return i
  }
  return -1
}

/** The highest $n among the tokens, 0 where there is none. */
export const highestParam = (tokens: readonly SqlToken[]): number =>
  tokens.reduce((highest, token) => (token.kind === 'param' ? Math.max(highest, Number(token.text)) : highest), 0)

/** The name that a word or a quoted identifier stands for. */
export const nameOf = (sql: string, { kind, start, end, text }: SqlToken): string =>
  kind === 'word' ? text : sql.slice(start + 1, end - 1).replaceAll('""', '"')

export const isName = (token: SqlToken | undefined): boolean => token?.kind === 'word' || token?.kind === 'quoted'

/** Names with dots between them. */
export interface Path {
  readonly path: readonly string[]
  /** Index of the token behind the last. */
  readonly next: number
}

/** The path that begins at a token; null where no name stands there. */
export const pathAt = (sql: string, tokens: readonly SqlToken[], at: number): Path | null => {
  if (!isName(tokens[at])) return null
  const path = [nameOf(sql, tokens[at])]
  let next = at + 1
  for (; isSign(tokens[next], '.') && isName(tokens[next + 1]); next += 2) path.push(nameOf(sql, tokens[next + 1]))
  return { path, next }
}
