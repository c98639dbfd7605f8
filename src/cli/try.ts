// Whether statements work here, before anybody is told to type them.

import pg from 'pg'
import type { Notice } from '../pg-error.js'

/** What the server at `url` remarked, each remark once; null unless it answers every statement with rows, within twenty seconds each. */
export async function attempt(
  url: string,
  password: string | null,
  statements: readonly string[],
): Promise<readonly Notice[] | null> {
  const notices = new Map<string, Notice>()
  const client = new pg.Client({
    connectionString: url,
    password: password ?? undefined,
    application_name: 'pgpredict',
    statement_timeout: 20_000,
  })
  client.on('error', () => {})
  client.on('notice', ({ severity, code = '', message = '', detail, hint }) => {
    notices.set(message, { severity: severity === 'WARNING' ? 'WARNING' : 'NOTICE', code, message, detail, hint })
  })
  try {
    await client.connect()
    for (const sql of statements) if ((await client.query(sql)).rows.length === 0) return null
    return [...notices.values()]
  } catch {
    return null
  } finally {
    await client.end().catch(() => {})
  }
}
