// Predictions come from the rows that the asking session may see at that moment, and from no others: policies, roles, grants,
// uncommitted rows, temporary tables.

import t, { type Test } from 'tap'
import { connect, startPostgres } from '../helpers/postgres.js'
import { databaseOf, type ProductClient, startProduct } from '../helpers/service.js'

const postgres = await startPostgres()
t.teardown(() => postgres.stop())
const product = await startProduct(postgres.url())
t.teardown(() => product.stop(0))

const stamp = `${process.pid}_${Math.trunc(performance.now())}`
const created: string[] = []
t.teardown(async () => {
  for (const name of created) await postgres.admin.query(`DROP OWNED BY ${name}; DROP ROLE ${name}`).catch(() => {})
})

async function role(name: string): Promise<string> {
  const full = `${name}_${stamp}`
  await postgres.admin.query(`CREATE ROLE ${full} LOGIN`)
  created.push(full)
  return full
}

/** Members of two clubs, who come in at their own rates; the clubs differ. `only` leaves one club. */
const clubs = (only?: string) => `
  CREATE TABLE members (id int PRIMARY KEY, club text NOT NULL, age int NOT NULL, joined timestamptz NOT NULL, secret int NOT NULL);
  CREATE TABLE visits (id int PRIMARY KEY, member int NOT NULL REFERENCES members, club text NOT NULL, at timestamptz NOT NULL, minutes int NOT NULL);
  CREATE TABLE payments (id int PRIMARY KEY, member int NOT NULL REFERENCES members, club text NOT NULL, at timestamptz NOT NULL, amount int NOT NULL);
  INSERT INTO members SELECT i, CASE WHEN i % 2 = 0 THEN 'east' ELSE 'west' END, 18 + (i * 7) % 60,
    '2024-12-01'::timestamptz + (i % 60) * interval '1 day', (i * 31) % 5 FROM generate_series(1, 160) i;
  INSERT INTO visits SELECT row_number() OVER (ORDER BY m.id, d), m.id, m.club, '2025-02-01'::timestamptz + d * interval '1 day' + m.id * interval '1 second', 20 + (m.id * d) % 70
    FROM members m, generate_series(0, 300) d
    WHERE abs(hashint4(m.id * 1009 + d)) % 1000 < CASE m.club WHEN 'east' THEN 15 + m.age * 2 ELSE 150 - m.age * 2 END;
  INSERT INTO payments SELECT row_number() OVER (ORDER BY m.id, d), m.id, m.club, '2025-02-01'::timestamptz + d * interval '10 days' + m.id * interval '1 second', (m.id * d) % 90
    FROM members m, generate_series(0, 30) d WHERE abs(hashint4(m.id * 77 + d)) % 10 < 4;
  ${only ? `DELETE FROM payments WHERE club <> '${only}'; DELETE FROM visits WHERE club <> '${only}'; DELETE FROM members WHERE club <> '${only}';` : ''}
  CREATE INDEX ON visits (member, at); CREATE INDEX ON payments (member, at); ANALYZE`

const question = (more = '') =>
  `PREDICT COUNT(visits.*, 0, 14, days) > 0 FOR EACH members.id AS OF '2025-11-20' WITH (mode = fast, context_size = 1200${more})`

type Answers = ReadonlyMap<number, number>

async function ask(client: ProductClient, pql = question()): Promise<Answers> {
  const { rows } = await client.query({ text: pql, rowMode: 'array' })
  return new Map(rows.map(row => [row[0], row.at(-1)]))
}

const far = (a: Answers, b: Answers): number =>
  a.size === b.size && a.size > 0
    ? Math.max(...[...a].map(([id, p]) => Math.abs(p - (b.get(id) ?? Number.NaN))))
    : Number.POSITIVE_INFINITY
const same = (t: Test, a: Answers, b: Answers, what: string) =>
  t.ok(far(a, b) <= 1e-5, `${what}: differs by ${far(a, b)}`)

async function database(sql: string, owner?: string): Promise<string> {
  const url = await postgres.createDatabase()
  const client = await connect(url)
  await client.query(sql)
  if (owner) await client.query(`GRANT ALL ON ALL TABLES IN SCHEMA public TO ${owner}`)
  await client.end()
  return databaseOf(url)
}

/** What a database that holds only this club's rows answers. */
async function alone(club: string): Promise<Answers> {
  const client = await product.connect(await database(clubs(club)))
  const answers = await ask(client)
  await client.end()
  return answers
}

const [east, west] = [await alone('east'), await alone('west')]
const policies = (using: string) =>
  ['members', 'visits', 'payments']
    .map(table => `ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON ${table} USING (${using})`)
    .join(';')

t.test('two roles with policies are answered from their own rows, in turn and at once', async t => {
  t.equal(east.size, 80)
  t.ok(new Set(east.values()).size > 20 && new Set(west.values()).size > 20)
  const [e, w] = [await role('east'), await role('west')]
  const name = await database(clubs())
  const owner = await connect(postgres.url(name))
  await owner.query(
    `${policies(`current_user = club || '_${stamp}'`)}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${e}, ${w}`,
  )
  const all = await product.connect(name)
  const everyone = await ask(all)
  t.equal(everyone.size, 160, 'the superuser is answered about everyone')
  const [one, two] = [await product.connect(name, e), await product.connect(name, w)]
  t.teardown(() => Promise.all([owner, all, one, two].map(client => client.end())))
  for (const turn of ['first', 'second']) {
    same(t, await ask(one), east, `east, ${turn} time`)
    same(t, await ask(two), west, `west, ${turn} time`)
    same(t, await ask(all), everyone, `everyone, ${turn} time`)
  }
  const [a, b, c] = await Promise.all([ask(one), ask(two), ask(all)])
  same(t, a!, east, 'east, at once')
  same(t, b!, west, 'west, at once')
  same(t, c!, everyone, 'everyone, at once')
  t.ok(far(east, new Map([...everyone].filter(([id]) => east.has(id)))) > 1e-3, 'other rows do make other answers')
})

t.test('a session that changes its tenant or role between two equal questions gets the other answers', async t => {
  const [app, e, w] = [await role('app'), await role('east2'), await role('west2')]
  const name = await database(clubs())
  const owner = await connect(postgres.url(name))
  await owner.query(
    `${policies(`club = current_setting('app.tenant', true) OR current_user = replace(club, 't', 't2') || '_${stamp}' OR (club = 'east' AND current_user = '${e}') OR (club = 'west' AND current_user = '${w}')`)};
     GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${app}, ${e}, ${w}; GRANT ${e}, ${w} TO ${app}`,
  )
  await owner.end()
  const client = await product.connect(name, app)
  t.teardown(() => client.end())
  for (const [set, expected] of [
    [`SET app.tenant = 'east'`, east],
    [`SET app.tenant = 'west'`, west],
    [`SET app.tenant = 'east'`, east],
    [`RESET app.tenant; SET ROLE ${w}`, west],
    [`SET ROLE ${e}`, east],
    [`RESET ROLE; SET SESSION AUTHORIZATION DEFAULT; SET app.tenant = 'west'`, west],
  ] as const) {
    await client.query(set)
    same(t, await ask(client), expected, set)
  }
  await client.query(`BEGIN; SET LOCAL app.tenant = 'east'`)
  same(t, await ask(client), east, 'SET LOCAL')
  await client.query('COMMIT')
  same(t, await ask(client), west, 'after its transaction')
  const named = { name: 'q', text: question(), rowMode: 'array' as const }
  await client.query(`SET app.tenant = 'east'`)
  await client.query(named)
  await client.query(`SET app.tenant = 'west'`)
  const { rows } = await client.query(named)
  same(t, new Map(rows.map(row => [row[0], row.at(-1)])), west, 'a prepared question')
})

t.test('rows that were never committed change no answer but those of their own transaction', async t => {
  const name = await database(clubs())
  const [writer, reader] = [await product.connect(name), await product.connect(name)]
  t.teardown(() => Promise.all([writer.end(), reader.end()]))
  const before = await ask(reader)
  await writer.query('BEGIN')
  await writer.query(
    `INSERT INTO visits SELECT 1000000 + i, 1 + i % 160, 'east', '2025-02-01'::timestamptz + (i % 290) * interval '1 day', 5 FROM generate_series(1, 10000) i`,
  )
  const inside = await ask(writer)
  t.ok(far(inside, before) > 1e-3, 'the transaction itself sees its rows')
  same(t, await ask(reader), before, 'another session, meanwhile')
  const stranger = await product.connect(name)
  same(t, await ask(stranger), before, 'a new session, meanwhile')
  await stranger.end()
  same(t, await ask(writer), inside, 'the same transaction, again')
  await writer.query('ROLLBACK')
  same(t, await ask(writer), before, 'after the rollback')
  same(t, await ask(reader), before, 'another session, after the rollback')
  await writer.query(`BEGIN; SAVEPOINT s; DELETE FROM visits WHERE member % 2 = 0; ROLLBACK TO s`)
  same(t, await ask(writer), before, 'after a savepoint was rolled back')
  await writer.query('COMMIT')
  same(t, await ask(reader), before, 'at last')
})

t.test('what was revoked is refused, what was never granted is not used', async t => {
  const [all, some] = [await role('all'), await role('some')]
  const name = await database(clubs(), all)
  const owner = await connect(postgres.url(name))
  await owner.query(`GRANT SELECT (id, age, joined) ON members TO ${some}; GRANT SELECT ON visits TO ${some}`)
  const [full, part] = [await product.connect(name, all), await product.connect(name, some)]
  t.teardown(() => Promise.all([owner, full, part].map(client => client.end())))
  const whole = await ask(full)
  const without = await ask(full, question(`, exclude = 'members.club, members.secret'`))
  const rest = await ask(part)
  t.equal(rest.size, 160)
  t.ok(far(rest, whole) > 1e-6, 'a role that sees less answers from less')

  const other = await database(
    `${clubs()}; DROP TABLE payments; ALTER TABLE members DROP COLUMN club, DROP COLUMN secret; ANALYZE`,
  )
  const small = await product.connect(other)
  same(t, rest, await ask(small), 'as if the rest did not exist')
  await small.end()
  t.ok(far(without, rest) > 0)

  await t.rejects(ask(part, 'PREDICT COUNT(payments.*, 0, 30, days) FOR EACH members.id'), { code: '42501' })
  await t.rejects(ask(part, question(`, exclude = 'members.secret'`)), { code: /^42(501|703)$/ })
  await t.rejects(ask(part, `PREDICT COUNT(visits.*, 0, 14, days) > 0 FOR EACH members.id WHERE members.secret = 1`), {
    code: '42501',
  })
  await owner.query(`REVOKE SELECT ON visits FROM ${all}`)
  await t.rejects(ask(full), { code: '42501' })
  await owner.query(`GRANT SELECT ON visits TO ${all}`)
  same(t, await ask(full), whole, 'granted again')
  const named = { name: 'q', text: question(), rowMode: 'array' as const }
  await full.query(named)
  await owner.query(`REVOKE SELECT ON members FROM ${all}`)
  await t.rejects(full.query(named), { code: '42501' }, 'a prepared question too')
})

t.test(
  'a temporary table, and a view with keys and links in its comment, stand before the tables they shadow',
  async t => {
    const name = await database(clubs())
    const [client, other] = [await product.connect(name), await product.connect(name)]
    t.teardown(() => Promise.all([client.end(), other.end()]))
    const before = await ask(other)
    same(t, await ask(client), before, 'before')
    await client.query(`CREATE TEMP TABLE visits AS SELECT * FROM public.visits WHERE member % 3 = 0;
    ALTER TABLE pg_temp.visits ADD PRIMARY KEY (id), ALTER at SET NOT NULL;
    COMMENT ON TABLE pg_temp.visits IS '@predict link(member -> public.members.id)'`)
    const shadowed = await ask(client)
    t.ok(far(shadowed, before) > 1e-3, 'the temporary table is read')
    same(t, await ask(other), before, 'another session')
    await client.query('DROP TABLE pg_temp.visits')
    same(t, await ask(client), before, 'when it is dropped')

    await client.query(`CREATE SCHEMA eastern; CREATE VIEW eastern.members AS SELECT * FROM public.members WHERE club = 'east';
    CREATE VIEW eastern.visits AS SELECT * FROM public.visits WHERE club = 'east';
    CREATE VIEW eastern.payments AS SELECT * FROM public.payments WHERE club = 'east';
    COMMENT ON VIEW eastern.members IS '@predict key(id)';
    COMMENT ON COLUMN eastern.members.joined IS '@predict time';
    COMMENT ON COLUMN eastern.visits.at IS '@predict time';
    COMMENT ON COLUMN eastern.payments.at IS '@predict time';
    COMMENT ON VIEW eastern.visits IS '@predict key(id) link(member -> eastern.members.id)';
    COMMENT ON VIEW eastern.payments IS '@predict key(id) link(member -> eastern.members.id)';
    SET search_path = eastern, public`)
    same(t, await ask(client), east, 'views of one club')
    await client.query('RESET search_path')
    same(t, await ask(client), before, 'without them')
  },
)
