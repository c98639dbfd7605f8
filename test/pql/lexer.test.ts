// Tokens as Postgres reads them, with their places.

import t from 'tap'
import type { LexMode } from '../../src/pql/lexer.js'
import { tokenAt } from '../../src/pql/lexer.js'

const tokens = (text: string, mode: LexMode = 'pql') => {
  const all = []
  for (let token = tokenAt(text, 0, mode); token.kind !== 'end'; token = tokenAt(text, token.end, mode)) all.push(token)
  return all
}

const texts = (text: string, mode?: LexMode) => tokens(text, mode).map(token => token.text)

t.test('unquoted names fold their ASCII letters, quoted ones keep theirs', async t => {
  t.strictSame(texts('Users "Users" `Users` ÉTÉ "a""b"'), ['users', 'Users', 'Users', 'ÉtÉ', 'a"b'])
  t.strictSame(
    tokens('a "b" `c`').map(({ quote }) => quote),
    [null, '"', '`'],
  )
})

t.test('strings: doubled quotes, escapes, dollar quotes, continuation over a newline', async t => {
  t.strictSame(texts("'it''s' 'a\\n'"), ["it's", 'a\\n'])
  t.strictSame(texts("E'a\\n\\x41\\u00e9\\101\\'' e'\\\\'"), ["a\nAéA'", '\\'])
  t.strictSame(texts("$$it's$$ $t$a $$ b$t$"), ["it's", 'a $$ b'])
  t.strictSame(texts("'a'\n  'b' 'c'"), ['ab', 'c'])
})

t.test('numbers and parameters', async t => {
  t.strictSame(texts('1 1.5 .5 1e9 1.5E-3 $12'), ['1', '1.5', '.5', '1e9', '1.5E-3', '12'])
  t.equal(tokens('12abc')[0].junk, true)
  t.equal(tokens('12 abc')[0].junk, false)
})

t.test('comments nest and may stand anywhere; # opens one in PQL and is an operator in SQL', async t => {
  t.strictSame(texts('a -- b\nc /* d /* e */ f */ g # h\ni'), ['a', 'c', 'g', 'i'])
  t.strictSame(texts('a # b', 'sql'), ['a', '#', 'b'])
  t.strictSame(texts("a #>> '{b}'", 'sql'), ['a', '#>>', '{b}'])
})

t.test('operators', async t => {
  t.strictSame(texts('a>=-1'), ['a', '>=', '-', '1'])
  t.strictSame(texts('a<>b!=c->d::e'), ['a', '<>', 'b', '!=', 'c', '->', 'd', '::', 'e'])
  t.strictSame(texts('a @> b ||c', 'sql'), ['a', '@>', 'b', '||', 'c'])
  t.strictSame(texts('a=-1', 'sql'), ['a', '=', '-', '1'])
})

t.test('spans count UTF-16 units', async t => {
  const [, second] = tokens('"😀" b')
  t.equal(second.start, 5)
})

t.test('what never ends says where it began', async t => {
  for (const [text, position] of [
    ["a 'b", 2],
    ['a "b', 2],
    ['a $x$b', 2],
    ['a /* /* */', 2],
  ] as const)
    t.throws(() => tokens(text), { code: '42601', position })
  t.throws(() => tokens('""'), { code: '42601', position: 0 })
  t.throws(() => tokens("E'\\u12'"), { code: '22025', position: 2 })
})
