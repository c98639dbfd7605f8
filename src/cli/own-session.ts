// A session of our own on the upstream, with the very access that a client's PREDICT has: a client of a private proxy, whose
// only statement is a pretext for borrowing the session.

import pg from 'pg'
import type { UpstreamServer } from '../config/upstream.js'
import type { Rewriter, Rewriting, Upstream } from '../rewrite/plan.js'
import { split } from '../rewrite/split.js'
import type { ProxyOptions } from '../wire/options.js'
import { createProxy } from '../wire/proxy.js'

/** Logs in with the credentials of the URL (or PGPASSWORD, or ~/.pgpass) and gives what `work` gives. Rejects when it cannot log in. */
export async function withOwnSession<T>(
  server: UpstreamServer,
  wire: ProxyOptions['upstream'],
  work: (upstream: Upstream) => Promise<T>,
): Promise<T> {
  let result: { readonly value: T } | undefined
  const rewriter: Rewriter = {
    mayConcern: () => true,
    split,
    async plan(_sql, _types, upstream) {
      result ??= { value: await work(upstream) }
      return null
    },
  }
  await withOwnClient(server, wire, { open: () => rewriter }, async client => {
    // with parameters it is one statement of the extended protocol
    await client.query('SELECT $1::int', [1])
  })
  return result!.value
}

/** A client that reaches the upstream as the proxy does: TLS, several hosts and login as the URL has them. */
export async function withOwnClient<T>(
  server: UpstreamServer,
  wire: ProxyOptions['upstream'],
  rewriter: Rewriting,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const proxy = await createProxy({ listen: { port: 0 }, upstream: wire, rewriter })
  const client = new pg.Client({
    host: proxy.host,
    port: proxy.port,
    user: server.user ?? undefined,
    password: server.password ?? undefined,
    database: server.database ?? undefined,
    application_name: 'pgpredict',
    connectionTimeoutMillis: 15_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end().catch(() => {})
    await proxy.close(0)
  }
}
