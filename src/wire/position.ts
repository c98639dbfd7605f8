// Postgres counts positions in characters from 1, JavaScript in UTF-16 units from 0.

/** Number of characters (code points) in the first `units` UTF-16 units of `text`. */
export function charactersBefore(text: string, units: number): number {
  let count = 0
  for (let i = 0; i < units && i < text.length; count++) i += text.codePointAt(i)! > 0xffff ? 2 : 1
  return count
}
