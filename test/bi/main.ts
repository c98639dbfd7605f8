// A real Apache Superset before the proxy: it takes the database in, syncs a view of predictions and a dataset of predict_rows(), charts
// both and filters on a probability; a headless Chromium looks at the charts. What is shown is compared with what the server gives for
// the same query over stored predictions. node --import tsx test/bi/main.ts INSTALLED PICTURES [RECORDED]

import { deepStrictEqual } from 'node:assert'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { connect } from '../helpers/postgres.js'
import { startBrowser } from './browser.js'
import { startRecorder, withoutOids } from './recorder.js'
import { SPEND, startShop } from './shop.js'
import { startSuperset } from './superset.js'
import { namesOfOids, write } from './traffic.js'

const [installed, pictures, recorded] = process.argv.slice(2)
if (!installed || !pictures) throw new Error('test/bi/main.ts INSTALLED PICTURES [RECORDED]')
await mkdir(pictures, { recursive: true })

const shop = await startShop(400)
const direct = await connect(shop.direct)
const recorder = await startRecorder(shop.port)
const superset = await startSuperset(installed)
const browser = await startBrowser(installed)
try {
  const { api } = superset
  recorder.phase('the database is registered')
  const uri = `postgresql+psycopg2://shop@127.0.0.1:${recorder.port}/shop`
  await api('/database/test_connection/', { database_name: 'shop', sqlalchemy_uri: uri })
  const registered = await api<{ id: number }>('/database/', {
    database_name: 'shop',
    sqlalchemy_uri: uri,
    expose_in_sqllab: true,
  })
  const db = registered.id
  recorder.phase('its tables are listed')
  await api(`/database/${db}/schemas/`)
  await api(`/database/${db}/tables/?q=(schema_name:public)`)
  await api(`/database/${db}/table_metadata/?name=churn&schema=public`)

  type Columns = { result: { columns: { column_name: string; type: string }[] } }
  const typesOf = async (id: number) =>
    (await api<Columns>(`/dataset/${id}`)).result.columns.map(({ column_name, type }) => `${column_name} ${type}`)
  const before = shop.inferences.length
  recorder.phase('the view is synced')
  const { id: view } = await api<{ id: number }>('/dataset/', { database: db, schema: 'public', table_name: 'churn' })
  deepStrictEqual(await typesOf(view), [
    'user_id BIGINT',
    'country TEXT',
    'channel SIGNUP_CHANNEL',
    'anchor_time TIMESTAMP WITH TIME ZONE',
    'churn BOOLEAN',
    'churn_probability DOUBLE PRECISION',
  ])
  deepStrictEqual(shop.inferences.length, before, 'no inference until now')
  console.log('the view: its columns have their types, without an inference')

  recorder.phase('a dataset of predict_rows() is synced')
  const sql = `SELECT * FROM predict_rows($$ ${SPEND} $$)`
  const made = await api<{ id: number }>('/dataset/', { database: db, schema: 'public', table_name: 'spend', sql })
  const spend = made.id
  deepStrictEqual(await typesOf(spend), [
    'user_id LONGINTEGER',
    'anchor_time DATETIMETZ',
    'spend FLOAT',
    'spend_lower FLOAT',
    'spend_upper FLOAT',
  ])
  for (const { entities } of shop.inferences.slice(before)) deepStrictEqual(entities, 1, 'a LIMIT 1 scores one')
  console.log('predict_rows(): its columns have their types; the probe has scored one row')

  const page = await browser.newPage({ viewport: { width: 1500, height: 950 } })
  await page.goto(`${superset.url}/login/`)
  await page.locator('#username').fill(superset.account.username)
  await page.locator('#password').fill(superset.account.password)
  await page.keyboard.press('Enter')
  await page.waitForURL(url => !url.pathname.startsWith('/login'))
  const look = async (name: string) => {
    await page.waitForLoadState('networkidle')
    await page.waitForTimeout(1500)
    await page.screenshot({ path: path.join(pictures, `${name}.png`) })
  }
  await page.goto(`${superset.url}/tablemodelview/list/`)
  await look('datasets')

  /** A table in the browser; its cells, row by row, against those of the server's own answer. */
  const chart = async (name: string, dataset: number, params: object, expected: string) => {
    recorder.phase(name)
    const { id } = await api<{ id: number }>('/chart/', {
      slice_name: name,
      viz_type: 'table',
      datasource_id: dataset,
      datasource_type: 'table',
      params: JSON.stringify({ viz_type: 'table', datasource: `${dataset}__table`, row_limit: 1000, ...params }),
    })
    await page.goto(`${superset.url}/explore/?slice_id=${id}`)
    await page.locator('table tbody tr td').first().waitFor({ timeout: 60_000 })
    await look(name.replaceAll(/\W+/g, '-'))
    const shown = (await page.locator('table tbody tr').allInnerTexts()).map(row =>
      row.split('\t').map(cell => cell.trim()),
    )
    const { rows } = await direct.query<[string, number]>({ text: expected, rowMode: 'array' })
    const wanted = rows.map(([key, value]) => [String(key), near(value)])
    deepStrictEqual(
      shown.map(([key, value]) => [key, near(Number(value.replaceAll(',', '')))]).slice(0, wanted.length),
      wanted,
      name,
    )
    console.log(`${name}: ${wanted.length} rows, as the server gives them`)
  }
  const metric = (aggregate: string, column: string) => ({
    expressionType: 'SIMPLE',
    column: { column_name: column },
    aggregate,
    label: `${aggregate}(${column})`,
  })
  await chart(
    'churn by country',
    view,
    { query_mode: 'aggregate', groupby: ['country'], metrics: [metric('AVG', 'churn_probability')], order_desc: true },
    'SELECT country, avg(churn_probability) FROM stored.churn GROUP BY 1 ORDER BY 2 DESC',
  )
  await chart(
    'spend of ten',
    spend,
    {
      query_mode: 'aggregate',
      groupby: ['user_id'],
      metrics: [metric('MAX', 'spend')],
      order_desc: true,
      row_limit: 10,
    },
    'SELECT user_id, spend FROM stored.spend ORDER BY 2 DESC LIMIT 10',
  )
  const filter = {
    expressionType: 'SIMPLE',
    subject: 'churn_probability',
    operator: '>',
    comparator: 0.5,
    clause: 'WHERE',
  }
  await chart(
    'likely to leave by country',
    view,
    {
      query_mode: 'aggregate',
      groupby: ['country'],
      metrics: [metric('COUNT', 'user_id')],
      adhoc_filters: [filter],
      order_desc: true,
      order_by_cols: [],
    },
    'SELECT country, count(*)::float8 FROM stored.churn WHERE churn_probability > 0.5 GROUP BY 1 ORDER BY 2 DESC, 1',
  ).catch(error => {
    console.log(String(error))
    process.exitCode = 1
  })

  recorder.phase('SQL Lab')
  const answer = await api<{ data: { user_id: number; churn_probability: number }[] }>('/sqllab/execute/', {
    database_id: db,
    schema: 'public',
    client_id: 'lab1',
    runAsync: false,
    queryLimit: 1000,
    sql: 'SELECT user_id, churn_probability FROM churn WHERE churn_probability > 0.5 ORDER BY 1',
  })
  const { rows } = await direct.query(
    'SELECT user_id::int, churn_probability FROM stored.churn WHERE churn_probability > 0.5 ORDER BY 1',
  )
  deepStrictEqual(answer.data, rows)
  console.log(`SQL Lab: ${rows.length} rows, as the server gives them`)
} finally {
  if (recorded) await writeFile(recorded, write(withoutOids(recorder.sessions(), await namesOfOids(direct))))
  await browser.close()
  await superset.stop()
  await recorder.stop()
  await direct.end()
  await shop.stop()
}

/** As many digits as a table shows. */
function near(value: number): string {
  return value.toPrecision(3)
}
