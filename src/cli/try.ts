// Whether statements work here, before anybody is told to type them.

import pg from 'pg'
import type { Notice } from '../pg-error.js'
import { progressCode } from '../rewrite/progress.js'

export interface Attempt {
  /** What the server remarked, each remark once. */
  readonly notices: readonly Notice[]
  /** Each statement gave rows that differ in what they predict. */
  readonly varied: boolean
}

/** null unless the server at `url` answers every statement with rows, within twenty seconds each. */
export async function attempt(
  url: string,
  password: string | null,
  statements: readonly string[],
): Promise<Attempt | null> {
  const notices = new Map<string, Notice>()
  const client = new pg.Client({
    connectionString: url,
    password: password ?? undefined,
    application_name: 'pgpredict',
    statement_timeout: 20_000,
  })
  client.on('error', () => {})
  client.on('notice', ({ severity, code = '', message = '', detail, hint }) => {
    if (code === progressCode) return
    notices.set(message, { severity: severity === 'WARNING' ? 'WARNING' : 'NOTICE', code, message, detail, hint })
  })
  let varied = true
  try {
    await client.connect()
    for (const sql of statements) {
      const { rows } = await client.query(sql)
      if (rows.length === 0) return null
      varied &&= differ(rows)
    }
    return { notices: [...notices.values()], varied }
  } catch {
    return null
  } finally {
    await client.end().catch(() => {})
  }
}

/** Apart by more than a hundredth of a probability, or of the largest number. */
function differ(rows: readonly { readonly probability?: number; readonly prediction: number | boolean }[]): boolean {
  const values = rows.map(({ probability, prediction }) => probability ?? Number(prediction))
  const size = rows[0]?.probability === undefined ? Math.max(...values.map(Math.abs)) : 1
  return Math.max(...values) - Math.min(...values) > 0.01 * size
}
