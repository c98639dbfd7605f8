// Whether statements work here, before anybody is told to type them.

import pg from 'pg'

/** True when the server at `url` answers each statement with at least one row, within ten seconds each. */
export async function answers(url: string, password: string | null, statements: readonly string[]): Promise<boolean> {
  const client = new pg.Client({
    connectionString: url,
    password: password ?? undefined,
    application_name: 'pgpredict',
    statement_timeout: 10_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    for (const sql of statements) if ((await client.query(sql)).rows.length === 0) return false
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}
