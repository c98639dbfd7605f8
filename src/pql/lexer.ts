// Postgres-like tokens, one at a time from any offset, so that the parser chooses how a place is read: in PQL `#` starts a
// comment, in a verbatim SQL slice it is an operator.

import { PgError } from '../pg-error.js'
import type { Span } from './ast.js'

export type TokenKind = 'word' | 'string' | 'number' | 'param' | 'operator' | 'end'

export interface Token extends Span {
  readonly kind: TokenKind
  /** Words folded unless quoted, strings decoded, numbers and operators as written, parameters without their `$`. */
  readonly text: string
  /** How a word was quoted; null where it was not. */
  readonly quote: '"' | '`' | null
  /** A number that runs on into letters, as in 31T12: part of a bare timestamp or an error, the parser knows which. */
  readonly junk: boolean
}

export type LexMode = 'pql' | 'sql'

const SPACE = /\s+/y
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y
const JUNK = /[\w\u0080-\uffff]+/y
const PARAM = /\$(\d+)/y
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y
const SQL_OPERATOR = /[-+*/<>=~!@#%^&|`?]+/y
const PQL_OPERATOR = /<=|>=|<>|!=|==|->>|->|::|\|\||[\s\S]/uy

const match = (pattern: RegExp, text: string, at: number): RegExpExecArray | null => {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/** Folds as Postgres does: ASCII letters only. */
export const fold = (word: string): string => word.replace(/[A-Z]+/g, letters => letters.toLowerCase())

const skipBlockComment = (text: string, start: number): number => {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    if (text.startsWith('/*', at)) {
      depth++
      at++
    } else if (text.startsWith('*/', at)) {
      at++
      if (--depth === 0) return at + 1
    }
  }
  throw new PgError({ code: '42601', message: 'unterminated /* comment', position: start, hint: 'Write: */' })
}

/** The offset of the first character at or after `at` that is neither white space nor comment. */
const skipBlanks = (text: string, at: number, mode: LexMode): number => {
  for (;;) {
    const space = match(SPACE, text, at)
    if (space) at += space[0].length
    else if (text.startsWith('--', at) || (mode === 'pql' && text[at] === '#')) {
      const newline = text.indexOf('\n', at)
      if (newline < 0) return text.length
      at = newline + 1
    } else if (text.startsWith('/*', at)) at = skipBlockComment(text, at)
    else return at
  }
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
const ESCAPE = /\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|([\s\S]))/uy

const badEscape = (position: number, hint: string) =>
  new PgError({ code: '22025', message: 'invalid escape sequence in a string constant', position, hint })

const readEscape = (text: string, at: number): { char: string; end: number } => {
  const found = match(ESCAPE, text, at)
  if (!found) throw badEscape(at, 'Write: \\\\')
  const [whole, hex, short, long, octal, other] = found
  const end = at + whole.length
  if (other !== undefined) {
    if (/[uU]/.test(other)) throw badEscape(at, 'Unicode escapes must be \\uXXXX or \\UXXXXXXXX.')
    return { char: ESCAPES[other] ?? other, end }
  }
  const code = octal === undefined ? Number.parseInt((hex ?? short ?? long)!, 16) : Number.parseInt(octal, 8)
  if (code === 0 || code > 0x10ffff) throw badEscape(at, 'The code must be between 1 and 10FFFF.')
  return { char: String.fromCodePoint(code), end }
}

/** Reads from an opening quote; a doubled quote stands for itself, and with `escapes` a backslash escapes. */
const readQuoted = (text: string, start: number, quote: string, escapes: boolean): { value: string; end: number } => {
  let value = ''
  let at = start + 1
  while (at < text.length) {
    const char = text[at]
    if (escapes && char === '\\') {
      const escaped = readEscape(text, at)
      value += escaped.char
      at = escaped.end
    } else if (char !== quote) {
      value += char
      at++
    } else if (text[at + 1] === quote) {
      value += quote
      at += 2
    } else return { value, end: at + 1 }
  }
  const what = quote === "'" ? 'quoted string' : 'quoted identifier'
  throw new PgError({ code: '42601', message: `unterminated ${what}`, position: start, hint: `Write: ${quote}` })
}

/** A string constant and its continuations: Postgres joins 'a' and 'b' where a newline lies between them. */
const readString = (text: string, start: number, escapes: boolean): { value: string; end: number } => {
  let { value, end } = readQuoted(text, start, "'", escapes)
  for (;;) {
    const gap = match(/\s*\n\s*'/y, text, end)
    if (!gap) return { value, end }
    const more = readQuoted(text, end + gap[0].length - 1, "'", escapes)
    value += more.value
    end = more.end
  }
}

const readDollarQuoted = (text: string, start: number, tag: string): { value: string; end: number } => {
  const close = text.indexOf(tag, start + tag.length)
  if (close < 0)
    throw new PgError({
      code: '42601',
      message: 'unterminated dollar-quoted string',
      position: start,
      hint: `Write: ${tag}`,
    })
  return { value: text.slice(start + tag.length, close), end: close + tag.length }
}

/** Postgres' rule: an operator of several characters may end in + or - only if it holds one of ~!@#%^&|`? too. */
const sqlOperator = (text: string, at: number): string | null => {
  let run = match(SQL_OPERATOR, text, at)?.[0]
  if (!run) return null
  const comment = run.slice(1).search(/--|\/\*/)
  if (comment >= 0) run = run.slice(0, comment + 1)
  while (run.length > 1 && /[+-]$/.test(run) && !/[~!@#%^&|`?]/.test(run)) run = run.slice(0, -1)
  return run
}

/**
 * The token at or after `at`.
 * @throws PgError 42601, 22025 for what never ends or cannot be read
 */
export const tokenAt = (text: string, at: number, mode: LexMode): Token => {
  const start = skipBlanks(text, at, mode)
  const token = (kind: TokenKind, value: string, end: number, quote: Token['quote'] = null, junk = false): Token => ({
    kind,
    text: value,
    quote,
    junk,
    start,
    end,
  })
  if (start >= text.length) return token('end', '', text.length)
  const char = text[start]
  if (char === "'") {
    const { value, end } = readString(text, start, false)
    return token('string', value, end)
  }
  if ((char === 'E' || char === 'e') && text[start + 1] === "'") {
    const { value, end } = readString(text, start + 1, true)
    return token('string', value, end)
  }
  if (char === '"' || (char === '`' && mode === 'pql')) {
    const { value, end } = readQuoted(text, start, char, false)
    if (value === '') throw new PgError({ code: '42601', message: 'zero-length delimited identifier', position: start })
    return token('word', value, end, char)
  }
  const word = match(WORD, text, start)?.[0]
  if (word) return token('word', fold(word), start + word.length)
  const number = match(NUMBER, text, start)?.[0]
  if (number) {
    const end = start + number.length
    const junk = match(JUNK, text, end)?.[0]
    return token('number', number, end + (junk?.length ?? 0), null, junk !== undefined)
  }
  const param = match(PARAM, text, start)
  if (param) return token('param', param[1], start + param[0].length)
  const tag = match(DOLLAR, text, start)?.[0]
  if (tag) {
    const { value, end } = readDollarQuoted(text, start, tag)
    return token('string', value, end)
  }
  const operator = (mode === 'sql' && sqlOperator(text, start)) || match(PQL_OPERATOR, text, start)![0]
  return token('operator', operator, start + operator.length)
}
