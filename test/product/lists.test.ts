// Lists that no window bounds: array columns, and LIST_DISTINCT over undated rows. A list is predicted from what goes with it, a value of an
// array never from its own cell, a value of rows never from its own row. And lists as parts of other questions.

import t, { type Test } from 'tap'
import { startStage } from '../helpers/scene.js'
import { databaseOf, type ProductClient, startProduct } from '../helpers/service.js'

t.setTimeout(200_000)
const { server: postgres, url, direct: owner } = await startStage(t)
const noise = (...of: string[]) => `((abs(hashtext(${of.join(` || '-' || `)})) % 10007) / 10007.0)`
const WORDS = ['golf', 'food', 'books', 'films', 'music', 'chess']
// People are of three kinds, i % 3, which no column holds; jobs, likings and films follow it. Of every ninth the hobbies are not known.
await owner.query(`
  CREATE TYPE mood AS ENUM ('calm', 'glad', 'sad');
  CREATE TABLE people (id int PRIMARY KEY, job text NOT NULL, age int NOT NULL, hobbies text[], moods mood[]);
  CREATE TABLE films (film int PRIMARY KEY, title text NOT NULL);
  CREATE TABLE likes (person int NOT NULL REFERENCES people, film int NOT NULL REFERENCES films, stars int NOT NULL, PRIMARY KEY (person, film));
  CREATE TABLE notes (note_id int PRIMARY KEY, person int NOT NULL REFERENCES people, at timestamptz NOT NULL, tags text[] NOT NULL);
  INSERT INTO people SELECT i, 'job ' || CASE WHEN ${noise(`'j'`, 'i')} < 0.8 THEN i % 3 ELSE i % 7 END, 20 + i % 40,
      CASE WHEN i % 9 > 0 THEN ARRAY(SELECT w FROM unnest(ARRAY['${WORDS.join(`','`)}']) WITH ORDINALITY u (w, o)
        WHERE ${noise(`'h'`, 'i', 'w')} < CASE WHEN o % 3 = i % 3 THEN 0.85 ELSE 0.1 END) END,
      ARRAY[(enum_range(NULL::mood))[1 + i % 3]] FROM generate_series(1, 450) i;
  INSERT INTO films SELECT f, 'film ' || f FROM generate_series(1, 60) f;
  INSERT INTO likes SELECT i, f, 1 + f % 5 FROM generate_series(1, 450) i, generate_series(1, 60) f
    WHERE i % 10 > 0 AND ${noise(`'l'`, 'i', 'f')} < CASE WHEN f % 3 = i % 3 THEN 0.4 ELSE 0.04 END;
  INSERT INTO notes SELECT n, 1 + (n * 31) % 450, '2026-01-01'::timestamptz + n * interval '1 hour',
      ARRAY[CASE WHEN ${noise(`'t'`, 'n')} < 0.8 THEN 'kind ' || (1 + (n * 31) % 450) % 3 ELSE 'other' END, 'all'] FROM generate_series(1, 4000) n;
  ANALYZE`)
const product = await startProduct(postgres.url())
t.teardown(() => product.stop(0))

// biome-ignore lint/suspicious/noExplicitAny: rows are what the question makes them
type Row = any

async function client(t: Test): Promise<ProductClient> {
  const opened = await product.connect(databaseOf(url))
  t.teardown(() => opened.end())
  await opened.query(`SET predict.mode = 'fast'`)
  return opened
}

/** Share of the pairs, one that is so and one that is not, of which the first has the higher score. */
function auc(rows: readonly Row[], score: (row: Row) => number, is: (row: Row) => boolean): number {
  const [yes, no] = [rows.filter(is), rows.filter(row => !is(row))]
  let won = 0
  for (const a of yes) for (const b of no) won += score(a) > score(b) ? 1 : score(a) === score(b) ? 0.5 : 0
  return won / (yes.length * no.length)
}

t.test('an array column, where it is missing: a row for each value, and the likeliest in order', async t => {
  const session = await client(t)
  const missing = 'FOR people.id IN (SELECT id FROM people WHERE hobbies IS NULL)'
  const { rows, fields } = await session.query(`PREDICT people.hobbies CLASSIFY ${missing}`)
  t.strictSame(
    fields.map(f => [f.name, f.dataTypeID]),
    [
      ['id', 23],
      ['anchor_time', 1184],
      ['hobbies', 25],
      ['probability', 701],
      ['prediction', 16],
    ],
  )
  t.equal(rows.length, 50 * WORDS.length)
  const likes = ({ id, hobbies }: Row) => (1 + WORDS.indexOf(hobbies)) % 3 === id % 3
  const area = auc(rows, row => row.probability, likes)
  t.ok(area > 0.8, `${area}: what they like, note and feel goes with it`)
  t.ok(rows.every(row => row.prediction === row.probability > 0.5 && row.probability > 0 && row.probability < 1))
  const expected = rows.reduce((n, row) => n + row.probability, 0) / 50
  t.ok(Math.abs(expected - 2.1) < 0.2, `${expected} values each, where it is 2.1`)
  const ranked = await session.query(`PREDICT people.hobbies RANK TOP 2 ${missing}`)
  const best = rows.filter(row => row.id === 9).sort((a, b) => b.probability - a.probability)
  t.match(
    ranked.rows.filter(row => row.id === 9).map(row => [row.rank, row.hobbies, row.score]),
    best.slice(0, 2).map((row, i) => [i + 1, row.hobbies, row.probability]),
    'the same model, whichever way it is asked',
  )
})

t.test('a cell says nothing of itself: changed, it is answered as before; alone and among all alike', async t => {
  const session = await client(t)
  const ask = async (scope: string): Promise<Row[]> =>
    (await session.query(`PREDICT people.hobbies CLASSIFY ${scope}`)).rows
  const all = await ask('FOR EACH people.id')
  t.equal(all.length, 450 * WORDS.length)
  t.strictSame(
    await ask('FOR people.id = 17'),
    all.filter(row => row.id === 17),
  )
  await session.query('BEGIN')
  await session.query(`UPDATE people SET hobbies = '{chess}' WHERE id = 17`)
  t.strictSame(
    await ask('FOR people.id = 17'),
    all.filter(row => row.id === 17),
  )
  await session.query('ROLLBACK')
})

t.test(
  'rows without a time: each is told by the others, and what nobody has said yet by what goes together',
  async t => {
    const session = await client(t)
    const question = 'PREDICT LIST_DISTINCT(likes.film)'
    const { rows } = await session.query(`${question} CLASSIFY FOR EACH people.id`)
    t.equal(rows.length, 450 * 60)
    const has = new Set(
      (await owner.query('SELECT person, film FROM likes')).rows.map(row => `${row.person} ${row.film}`),
    )
    const fresh = rows.filter(row => row.id % 10 > 0 && !has.has(`${row.id} ${row.film}`))
    const area = auc(
      fresh.slice(0, 6000),
      row => row.probability,
      row => row.film % 3 === row.id % 3,
    )
    t.ok(area > 0.9, `films that nobody has said a person likes are told apart by kind: ${area}`)

    const before = rows.find(row => row.id === 7 && has.has(`7 ${row.film}`))
    await session.query('BEGIN')
    await session.query(`DELETE FROM likes WHERE person = 7 AND film = ${before.film}`)
    const after = await session.query(`${question} CLASSIFY FOR people.id = 7`)
    await session.query('ROLLBACK')
    t.equal(
      after.rows.find(row => row.film === before.film).probability,
      before.probability,
      'a row says nothing of itself',
    )

    const top = await session.query(`${question} RANK TOP 5 FOR people.id IN (7, 10)`)
    t.strictSame(
      top.rows.map(row => [row.id, row.rank]),
      [7, 10].flatMap(id => [1, 2, 3, 4, 5].map(rank => [id, rank])),
      'those who have said nothing are answered too',
    )
    const few = await session.query(
      `PREDICT LIST_DISTINCT(likes.film->title WHERE likes.stars > 3) RANK TOP 1 FOR people.id = 7`,
    )
    t.match(few.rows, [{ id: 7, rank: 1, title: /^film \d+$/ }], 'with a filter, and over a foreign key')
  },
)

t.test('lists of other types, of nobody, of too many values, of none', async t => {
  const session = await client(t)
  const moods = await session.query('PREDICT people.moods RANK TOP 1 FOR people.id IN (1, 2)')
  const { rows: types } = await owner.query(`SELECT 'mood'::regtype::oid::int AS oid`)
  t.equal(moods.fields[3]!.dataTypeID, types[0].oid, 'an enum is answered as one')
  t.equal((await session.query('PREDICT people.moods CLASSIFY FOR people.id = 9999')).rows.length, 0)
  t.equal(
    (await session.query('SELECT * FROM (PREDICT people.moods CLASSIFY FOR EACH people.id) p LIMIT 0')).rows.length,
    0,
  )
  await session.query('BEGIN')
  await session.query(`UPDATE people SET hobbies = ARRAY[md5(id::text), md5('x' || id), md5('y' || id)] WHERE id > 20`)
  await t.rejects(session.query('PREDICT people.hobbies CLASSIFY FOR people.id = 9'), {
    code: '22023',
    hint: /RANK TOP 10/,
  })
  await session.query('ROLLBACK')
  await session.query('BEGIN')
  await session.query(`UPDATE people SET hobbies = CASE WHEN id % 2 = 0 THEN '{}'::text[] END`)
  await t.rejects(session.query('PREDICT people.hobbies CLASSIFY FOR people.id = 9'), {
    code: 'PQ004',
    detail: /with a value/,
  })
  await session.query('ROLLBACK')
})

t.test('arrays of dated rows, and a list that is a condition', async t => {
  const session = await client(t)
  const tags = await session.query(
    'PREDICT LIST_DISTINCT(notes.tags, 0, 30, days) RANK TOP 2 FOR people.id IN (1, 2, 3)',
  )
  t.strictSame(
    tags.rows.map(row => row.tags).sort(),
    ['all', 'all', 'all', 'kind 0', 'kind 1', 'kind 2'],
    'what is always there, and what goes with the kind',
  )
  const contains = await session.query(
    `PREDICT LIST_DISTINCT(notes.tags, 0, 30, days) CONTAINS 'kind 1' FOR people.id IN (1, 2, 3)
     WHERE LIST_DISTINCT(notes.tags, -90, 0, days) CONTAINS 'all'`,
  )
  t.strictSame(
    contains.rows.map(row => row.prediction),
    [true, false, false],
  )
  const likes = await session.query('PREDICT LIST_DISTINCT(likes.film) CONTAINS 3 FOR EACH people.id')
  const area = auc(
    likes.rows,
    row => row.probability,
    row => row.id % 3 === 0,
  )
  t.ok(area > 0.7, `${area}: of those who are of its kind`)
})
