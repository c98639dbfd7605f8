import t, { type Test } from 'tap'
import { writeShop } from '../../src/demo/shop.js'
import {
  acceptProposals,
  commentLines,
  constraintLines,
  type Graph,
  loadGraph,
  nothingDeclared,
  type ProposedTable,
  proposeSchema,
  tomlLines,
} from '../../src/graph/catalog/index.js'
import { connect } from '../helpers/postgres.js'
import { arrows, database, names, table, time } from './catalog-setup.js'

/** All that a prediction depends on: keys, links, times, and the order of tables and links. */
const meaning = (graph: Graph) => ({
  tables: graph.tables.map(({ name, key }) => [name, names(key), time(graph, name)]),
  links: graph.links.map(({ from, columns, to, toColumns }) => [from.name, names(columns), to.name, names(toColumns)]),
})

/** Every constraint of the schema and every index, as someone who copies tables without them loses them. */
const dropAll = `
DO $$ DECLARE line text; BEGIN
  FOR line IN SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname) FROM pg_constraint
     WHERE contype = 'f' AND connamespace = 'public'::regnamespace LOOP EXECUTE line; END LOOP;
  FOR line IN SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname) FROM pg_constraint
     WHERE contype IN ('p', 'u', 'c') AND connamespace = 'public'::regnamespace LOOP EXECUTE line; END LOOP;
  FOR line IN SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index JOIN pg_class c ON c.oid = indrelid
     WHERE c.relnamespace = 'public'::regnamespace LOOP EXECUTE line; END LOOP;
END $$;`
const dropNotNull = `
DO $$ DECLARE line text; BEGIN
  FOR line IN SELECT format('ALTER TABLE %s ALTER COLUMN %I DROP IDENTITY IF EXISTS', attrelid::regclass, attname) FROM pg_attribute
     WHERE attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace) AND attidentity <> ''
     LOOP EXECUTE line; END LOOP;
  FOR line IN SELECT format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL', attrelid::regclass, attname) FROM pg_attribute
     WHERE attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)
       AND attnum > 0 AND attnotnull LOOP EXECUTE line; END LOOP;
END $$;`

async function shop(t: Test) {
  const made = await database(t, '')
  const client = await connect(made.url)
  await writeShop(client, { seed: 7, now: new Date('2026-01-01T00:00:00Z'), users: 300 })
  await client.end()
  return made
}

const everyLink = [
  'notifications(user_id) -> users(user_id)',
  'order_items(order_id) -> orders(order_id)',
  'order_items(product_id) -> products(product_id)',
  'orders(session_id) -> sessions(session_id)',
  'orders(user_id) -> users(user_id)',
  'reviews(product_id) -> products(product_id)',
  'reviews(user_id) -> users(user_id)',
  'sessions(user_id) -> users(user_id)',
]

t.test(
  'the shop without its constraints: each lost key and link is proposed, and pasting them restores the graph',
  async t => {
    for (const [what, drop] of [
      ['constraints', dropAll],
      ['constraints and NOT NULL', dropAll + dropNotNull],
    ] as const)
      await t.test(`${what} dropped`, async t => {
        const { owner, load } = await shop(t)
        const whole = meaning(await load())
        t.same(arrows(await load()), everyLink)
        t.same(await proposeSchema(owner, await load()), [], 'nothing is proposed where nothing is lost')
        await owner.run(drop)
        const bare = await load()
        t.same(bare.links, [])
        const proposals = await proposeSchema(owner, bare)
        t.same(proposals.map(({ table, key }) => `${table.name}(${names(key!.columns)})`).sort(), [
          'notifications(notification_id)',
          'order_items(order_item_id)',
          'orders(order_id)',
          'products(product_id)',
          'reviews(review_id)',
          'sessions(session_id)',
          'users(user_id)',
        ])
        t.match(proposals[0].key!.evidence, /^unique in all \d+ rows$/)

        t.same(meaning(await load(acceptProposals(nothingDeclared, proposals))), whole, 'accepted as they are')
        for (const line of commentLines(proposals)) await owner.run(line)
        const commented = await load()
        t.same(meaning(commented), whole, 'as comments')
        t.same(commented.warnings, [])
        t.same(await proposeSchema(owner, commented), [])
        for (const { table } of proposals) await owner.run(`COMMENT ON TABLE ${table.name} IS NULL`)
        for (const line of constraintLines(proposals)) await owner.run(line)
        t.same(meaning(await load()), whole, 'as constraints')
      })
  },
)

const lines = (proposals: readonly ProposedTable[]) => [...constraintLines(proposals)].sort()
const numbers = (n: number, from = 1) => `generate_series(${from}, ${n}) i`

t.test('small numbers are contained in every key: without a fitting name they prove nothing', async t => {
  const { owner, load } = await database(
    t,
    `CREATE TABLE users (id int PRIMARY KEY); INSERT INTO users SELECT i FROM ${numbers(100)};
     CREATE TABLE genres (id int PRIMARY KEY, genre_name text); INSERT INTO genres SELECT i FROM ${numbers(50)};
     CREATE TABLE orders (id int PRIMARY KEY, user_id int, quantity int, rating int, age int, year int, status_id int, "position" int);
     INSERT INTO orders SELECT i, 1 + i % 100, 1 + i % 9, 1 + i % 5, 18 + i % 60, 1 + i % 20, 1 + i % 12, i FROM ${numbers(500)}`,
  )
  t.same(lines(await proposeSchema(owner, await load())), [
    'ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id);',
  ])
})

t.test('keys that count from one are not tied together by a name that every table gives its key', async t => {
  const { owner, load } = await database(
    t,
    `CREATE TABLE teams (row_id int PRIMARY KEY); INSERT INTO teams SELECT i FROM ${numbers(90)};
     CREATE TABLE games (row_id int PRIMARY KEY, team_row_id int); INSERT INTO games SELECT i, 1 + i % 90 FROM ${numbers(80)};
     CREATE TABLE goals (row_id int PRIMARY KEY, games_row_id int); INSERT INTO goals SELECT i, 1 + i % 70 FROM ${numbers(70)}`,
  )
  t.same(lines(await proposeSchema(owner, await load())), [
    'ALTER TABLE games ADD FOREIGN KEY (team_row_id) REFERENCES teams (row_id);',
    'ALTER TABLE goals ADD FOREIGN KEY (games_row_id) REFERENCES games (row_id);',
  ])
})

t.test('a name that ends in another table is of that one, and not of its own', async t => {
  const { owner, load } = await database(
    t,
    `CREATE TABLE staff (staff_id int PRIMARY KEY); INSERT INTO staff SELECT i FROM ${numbers(20)};
     CREATE TABLE store (store_id int PRIMARY KEY, manager_staff_id int); INSERT INTO store SELECT i, i FROM ${numbers(20)}`,
  )
  t.same(lines(await proposeSchema(owner, await load())), [
    'ALTER TABLE store ADD FOREIGN KEY (manager_staff_id) REFERENCES staff (staff_id);',
  ])
})

t.test('names rank what the rows allow: exact, prefixed, abbreviated, to itself', async t => {
  const { owner, load } = await database(
    t,
    `CREATE TABLE users (user_id int PRIMARY KEY); INSERT INTO users SELECT i FROM ${numbers(100)};
     CREATE TABLE user_profiles (user_id int PRIMARY KEY); INSERT INTO user_profiles SELECT i FROM ${numbers(90)};
     CREATE TABLE customers (customer_no int PRIMARY KEY); INSERT INTO customers SELECT i FROM ${numbers(100)};
     CREATE TABLE "Categories" (id int PRIMARY KEY, parent_id int); INSERT INTO "Categories" SELECT i, nullif(i / 2, 0) FROM ${numbers(60)};
     CREATE TABLE deals (id int PRIMARY KEY, owner_user_id int, cust_no int, category int, broken_user_id int);
     INSERT INTO deals SELECT i, 1 + i % 90, 1 + i % 80, 1 + i % 50, i FROM ${numbers(300)}`,
  )
  t.same(lines(await proposeSchema(owner, await load())), [
    'ALTER TABLE "Categories" ADD FOREIGN KEY (parent_id) REFERENCES "Categories" (id);',
    'ALTER TABLE deals ADD FOREIGN KEY (category) REFERENCES "Categories" (id);',
    'ALTER TABLE deals ADD FOREIGN KEY (cust_no) REFERENCES customers (customer_no);',
    'ALTER TABLE deals ADD FOREIGN KEY (owner_user_id) REFERENCES users (user_id);',
    'ALTER TABLE user_profiles ADD FOREIGN KEY (user_id) REFERENCES users (user_id);',
  ])
})

t.test('uuids and telling texts need no name; one in a hundred may be astray, and the line still runs', async t => {
  const { owner, load } = await database(
    t,
    `CREATE TABLE devices (serial uuid PRIMARY KEY); INSERT INTO devices SELECT md5(i::text)::uuid FROM ${numbers(400)};
     CREATE TABLE shops (code text PRIMARY KEY); INSERT INTO shops SELECT 'shop-' || i FROM ${numbers(100)};
     CREATE TABLE readings (id int PRIMARY KEY, source uuid, place text, mostly text, wrong text);
     INSERT INTO readings SELECT i, md5((1 + i % 400)::text)::uuid, 'shop-' || 1 + i % 100,
       CASE WHEN i = 7 THEN 'lost' ELSE 'shop-' || 1 + i % 100 END, CASE WHEN i % 9 = 0 THEN 'lost' || i ELSE 'shop-' || i % 100 END FROM ${numbers(900)}`,
  )
  const proposals = await proposeSchema(owner, await load())
  t.same(lines(proposals), [
    'ALTER TABLE readings ADD FOREIGN KEY (mostly) REFERENCES shops (code) NOT VALID;',
    'ALTER TABLE readings ADD FOREIGN KEY (place) REFERENCES shops (code);',
    'ALTER TABLE readings ADD FOREIGN KEY (source) REFERENCES devices (serial);',
  ])
  t.equal(
    proposals[0].links.find(({ columns }) => columns[0].name === 'mostly')!.evidence,
    '100 of 101 distinct values found',
  )
  for (const line of constraintLines(proposals)) await owner.run(line)
})

t.test(
  'a table that only joins others gets a key of two columns, and composite keys are found by their names',
  async t => {
    const { owner, load } = await database(
      t,
      `CREATE TABLE films (film_id int); INSERT INTO films SELECT i FROM ${numbers(50)};
     CREATE TABLE actors (actor_id int); INSERT INTO actors SELECT i FROM ${numbers(40)};
     CREATE TABLE film_actors (film_id int, actor_id int); INSERT INTO film_actors SELECT i % 50 + 1, i % 40 + 1 FROM ${numbers(200)};
     CREATE TABLE film_reels (film_id int, line_no int, length int); INSERT INTO film_reels SELECT i % 50 + 1, i / 50, 3 FROM ${numbers(199, 0)};
     CREATE TABLE splices (film_id int, line_no int, note text, at timestamptz);
     INSERT INTO splices SELECT i % 50 + 1, i / 50, '', now() FROM ${numbers(150)}`,
    )
    t.same(arrows(await load(acceptProposals(nothingDeclared, await proposeSchema(owner, await load())))), [
      'film_actors(actor_id) -> actors(actor_id)',
      'film_actors(film_id) -> films(film_id)',
      'film_reels(film_id) -> films(film_id)',
      'splices(film_id) -> films(film_id)',
    ])
    const proposals = await proposeSchema(owner, await load())
    const key = (name: string) => names(proposals.find(({ table }) => table.name === name)!.key?.columns ?? null)
    t.same(key('film_actors'), ['film_id', 'actor_id'])
    t.same(key('film_reels'), ['film_id', 'line_no'])
    for (const line of constraintLines(proposals)) await owner.run(line)
    t.same(lines(await proposeSchema(owner, await load())), [
      'ALTER TABLE splices ADD FOREIGN KEY (film_id, line_no) REFERENCES film_reels (film_id, line_no);',
    ])
  },
)

t.test('a comment that is there already is kept, and odd names survive every form', async t => {
  const { owner, load } = await database(
    t,
    `CREATE TABLE "Odd ""Table""" ("The Id" int, "at" timestamptz); INSERT INTO "Odd ""Table""" SELECT i, now() FROM ${numbers(30)};
     COMMENT ON TABLE "Odd ""Table""" IS 'it''s C:\\odd. @predict exclude("at")';
     CREATE SCHEMA "s.s"; CREATE TABLE "s.s"."select" (id int PRIMARY KEY, "The Id" int); INSERT INTO "s.s"."select" SELECT i, i FROM ${numbers(30)}`,
  )
  const proposals = await proposeSchema(owner, await load())
  t.same(commentLines(proposals).toSorted(), [
    `COMMENT ON TABLE "Odd ""Table""" IS E'it''s C:\\\\odd. @predict exclude("at") @predict key("The Id")';`,
    `COMMENT ON TABLE "s.s"."select" IS '@predict link("The Id" -> "Odd ""Table"""."The Id")';`,
  ])
  t.same(tomlLines(proposals.filter(({ table }) => table.name === 'select')), [
    '[tables."\\"s.s\\".\\"select\\""]',
    'links = ["\\"The Id\\" -> \\"Odd \\"\\"Table\\"\\"\\".\\"The Id\\""]',
  ])
  t.equal((await load(acceptProposals(nothingDeclared, proposals))).links.length, 1)
  for (const line of commentLines(proposals)) await owner.run(line)
  const graph = await load()
  t.same(names(table(graph, 'Odd "Table"').key), ['The Id'])
  t.equal(graph.links.length, 1)
  t.same(graph.warnings, [])
})

t.test('without rows, with repeated or missing values, nothing is proposed', async t => {
  const { owner } = await database(
    t,
    `CREATE TABLE empty (id int, user_id int);
     CREATE TABLE repeated (id int, at timestamptz); INSERT INTO repeated SELECT i % 20, now() FROM ${numbers(100)};
     CREATE TABLE holes (id int); INSERT INTO holes SELECT nullif(i, 5) FROM ${numbers(50)};
     CREATE TABLE wide (x text); INSERT INTO wide SELECT repeat('x', 100) || i FROM ${numbers(50)};
     CREATE TABLE late_twin (id int); INSERT INTO late_twin SELECT i FROM ${numbers(20000)}; INSERT INTO late_twin VALUES (19999)`,
  )
  t.same(await proposeSchema(owner, await loadGraph(owner, { declared: nothingDeclared })), [])
})
