// `pgpredict init` and `pgpredict uninstall`: the optional schema `predict` in a database. Its SQL is in the folder sql/, two folders up
// from sources and from compiled files alike.

import { readFileSync } from 'node:fs'
import pg from 'pg'
import { ConfigError } from '../config/error.js'
import type { UpstreamServer } from '../config/upstream.js'
import type { Rewriter } from '../rewrite/plan.js'
import { formatMessage, type ServerMessage } from './message.js'
import { withOwnClient } from './own-session.js'
import { describe, type Output } from './sql.js'
import { upstreamChoice } from './upstream-choice.js'
import { version } from './version.js'

const read = (name: string): string => readFileSync(new URL(`../../sql/${name}.sql`, import.meta.url), 'utf8')

/** Nothing that these sessions say is a PREDICT. */
const silent: Rewriter = { mayConcern: () => false, split: () => [], plan: async () => null }

const EXISTS = `SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'predict')`

/** Makes the schema, or brings it up to date. Gives the exit status: 0, 1 where the server refuses, 2 without a connection. */
export const init = (upstream: UpstreamServer, output: Output): Promise<number> =>
  run(
    upstream,
    'init',
    output,
    existed =>
      `The schema predict is ${existed ? 'up to date' : 'in place'}, of pgpredict ${version}: SELECT * FROM predict.predictions`,
  )

/** Takes the schema away; content where there is none. Exit status as for `init`. */
export const uninstall = (upstream: UpstreamServer, output: Output): Promise<number> =>
  run(upstream, 'uninstall', output, existed =>
    existed ? 'The schema predict is gone. PREDICT works as before.' : 'There is no schema predict.',
  )

async function run(
  upstream: UpstreamServer,
  script: 'init' | 'uninstall',
  { out, err }: Output,
  told: (existed: boolean) => string,
): Promise<number> {
  if (!upstream.user || !upstream.database)
    throw new ConfigError(
      'the URL names no user or no database',
      `pgpredict ${script} --url postgres://user@host:5432/database`,
    )
  try {
    const existed = await withOwnClient(
      upstream,
      await upstreamChoice(upstream),
      { open: () => silent },
      async client => {
        const { rows } = await client.query<[boolean]>({ text: EXISTS, rowMode: 'array' })
        await client.query(read(script))
        return rows[0]![0]
      },
    )
    out(told(existed))
    return 0
  } catch (error) {
    const refused = error instanceof pg.DatabaseError && !/^(08|28|3D|57P)/.test(error.code ?? '')
    err(refused ? formatMessage(error as ServerMessage) : `could not connect: ${describe(error)}`)
    return refused ? 1 : 2
  }
}
