// Rows as psql prints them: aligned, header centred, numbers to the right.

export interface Column {
  readonly name: string
  /** Type oid, which decides the side. */
  readonly type: number
}

/** int8, int2, int4, oid, float4, float8, money, numeric. */
const NUMBERS = new Set([20, 21, 23, 26, 700, 701, 790, 1700])

/** `rows` are texts as the server sent them; null is shown as nothing. Ends with the row count. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly (string | null)[])[]): string {
  const count = `(${rows.length} row${rows.length === 1 ? '' : 's'})`
  if (columns.length === 0) return `--\n${count}`
  const cells = rows.map(row => row.map(value => (value ?? '').split('\n')))
  const widths = columns.map((column, i) => {
    let width = length(column.name)
    for (const row of cells) for (const line of row[i]!) width = Math.max(width, length(line))
    return width
  })
  const right = columns.map(column => NUMBERS.has(column.type))
  const out = [
    ` ${columns.map((column, i) => centre(column.name, widths[i]!)).join(' | ')} `,
    widths.map(width => '-'.repeat(width + 2)).join('+'),
  ]
  for (const row of cells) {
    const height = Math.max(...row.map(lines => lines.length))
    for (let line = 0; line < height; line++) {
      const parts = row.map((lines, i) => {
        const text = pad(lines[line] ?? '', widths[i]!, right[i]!)
        // a value that goes on below is marked as psql marks it
        return ` ${text}${line + 1 < lines.length ? '+' : ' '}`
      })
      out.push(parts.join('|').trimEnd())
    }
  }
  return [...out, count].join('\n')
}

const length = (text: string): number => [...text].length

function pad(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(width - length(text))
  return right ? space + text : text + space
}

function centre(text: string, width: number): string {
  const space = width - length(text)
  return ' '.repeat(Math.floor(space / 2)) + text + ' '.repeat(Math.ceil(space / 2))
}
