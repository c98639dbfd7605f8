// The parser's place in the text: looks ahead, takes tokens, reads SQL slices verbatim, and says what was unexpected.

import type { Notice } from '../pg-error.js'
import { PgError } from '../pg-error.js'
import type { Span } from './ast.js'
import type { Token } from './lexer.js'
import { tokenAt } from './lexer.js'

/** Deeper than anyone writes, far shallower than the JavaScript stack. */
const MAX_DEPTH = 200

export interface Unexpected {
  readonly hint?: string
  readonly detail?: string
  readonly code?: string
}

export class Cursor {
  readonly text: string
  /** Whether the whole statement is ours, so that ORDER BY and LIMIT may follow the clauses. */
  readonly statement: boolean
  readonly notices: Notice[] = []
  /** End of the last token taken. */
  end = 0
  /** Where the target stands, once it is parsed: for rewrites that keep it. */
  target: Span = { start: 0, end: 0 }
  /** The aggregate being read, if any: aggregates do not nest. */
  aggregate: string | null = null
  readonly #ahead: Token[] = []
  #depth = 0

  constructor(text: string, statement: boolean) {
    this.text = text
    this.statement = statement
  }

  peek(ahead = 0): Token {
    while (this.#ahead.length <= ahead) {
      const last = this.#ahead[this.#ahead.length - 1]
      this.#ahead.push(tokenAt(this.text, last ? last.end : this.end, 'pql'))
    }
    return this.#ahead[ahead]
  }

  next(): Token {
    const token = this.peek()
    this.#ahead.shift()
    this.end = token.end
    return token
  }

  /** Goes on reading at `at`, which must be a place between tokens. */
  seek(at: number): void {
    this.#ahead.length = 0
    this.end = at
  }

  isOperator(operator: string, ahead = 0): boolean {
    const token = this.peek(ahead)
    return token.kind === 'operator' && token.text === operator
  }

  /** Whether these words come next, as keywords: unquoted and the last not followed by a dot, which would make it a name. */
  isWord(words: string, ahead = 0): boolean {
    const list = words.split(' ')
    const all = list.every((word, at) => {
      const token = this.peek(ahead + at)
      return token.kind === 'word' && token.quote === null && token.text === word
    })
    return all && !this.isOperator('.', ahead + list.length)
  }

  takeOperator(operator: string): boolean {
    if (!this.isOperator(operator)) return false
    this.next()
    return true
  }

  takeWord(words: string): boolean {
    if (!this.isWord(words)) return false
    for (const _ of words.split(' ')) this.next()
    return true
  }

  expectOperator(operator: string, expected = `"${operator}"`): Token {
    if (!this.isOperator(operator)) throw this.unexpected(expected)
    return this.next()
  }

  /** The text of a span, its white space and comments as they were written. */
  slice(span: Span): string {
    return this.text.slice(span.start, span.end)
  }

  spanFrom(start: number): Span {
    return { start, end: this.end }
  }

  /** A 42601 in Postgres' words at a token, with what could have stood there. */
  unexpected(expected: string, { hint, detail, code = '42601' }: Unexpected = {}, token = this.peek()): PgError {
    const atEnd = token.kind === 'end'
    return new PgError({
      code,
      message: atEnd
        ? 'syntax error at end of input'
        : `syntax error at or near "${this.text.slice(token.start, token.end)}"`,
      detail: detail ?? `Expected ${expected}.`,
      hint,
      position: atEnd ? Math.max(this.end, 0) : token.start,
    })
  }

  /** Runs a recursive step; too many of them are an error of ours before they are one of the stack's. */
  nested<T>(step: () => T): T {
    if (++this.#depth > MAX_DEPTH)
      throw new PgError({
        code: '54001',
        message: 'stack depth limit exceeded',
        detail: `Conditions may be nested ${MAX_DEPTH} deep.`,
        position: this.peek().start,
      })
    try {
      return step()
    } finally {
      this.#depth--
    }
  }

  /**
   * Takes SQL verbatim up to the first token outside parentheses that `stops`, to an unmatched `)`, to `;` or to the end.
   * @returns its span without surrounding blanks
   */
  sql(stops: (token: Token, following: Token) => boolean): Span {
    let depth = 0
    let token = tokenAt(this.text, this.end, 'sql')
    const start = token.start
    let end = start
    while (token.kind !== 'end') {
      const following = tokenAt(this.text, token.end, 'sql')
      const operator = token.kind === 'operator' ? token.text : ''
      if (depth === 0 && (operator === ';' || operator === ')' || operator === ']' || stops(token, following))) break
      if (operator === '(' || operator === '[') depth++
      else if (operator === ')' || operator === ']') depth--
      end = token.end
      token = following
    }
    this.seek(end)
    return { start, end }
  }

  /** Offset of the first of these keywords outside parentheses from `at` on, or -1. Never throws. */
  find(words: readonly string[], at: number): number {
    let depth = 0
    try {
      for (
        let token = tokenAt(this.text, at, 'sql');
        token.kind !== 'end';
        token = tokenAt(this.text, token.end, 'sql')
      ) {
        if (token.text === '(' && token.kind === 'operator') depth++
        if (token.text === ')' && token.kind === 'operator') depth--
        if (depth === 0 && isKeyword(token, words)) return token.start
      }
    } catch {
      // The rest cannot be read; whoever asks only wants a better hint.
    }
    return -1
  }
}

/** Whether a token is one of these words, unquoted. */
export const isKeyword = (token: Token, words: readonly string[]): boolean =>
  token.kind === 'word' && token.quote === null && words.includes(token.text)
