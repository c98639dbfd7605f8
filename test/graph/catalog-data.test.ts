// The measuring databases: real schemas with the time columns a person would name. Only the first rows are needed.

import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import t from 'tap'
import { acceptProposals, nothingDeclared, proposeSchema } from '../../src/graph/catalog/index.js'
import { connect } from '../helpers/postgres.js'
import { arrows, database, names, time } from './catalog-setup.js'

const folder = [process.env.PGPREDICT_DATA ?? '', 'shared/data', '../shared/data'].find(
  dir => dir && existsSync(path.join(dir, 'f1')),
)

const expected: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  f1: {
    circuits: 'static',
    drivers: 'static',
    constructors: 'static',
    races: 'own date',
    results: 'own date',
    standings: 'own date',
    constructor_results: 'own date',
    constructor_standings: 'own date',
    qualifying: 'own date',
  },
  onlineretail: {
    products: 'static',
    customers: 'static',
    invoices: 'own invoicedate',
    invoice_lines: 'own invoicedate',
  },
  movielens: {
    users: 'static',
    movies: 'static',
    genres: 'static',
    movie_genres: 'static',
    ratings: 'own rated_at',
    tags: 'own tagged_at',
  },
  completejourney: {
    households: 'static',
    products: 'static',
    stores: 'static',
    campaigns: 'own start_date',
    campaign_households: 'own start_date',
    coupons: 'inherited campaigns',
    coupon_products: 'inherited coupons',
    coupon_redemptions: 'own redeemed_at',
    transactions: 'own ts',
    promotions: 'own week_start',
  },
  olist: {
    customers: 'static',
    sellers: 'static',
    products: 'static',
    orders: 'own purchased_at',
    order_items: 'own purchased_at',
    order_payments: 'inherited orders',
  },
}

/** Fills the tables of one data set, up to `limit` rows each; foreign keys are not checked. */
async function fill(url: string, set: string, limit: number): Promise<void> {
  const client = await connect(url)
  await client.query(readFileSync(path.join(set, 'schema.sql'), 'utf8'))
  await client.query('SET session_replication_role = replica')
  for (const file of readdirSync(set).filter(name => name.endsWith('.csv.gz') && !name.startsWith('test_'))) {
    const table = pg.escapeIdentifier(file.slice(0, -'.csv.gz'.length))
    const copy = client.query(copyFrom(`COPY ${table} FROM STDIN WITH (FORMAT csv, HEADER)`))
    const done = new Promise((resolve, reject) => copy.once('finish', resolve).once('error', reject))
    const text = createReadStream(path.join(set, file)).pipe(createGunzip())
    if (limit === Number.POSITIVE_INFINITY) {
      text.pipe(copy)
      await done
      continue
    }
    let [rows, quotes] = [0, 0]
    for await (const line of createInterface({ input: text })) {
      copy.write(`${line}\n`)
      // a row ends where its quotes are closed
      quotes += line.split('"').length - 1
      if (quotes % 2 === 0 && rows++ >= limit) break
    }
    copy.end()
    await done
  }
  await client.query('ANALYZE')
  await client.end()
}

for (const [name, times] of Object.entries(expected)) {
  t.test(
    `${name}: tables are dated as a person would date them`,
    { skip: folder ? false : 'the data sets are not here (PGPREDICT_DATA)' },
    async t => {
      const { url, load } = await database(t, '')
      await fill(url, path.join(folder!, name), 3000)
      const graph = await load()
      t.same(Object.fromEntries(graph.tables.map(table => [table.name, time(graph, table.name)])), times)
      t.same(graph.warnings, [])
    },
  )
}

t.test(
  'f1 and olist stripped of keys and links get all of them proposed, and no other',
  { skip: folder ? false : 'the data sets are not here (PGPREDICT_DATA)' },
  async t => {
    for (const name of ['f1', 'olist']) {
      const { url, owner, load } = await database(t, '')
      await fill(url, path.join(folder!, name), Number.POSITIVE_INFINITY)
      const whole = await load()
      t.same(await proposeSchema(owner, whole), [], `${name}: nothing is missing`)
      for (const table of whole.tables)
        await owner.run(
          `ALTER TABLE ${table.name} RENAME TO old; CREATE TABLE ${table.name} AS TABLE old; DROP TABLE old CASCADE; ANALYZE ${table.name}`,
        )
      const bare = await load()
      t.same(bare.links, [])
      const graph = await load(acceptProposals(nothingDeclared, await proposeSchema(owner, bare)))
      t.same(arrows(graph), arrows(whole))
      for (const { name, key } of whole.tables) {
        t.same(names(graph.tables.find(table => table.name === name)!.key), names(key), name)
        t.equal(time(graph, name), time(whole, name), name)
      }
    }
  },
)
