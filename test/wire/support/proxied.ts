// A Postgres and a proxy before it, in a line.

import type { Test } from 'tap'
import type { ProxyOptions } from '../../../src/wire/options.js'
import { createProxy, type RunningProxy } from '../../../src/wire/proxy.js'
import { startPostgres, type TestPostgres } from '../../helpers/postgres.js'
import { RawClient } from './raw-client.js'
import { type TestRewriter, testRewriter } from './rewriter.js'

export interface Proxied {
  readonly postgres: TestPostgres
  readonly proxy: RunningProxy
  readonly rewriter: TestRewriter
  readonly database: string
  /** Connection URL through the proxy. */
  readonly url: string
  /** A raw session through the proxy, ended with the test. */
  raw(t: Test): Promise<RawClient>
  /** A raw session past it. */
  direct(t: Test): Promise<RawClient>
}

/** Ended with the test. `options` change the proxy's. */
export async function proxied(t: Test, options: Partial<ProxyOptions> = {}, server?: TestPostgres): Promise<Proxied> {
  const postgres = server ?? (await startPostgres())
  const rewriter = testRewriter()
  const database = new URL(await postgres.createDatabase()).pathname.slice(1)
  const proxy = await createProxy({
    listen: { port: 0 },
    upstream: { host: postgres.host, port: postgres.port, tls: 'disable' },
    rewriter,
    ...options,
  })
  t.teardown(async () => {
    await proxy.close(0)
    if (server === undefined) await postgres.stop()
  })
  const session = async (t: Test, port: number) => {
    const client = await RawClient.connect(port, database)
    t.teardown(() => client.end())
    return client
  }
  return {
    postgres,
    proxy,
    rewriter,
    database,
    url: `postgres://postgres@127.0.0.1:${proxy.port}/${database}`,
    raw: t => session(t, proxy.port),
    direct: t => session(t, postgres.port),
  }
}
