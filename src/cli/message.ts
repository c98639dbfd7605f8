// The server's errors and notices as psql shows them: severity, message, the line at fault with a caret, detail, hint.

export interface ServerMessage {
  readonly severity?: string
  readonly message?: string
  readonly detail?: string
  readonly hint?: string
  readonly where?: string
  /** 1-based, in characters of the statement. */
  readonly position?: string
}

export function formatMessage(message: ServerMessage, sql?: string): string {
  const severity = message.severity ?? 'ERROR'
  const lines = [`${severity}:  ${message.message ?? ''}`]
  if (sql && message.position) lines.push(...pointAt(sql, Number(message.position)))
  if (message.detail) lines.push(`DETAIL:  ${message.detail}`)
  if (message.hint) lines.push(`HINT:  ${message.hint}`)
  // as psql: where it happened matters for errors, and is noise on notices
  if (message.where && /^(ERROR|FATAL|PANIC)$/.test(severity)) lines.push(`CONTEXT:  ${message.where}`)
  return lines.join('\n')
}

/** `LINE 2: …` and a caret below the character. */
function pointAt(sql: string, position: number): string[] {
  const before = [...sql].slice(0, position - 1).join('')
  const number = before.split('\n').length
  const line = sql.split('\n')[number - 1] ?? ''
  const column = [...before.slice(before.lastIndexOf('\n') + 1)].length
  const label = `LINE ${number}: `
  return [label + line.replaceAll('\t', ' '), `${' '.repeat(label.length + column)}^`]
}
