// The name that was probably meant.

/** Edits between two words, a swap of neighbours counting as one. */
const distance = (a: string, b: string): number => {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], before[j - 2] + 1)
    }
    before = last
    last = row
  }
  return last[b.length]
}

/** The candidate nearest to `name`, letter case aside, or null where none is near enough to be meant. */
export const nearest = (name: string, candidates: Iterable<string>): string | null => {
  const wanted = name.slice(0, 64).toLowerCase()
  let best: string | null = null
  let least = Math.max(2, Math.ceil(wanted.length / 3)) + 0.5
  for (const candidate of candidates) {
    const lower = candidate.slice(0, 64).toLowerCase()
    if (Math.abs(lower.length - wanted.length) > least) continue
    const edits = distance(wanted, lower)
    // A short name that shares nothing with it was not meant.
    if (edits < least && edits < Math.max(wanted.length, lower.length)) {
      least = edits
      best = candidate
    }
  }
  return best
}

/** `a`, `a or b`, `a, b or c`. */
export const oneOf = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}`
