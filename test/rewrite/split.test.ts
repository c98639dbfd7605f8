import t from 'tap'
import { split } from '../../src/rewrite/split.js'

const parts = (sql: string, standard = true) => split(sql, standard).map(piece => piece.sql)

t.test('statements part at a semicolon outside quotes, comments and parentheses', async t => {
  t.same(parts('select 1; select 2'), ['select 1', 'select 2'])
  t.same(parts('select \';\'; select ";"; select $$;$$; select $a$;$$;$a$'), [
    "select ';'",
    'select ";"',
    'select $$;$$',
    'select $a$;$$;$a$',
  ])
  t.same(parts('select 1 /* ; /* ; */ ; */ + 1 -- ;\n; x'), ['select 1 /* ; /* ; */ ; */ + 1 -- ;\n', 'x'])
  t.same(parts('create rule r as on insert to t do (a; b); c'), ['create rule r as on insert to t do (a; b)', 'c'])
  t.same(parts("select 'it''s;'; b"), ["select 'it''s;'", 'b'])
  t.same(parts('select $1;select a$1$;b'), ['select $1', 'select a$1$', 'b'])
})

t.test(
  'a backslash guards a quote in E strings, and in plain ones when standard_conforming_strings is off',
  async t => {
    t.same(parts("select E'\\';'; b"), ["select E'\\';'", 'b'])
    t.same(parts("select '\\'; b"), ["select '\\'", 'b'])
    t.same(parts("select '\\'; b'; c", false), ["select '\\'; b'", 'c'])
    t.same(parts("select U&'\\'; b"), ["select U&'\\'", 'b'])
    t.same(parts("select E'a'\n  'b\\';'; c"), ["select E'a'\n  'b\\';'", 'c'], 'a continued string keeps its kind')
    t.same(parts('select U&"a"";"; b'), ['select U&"a"";"', 'b'])
  },
)

t.test('the body of an SQL function keeps its semicolons', async t => {
  const body = 'create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end'
  t.same(parts(`${body}; select 3`), [body, 'select 3'])
  t.same(
    parts('begin; select 1; end; select 2'),
    ['begin', 'select 1', 'end', 'select 2'],
    'BEGIN alone starts a transaction',
  )
})

t.test('empty statements are none, and each piece knows where it stands', async t => {
  t.same(split(' ;; -- x\n ; ', true), [])
  const sql = ' /* a */ select 1 ;\n -- b\n  PREDICT x ; '
  t.same(split(sql, true), [
    { start: 9, sql: 'select 1 ' },
    { start: sql.indexOf('PREDICT'), sql: 'PREDICT x ' },
  ])
  t.same(parts("select 'never closed; b"), ["select 'never closed; b"])
  t.same(parts('select /* never /* closed */ ; b'), ['select /* never /* closed */ ; b'])
})

t.test('random statements are never parted within', async t => {
  const bits = [
    "'a;''b'",
    "E'\\';\\\\'",
    '"x;""y"',
    '$$;$$',
    '$t$;$$ $t$',
    "/* ; /* ' */ ; */",
    "-- ; ' $$\n",
    '(a; b)',
    'word',
    '$1',
    '1.5',
    "U&'\\0061;'",
    "b'0'",
    '->',
    '::',
    'é𝒳',
  ]
  let seed = 11
  const random = (n: number) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    return (seed >> 8) % n
  }
  for (let i = 0; i < 3_000; i++) {
    const statements = Array.from(
      { length: 1 + random(4) },
      () => `s ${Array.from({ length: 1 + random(6) }, () => bits[random(bits.length)]).join(' ')}`,
    )
    const sql = statements.join(';')
    const pieces = split(sql, true)
    if (JSON.stringify(pieces.map(p => p.sql)) !== JSON.stringify(statements))
      t.same(
        pieces.map(p => p.sql),
        statements,
        sql,
      )
    for (const piece of pieces)
      if (sql.slice(piece.start, piece.start + piece.sql.length) !== piece.sql) t.fail(`piece out of place in ${sql}`)
  }
  t.pass('3000 texts')
})
