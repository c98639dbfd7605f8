// `pgpredict sql "…"`: one statement through the proxy, for those without psql at hand and for transcripts.

import pg from 'pg'
import { formatMessage, type ServerMessage } from './message.js'
import { formatTable } from './table.js'

export interface Output {
  out(text: string): void
  err(text: string): void
}

export interface SqlOptions {
  readonly url: string
  readonly timing?: boolean
}

/** Prints rows (or the command tag) to `out`, notices and errors to `err`. Gives psql's exit status: 0, 1 after an error, 2 without a connection. */
export async function runSql(sql: string, { url, timing }: SqlOptions, { out, err }: Output): Promise<number> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'pgpredict sql',
    // values are shown as the server writes them
    types: { getTypeParser: () => (value: unknown) => value },
  })
  client.on('notice', notice => err(formatMessage(notice)))
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    err(`could not connect: ${describe(error)}`)
    return 2
  }
  let tag = ''
  const { connection } = client as unknown as { connection: NodeJS.EventEmitter }
  connection.on('commandComplete', (message: { text: string }) => {
    tag = message.text
  })
  const started = performance.now()
  try {
    const results = [await client.query({ text: sql, rowMode: 'array' })].flat() as pg.QueryArrayResult<
      (string | null)[]
    >[]
    for (const { fields, rows } of results) {
      // a SELECT of no columns is told from a command by its tag alone
      if (fields.length > 0)
        out(
          formatTable(
            fields.map(field => ({ name: field.name, type: field.dataTypeID })),
            rows,
          ),
        )
    }
    if (results.at(-1)!.fields.length === 0) out(tag)
    if (timing) out(`Time: ${(performance.now() - started).toFixed(3)} ms`)
    return 0
  } catch (error) {
    err(error instanceof pg.DatabaseError ? formatMessage(error as ServerMessage, sql) : describe(error))
    return 1
  } finally {
    await client.end().catch(() => {})
  }
}

/** A failed connection tries several addresses, and its own message may be empty. */
export function describe(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(describe).join('; ')
  return error instanceof Error ? error.message || error.name : String(error)
}
