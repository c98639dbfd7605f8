// SCRAM and TLS: who can log in, by which legs are encrypted, whose certificate the proxy has, and what libpq thinks of channel binding.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import t from 'tap'
import { createProxy } from '../../src/wire/proxy.js'
import { startPostgres } from '../helpers/postgres.js'
import { makeCertificates } from './support/certificates.js'
import { testRewriter } from './support/rewriter.js'

const psql = '/usr/bin/psql'
const skip = existsSync(psql) ? false : `no ${psql}`
const [servers, others] = [await makeCertificates(), await makeCertificates()]
if (servers === null || others === null) t.bailout('openssl is needed for the tests of TLS')

const postgres = await startPostgres({
  hba: ['local all all trust', 'host all postgres 127.0.0.1/32 trust', 'host all ann 127.0.0.1/32 scram-sha-256'],
  ssl: { cert: servers!.cert, key: servers!.key },
})
t.teardown(() => postgres.stop())
await postgres.admin.query("CREATE ROLE ann LOGIN PASSWORD 'secret'")

type Leg = 'plain' | 'TLS'
const OWN_WORDS = /channel binding (is )?required/
const CHECK = /SCRAM channel binding check failed\nHINT: .*certificate.*channel_binding=disable/

/** Client's leg, server's leg, the proxy's certificate; then what channel_binding=disable, prefer and require give: null for a login. */
const matrix: readonly [Leg, Leg, 'same' | 'other', RegExp | null, RegExp | null, RegExp | null][] = [
  ['plain', 'plain', 'other', null, null, OWN_WORDS],
  ['plain', 'TLS', 'other', null, null, OWN_WORDS],
  ['plain', 'TLS', 'same', null, null, OWN_WORDS],
  ['TLS', 'plain', 'other', null, null, OWN_WORDS],
  ['TLS', 'plain', 'same', null, null, OWN_WORDS],
  ['TLS', 'TLS', 'same', null, null, null],
  ['TLS', 'TLS', 'other', null, CHECK, CHECK],
]

for (const [client, server, certificate, ...outcomes] of matrix) {
  t.test(
    `a client on ${client}, a server on ${server}, the proxy with ${certificate} certificate`,
    { skip },
    async t => {
      const { cert, key } = certificate === 'same' ? servers! : others!
      const proxy = await createProxy({
        listen: { port: 0 },
        upstream: { host: '127.0.0.1', port: postgres.port, tls: server === 'TLS' ? 'require' : 'disable' },
        tls: { cert, key },
        rewriter: testRewriter(),
      })
      t.teardown(() => proxy.close(0))
      for (const [i, binding] of ['disable', 'prefer', 'require'].entries()) {
        const conninfo = `host=127.0.0.1 port=${proxy.port} user=ann dbname=postgres channel_binding=${binding}`
        const sslmode = client === 'TLS' ? 'require' : 'disable'
        const login = promisify(execFile)(psql, ['-XAtc', 'PREDICT 2', `${conninfo} sslmode=${sslmode}`], {
          env: { PGPASSWORD: 'secret' },
        })
        const refusal = outcomes[i]
        if (refusal === null) t.equal((await login).stdout, '1\n2\n', binding)
        else
          t.match(
            await login.then(
              () => 'let in',
              error => error.stderr,
            ),
            refusal,
            binding,
          )
      }
    },
  )
}
