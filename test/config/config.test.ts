import { writeFileSync } from 'node:fs'
import path from 'node:path'
import t, { type Test } from 'tap'
import { describeConfig, type Flags, loadConfig } from '../../src/config/config.js'
import { ConfigError } from '../../src/config/error.js'
import { maskUrl } from '../../src/config/mask.js'

/** Loads with `toml` as the file. */
function load(t: Test, toml: string, flags: Flags = {}, env: NodeJS.ProcessEnv = {}) {
  const config = path.join(t.testdir({}), 'pgpredict.toml')
  writeFileSync(config, toml)
  return loadConfig({ config, ...flags }, env)
}

const upstream = 'upstream = "postgres://app@db.example/shop"\n'

t.test('a flag wins over the environment, that over the file, that over the default', async t => {
  const toml = `listen = "127.0.0.1:1"\n${upstream}`
  t.equal(load(t, toml, { listen: ':3' }, { PGPREDICT_LISTEN: ':2' }).listen.port, 3)
  t.equal(load(t, toml, {}, { PGPREDICT_LISTEN: ':2' }).listen.port, 2)
  t.equal(load(t, toml).listen.port, 1)
  t.same(load(t, upstream).listen, { host: '127.0.0.1', port: 6543 })
  t.equal(load(t, toml, {}, { DATABASE_URL: 'postgres://other/x' }).upstream.hosts[0]!.host, 'other')
  t.equal(
    load(t, toml, {}, { DATABASE_URL: 'postgres://other/x', PGPREDICT_UPSTREAM: 'postgres://third/x' }).upstream
      .hosts[0]!.host,
    'third',
  )
  t.equal(load(t, `listen = 7000\n${upstream}`).listen.port, 7000)
})

t.test('without an upstream it says what to type', async t => {
  t.throws(() => loadConfig({}, {}), { message: 'no upstream database', hint: /pgpredict --upstream postgres/ })
})

t.test('tables, columns and links are read as the graph takes them', async t => {
  const { schema, inferLinks } = load(
    t,
    `${upstream}infer_links = true
[tables.orders]
time = "created_at"
key = ["region", "number"]
exclude = "internal_note"
[tables.sales.invoices]
end = "closed_at"
[tables."Order Items"]
class = ["size"]
notnull = ["at"]
links = ["owner -> people.id"]
[links]
"payments.cust_no" = "customers.customer_no"
"sales.lines.(a, b)" = "sales.orders.(a, b)"
`,
  )
  t.same(schema.tables, [
    { table: 'orders', time: 'created_at', key: ['region', 'number'], exclude: ['internal_note'] },
    { table: 'sales.invoices', end: 'closed_at' },
    { table: 'Order Items', class: ['size'], notnull: ['at'], links: ['owner -> people.id'] },
    { table: 'payments', links: ['cust_no -> customers.customer_no'] },
    { table: 'sales.lines', links: ['(a, b) -> sales.orders.(a, b)'] },
  ])
  t.equal(inferLinks, true)
})

t.test('an unknown key is refused with the nearest one that exists', async t => {
  const cases: [string, RegExp, RegExp][] = [
    ['listne = "x"', /unknown key listne/, /did you mean listen\?/],
    ['[tables.orders]\ntime_column = "x"', /unknown key tables\.orders\.time_column/, /time/],
    ['[tables.orders]\nexlude = ["x"]', /unknown key tables\.orders\.exlude/, /did you mean tables\.orders\.exclude\?/],
    ['[tls]\ncertificate = "x"', /unknown key tls\.certificate/, /cert/],
  ]
  for (const [toml, message, hint] of cases) t.throws(() => load(t, `${upstream}${toml}\n`), { message, hint })
})

t.test('a value of the wrong kind is refused where it stands', async t => {
  const cases: [string, RegExp][] = [
    ['infer_links = "yes"', /pgpredict\.toml: infer_links must be true or false/],
    ['[tables.orders]\ntime = 3', /tables\.orders\.time must be a string/],
    ['[tables.orders]\nkey = [1]', /tables\.orders\.key must be a list of strings/],
    ['[links]\npayments = "customers.customer_no"', /links\."payments" must be written "table\.column"/],
    ['[tables]\norders = "created_at"', /tables\.orders must be a table of facts/],
    ['listen = "nowhere"', /pgpredict\.toml: listen: "nowhere" is no address/],
    ['log_level = "loud"', /log_level: "loud" is no log level/],
    ['this is not toml', /pgpredict\.toml, line 2: /],
  ]
  for (const [toml, message] of cases) t.throws(() => load(t, `${upstream}${toml}\n`), { message })
  t.throws(() => load(t, upstream, { tlsCert: '/nowhere.pem' }), {
    message: /--tls-cert is set without its other half/,
  })
  t.throws(() => load(t, upstream, { tlsCert: '/nowhere.pem', tlsKey: '/nowhere.key' }), {
    message: /there is no file/,
  })
  t.throws(() => load(t, upstream, {}, { PGPREDICT_INFER_LINKS: 'maybe' }), { message: /neither on nor off/ })
})

t.test('the upstream URL is read as libpq reads it', async t => {
  const of = (url: string, env: NodeJS.ProcessEnv = {}) => load(t, '', { upstream: url }, env).upstream
  t.match(of('postgresql://ann:p%40ss@db:5433/sales?sslmode=require'), {
    hosts: [{ host: 'db', port: 5433 }],
    user: 'ann',
    password: 'p@ss',
    database: 'sales',
    sslMode: 'require',
    sslRootCert: null,
  })
  t.match(of('postgres:///shop?host=/var/run/postgresql'), {
    hosts: [{ host: '/var/run/postgresql', port: 5432 }],
    database: 'shop',
    user: null,
  })
  t.match(of('postgres://%2Fvar%2Frun/shop'), { hosts: [{ host: '/var/run' }] })
  t.match(of('postgres://[::1]:5440/'), { hosts: [{ host: '::1', port: 5440 }], database: null })
  t.match(of('postgres://db/x?application_name=report'), { hosts: [{ host: 'db' }] })
  t.match(of('postgres://db/x', { PGSSLMODE: 'verify-full', PGUSER: 'bob' }), { sslMode: 'verify-full', user: 'bob' })
  t.match(
    of('postgres://a:1,b,[::1]:3/x?target_session_attrs=read-write&load_balance_hosts=random&connect_timeout=3'),
    {
      hosts: [
        { host: 'a', port: 1 },
        { host: 'b', port: 5432 },
        { host: '::1', port: 3 },
      ],
      sessionAttrs: 'read-write',
      balance: true,
      connectTimeout: 3,
    },
  )
  t.match(of('postgres:///x?host=a,b&port=7'), {
    hosts: [
      { host: 'a', port: 7 },
      { host: 'b', port: 7 },
    ],
  })
  const bad: [string, RegExp][] = [
    ['mysql://db/x', /is no connection URL/],
    ['postgres://a,b/x?port=1,2,3', /2 hosts, but 3 ports/],
    ['postgres://a,b:0/x', /"0" is no port/],
    ['postgres://a,b/x?target_session_attrs=master', /"master" is no target_session_attrs/],
    ['postgres://db/x?sslcert=package.json', /sslcert and sslkey go together/],
    ['postgres://db/x?sslmode=always', /"always" is no sslmode/],
    ['postgres://db/x?sslmod=require', /unknown parameter "sslmod"/],
    ['postgres://db/x?sslrootcert=/nowhere.pem', /there is no file/],
  ]
  for (const [url, message] of bad) t.throws(() => of(url), { message })
})

t.test('no error and no description shows a password', async t => {
  const secret = 'hunter2'
  const urls = [`postgres://ann:${secret}@db/x`, `postgres://db/x?user=ann&password=${secret}`]
  for (const url of urls) {
    t.notMatch(maskUrl(url), secret)
    const config = load(t, '', { upstream: url })
    t.equal(config.upstream.password, secret)
    t.notMatch(describeConfig(config), secret)
  }
  for (const url of [
    `mysql://ann:${secret}@db/x`,
    `postgres://ann:${secret}@a,b:0/x`,
    `postgres://ann:${secret}%zz@db/x`,
  ]) {
    try {
      load(t, '', { upstream: url })
      t.fail('refused')
    } catch (error) {
      t.ok(error instanceof ConfigError)
      t.notMatch((error as ConfigError).message, secret)
    }
  }
})

t.test('the settings in force, printed, are a file that says the same', async t => {
  const config = load(t, `${upstream}infer_links = true\n[tables.orders]\ntime = "created_at"\nexclude = ["a", "b"]\n`)
  t.same({ ...load(t, describeConfig(config)), file: null }, { ...config, file: null })
})
