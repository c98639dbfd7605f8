// What most tests of the whole product begin with: a database of their own, somebody past the proxy who fills it, and a client through it.

import type pg from 'pg'
import type { Test } from 'tap'
import { type ShopOptions, writeShop } from '../../src/demo/shop.js'
import { connect, startPostgres, type TestPostgres } from './postgres.js'
import { databaseOf, type Product, type ProductClient, startProduct } from './service.js'

export interface Stage {
  readonly server: TestPostgres
  /** Of the database, past the proxy. */
  readonly url: string
  /** The owner's session there. */
  readonly direct: pg.Client
}

export interface Scene extends Stage {
  readonly product: Product
  /** The owner's session through the proxy. */
  readonly client: ProductClient
}

/** An empty database; it and its session are gone when the test is. */
export async function startStage(t: Test): Promise<Stage> {
  const server = await startPostgres()
  t.teardown(() => server.stop())
  const url = await server.createDatabase()
  const direct = await connect(url)
  t.teardown(() => direct.end())
  return { server, url, direct }
}

/** The product before a stage that has been filled. */
export async function startScene(t: Test, stage: Stage): Promise<Scene> {
  const product = await startProduct(stage.server.url())
  t.teardown(() => product.stop(0))
  const client = await product.connect(databaseOf(stage.url))
  t.teardown(() => client.end())
  return { ...stage, product, client }
}

/** The product before a made-up shop whose last day is in March 2026. */
export async function startShop(t: Test, shop: Pick<ShopOptions, 'seed' | 'users'>): Promise<Scene> {
  const stage = await startStage(t)
  await writeShop(stage.direct, { now: new Date('2026-03-05T13:07:00Z'), ...shop })
  return startScene(t, stage)
}

/** Rows as arrays, through `client` unless another is named. */
export const valuesOf =
  (client: Pick<pg.Client, 'query'>) =>
  async (sql: string, params: unknown[] = [], on = client): Promise<unknown[][]> =>
    (await on.query({ text: sql, values: params, rowMode: 'array' })).rows

/** The tag of a command, whole, in the simple protocol or the extended one. */
export const tagsOf =
  (client: pg.Client) =>
  (sql: string, extended = false): Promise<string> =>
    new Promise((resolve, reject) => {
      const { connection } = client as unknown as { connection: NodeJS.EventEmitter }
      connection.once('commandComplete', ({ text }: { text: string }) => resolve(text))
      client.query(extended ? ({ text: sql, queryMode: 'extended' } as { text: string }) : sql).catch(reject)
    })
