// From text to tree: what may be written, and that nothing about it is decided yet.

import t from 'tap'
import { parsePredict } from '../../src/pql/index.js'
import { interval } from '../../src/pql/interval.js'

const parse = (text: string) => parsePredict(text, { statement: true }).syntax
const target = (text: string) => parse(`PREDICT ${text} FOR EACH a.b`).target
const right = (text: string) => {
  const syntax = target(`a.c = ${text}`)
  if (syntax.kind !== 'compare') throw new Error(`not a comparison: ${text}`)
  const { start: _, end: __, ...constant } = syntax.right
  return constant
}

t.test('constants', async t => {
  t.strictSame(right("'x'"), { kind: 'string', text: 'x' })
  t.strictSame(right('-1.5'), { kind: 'number', text: '-1.5' })
  t.strictSame(right('TRUE'), { kind: 'bool', value: true })
  t.strictSame(right('null'), { kind: 'null' })
  t.strictSame(right('$3'), { kind: 'param', index: 3 })
  t.strictSame(right('$3::bigint'), { kind: 'param', index: 3, cast: 'bigint' })
  t.strictSame(right('2024-1-31'), { kind: 'typed', type: 'date', text: '2024-01-31' })
  t.strictSame(right('2024/01/31'), { kind: 'typed', type: 'date', text: '2024-01-31' })
  t.strictSame(right('2024.01.31'), { kind: 'typed', type: 'date', text: '2024-01-31' })
  t.strictSame(right('2024-01-31 2:45'), { kind: 'typed', type: 'timestamp', text: '2024-01-31 02:45' })
  t.strictSame(right('2024-01-31T12:45:30.5'), { kind: 'typed', type: 'timestamp', text: '2024-01-31 12:45:30.5' })
  t.strictSame(right('2024-01-31 12:45:30+02'), { kind: 'typed', type: 'timestamptz', text: '2024-01-31 12:45:30+02' })
  t.strictSame(right("TIMESTAMP WITH TIME ZONE '2024-01-31'"), {
    kind: 'typed',
    type: 'timestamptz',
    text: '2024-01-31',
  })
  t.strictSame(right("'2024-01-31'::date"), { kind: 'typed', type: 'date', text: '2024-01-31' })
})

t.test('constants as drivers write them that put parameters into the text', async t => {
  t.strictSame(right("('x')"), { kind: 'string', text: 'x' })
  t.strictSame(right("('7'::int8)"), { kind: 'string', text: '7', cast: 'int8' })
  t.strictSame(right('((-7))::int4'), { kind: 'number', text: '-7', cast: 'int4' })
  const { ids } = parse("PREDICT a.c FOR a.b = ANY (('{1,2}'::int8[]))")
  t.match(ids, { kind: 'any', array: { kind: 'string', text: '{1,2}', cast: 'int8[]' } })
  t.match(target("a.x = ANY (('{1}'::int4[]))"), { kind: 'any', array: { cast: 'int4[]' } })
  t.throws(() => target('a.x = (1, 2)'), { code: '42601', hint: 'Write: a.x IN (1, 2)' })
  t.throws(() => target(`a.x = ${'('.repeat(100_000)}1`), { code: '54001' })
})

t.test('a double-quoted constant is a string, with a notice', async t => {
  const { notices } = parsePredict('PREDICT a.c = "x" FOR EACH a.b', { statement: true })
  t.match(notices, [{ severity: 'NOTICE', hint: "Write: 'x'" }])
  t.strictSame(right('"x"'), { kind: 'string', text: 'x' })
})

t.test('NOT binds before AND, AND before OR', async t => {
  t.match(target('NOT a.x = 1 AND a.y = 2 OR a.z = 3'), {
    kind: 'or',
    items: [
      { kind: 'and', items: [{ kind: 'not', item: { kind: 'compare' } }, { kind: 'compare' }] },
      { kind: 'compare' },
    ],
  })
  t.match(target('(a.x) > 1'), { kind: 'compare', op: '>' })
})

t.test('every predicate', async t => {
  t.match(target('a.x IS NOT NULL'), { kind: 'is', negated: true, value: 'null' })
  t.match(target('a.x is true'), { kind: 'is', negated: false, value: 'true' })
  t.match(target('a.x NOT IN (1)'), { kind: 'in', negated: true, items: { length: 1 } })
  t.match(target('a.x = ANY ($1)'), { kind: 'any', negated: false })
  t.match(target('a.x <> ALL ($1)'), { kind: 'any', negated: true })
  t.match(target('a.x NOT BETWEEN 1 AND 2 AND a.y = 3'), {
    kind: 'and',
    items: [{ kind: 'between', negated: true }, {}],
  })
  t.match(target("a.x NOT\nILIKE 'b%'"), { kind: 'match', negated: true, op: 'ILIKE' })
  t.match(target("a.x STARTS  WITH 'b'"), { kind: 'match', op: 'STARTS WITH' })
  t.match(target("a.x IS IN ('b')"), { kind: 'in', negated: false })
})

t.test('windows: default unit, any unit, intervals, an open start', async t => {
  const window = (text: string) => {
    const syntax = target(`COUNT(a.*, ${text})`)
    const { from, to } = syntax.kind === 'aggregate' ? syntax.window! : { from: null, to: null }
    return [from, to]
  }
  t.strictSame(window('0, 30'), [interval(0, 0, 0n), interval(0, 30, 0n)])
  t.strictSame(window('-INF, 0'), [null, interval(0, 0, 0n)])
  t.strictSame(window('-infinity, 1, Year'), [null, interval(12, 0, 0n)])
  t.strictSame(window('1, 2, week'), [interval(0, 7, 0n), interval(0, 14, 0n)])
  t.strictSame(window('0, 90, minutes'), [interval(0, 0, 0n), interval(0, 0, 5_400_000_000n)])
  t.strictSame(window("0, INTERVAL '1 mon 2 days'"), [interval(0, 0, 0n), interval(1, 2, 0n)])
})

t.test('no word is reserved as a name', async t => {
  const syntax = parse('PREDICT SUM(select.where VIA from WHERE order.limit = 1, 0, 3) AS as FOR EACH each.for')
  t.match(syntax.target, { column: { parts: [{ text: 'select' }, { text: 'where' }] }, via: { text: 'from' } })
  t.match(syntax, { alias: { text: 'as' }, entity: [{ parts: [{ text: 'each' }, { text: 'for' }] }] })
  t.match(parse('PREDICT not.null FOR for.key = 1').target, { kind: 'column' })
})

t.test('which rows', async t => {
  t.match(parse('PREDICT a.c FOR a.b = 1'), { each: false, ids: { kind: 'list', rows: [[{ text: '1' }]] } })
  t.match(parse('PREDICT a.c FOR a.b IN (1, $2)').ids, { rows: [[{ text: '1' }], [{ index: 2 }]] })
  t.match(parse("PREDICT a.c FOR a.(b, d) IN ((1, 'x'), (2, 'y'))").ids, { rows: { length: 2 } })
  t.match(parse('PREDICT a.c FOR a.(b, d) = (1, 2)').entity, { length: 2 })
  t.match(parse('PREDICT a.c FOR s.a.b = ANY($1)').ids, { kind: 'any', array: { index: 1 } })
  t.match(parse("PREDICT a.c FOR a.b IN (SELECT x # 2 FROM y WHERE z = ')') LIMIT 1").ids, {
    kind: 'query',
    sql: "SELECT x # 2 FROM y WHERE z = ')'",
  })
})

t.test('clauses come in any order', async t => {
  const clauses = [
    'WHERE a.x = 1',
    'ASSUMING COUNT(d.*, 0, 1) > 0',
    "AS OF now() - interval '1 day'",
    'WITH (mode = best, timing)',
  ]
  const shapes = new Set<string>()
  for (let turn = 0; turn < clauses.length; turn++) {
    const order = [...clauses.slice(turn), ...clauses.slice(0, turn)]
    const syntax = parse(`PREDICT a.c FOR EACH a.b ${order.join(' ')};`)
    t.match(syntax, {
      where: { kind: 'compare' },
      assuming: { kind: 'compare' },
      asOf: { sql: "now() - interval '1 day'" },
    })
    t.match(syntax.options, [
      { name: { text: 'mode' }, value: { text: 'best' } },
      { name: { text: 'timing' }, value: { value: true } },
    ])
    shapes.add(syntax.asOf.kind)
  }
  t.strictSame([...shapes], ['expression'])
})

t.test('AS OF: a constant, a parameter, an expression, each row its own', async t => {
  const asOf = (text: string) => parse(`PREDICT a.c FOR EACH a.b AS OF ${text} LIMIT 1`).asOf
  t.match(asOf("'2024-01-31'"), { kind: 'constant', value: { kind: 'string' } })
  t.match(asOf('2024-01-31'), { kind: 'constant', value: { kind: 'typed', type: 'date' } })
  t.match(asOf('$1'), { kind: 'constant', value: { index: 1 } })
  t.match(asOf('(SELECT max(t) FROM x WHERE y)'), { kind: 'expression', sql: '(SELECT max(t) FROM x WHERE y)' })
  t.match(asOf("'2024-01-31'::date + 3"), { kind: 'expression', sql: "'2024-01-31'::date + 3" })
  t.match(asOf('entity time'), { kind: 'entity time' })
})

t.test('the tail of a statement is kept as it was written', async t => {
  t.equal(parse('PREDICT a.c FOR EACH a.b').tail, null)
  const text = 'PREDICT a.c FOR EACH a.b ORDER BY  probability DESC  FETCH FIRST 3 ROWS WITH TIES ;'
  t.match(parse(text).tail, { sql: 'ORDER BY  probability DESC  FETCH FIRST 3 ROWS WITH TIES' })
  t.equal(parse('PREDICT a.c FOR EACH a.b LIMIT 3').tail?.sql, 'LIMIT 3')
})

t.test('spans give back what was written', async t => {
  const text = 'PREDICT COUNT(o.* WHERE o.x > 1, 0, 3) > 2 FOR EACH a.b'
  const syntax = parse(text)
  t.equal(text.slice(syntax.target.start, syntax.target.end), 'COUNT(o.* WHERE o.x > 1, 0, 3) > 2')
})
