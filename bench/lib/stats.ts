// Medians of alternating runs, and how they are written: the middle one, and from where to where they went.

/** The q-quantile by linear interpolation; NaN of nothing. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const below = Math.floor(at)
  const above = Math.min(below + 1, sorted.length - 1)
  return sorted[below] + (sorted[above] - sorted[below]) * (at - below)
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** `a[i] / b[i]`: both were measured right after one another, so what slowed the machine slowed both. */
export const ratios = (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value / b[i])

export const differences = (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value - b[i])

/** Three digits, or all before the point. */
export const short = (value: number): string =>
  !Number.isFinite(value)
    ? '?'
    : Math.abs(value) >= 100
      ? Math.round(value).toLocaleString('en')
      : String(Number(value.toPrecision(3)))

/** `1.02 (0.97–1.1)` */
export const spread = (values: readonly number[]): string =>
  values.length === 1
    ? short(values[0])
    : `${short(median(values))} (${short(Math.min(...values))}–${short(Math.max(...values))})`

/** Runs every side once, then all again, `repeats` times: A B C, A B C, …; gives each side's results in order. */
export async function alternate<K extends string, T>(
  repeats: number,
  sides: Readonly<Record<K, (round: number) => Promise<T>>>,
): Promise<Record<K, T[]>> {
  const names = Object.keys(sides) as K[]
  const results = Object.fromEntries(names.map(name => [name, [] as T[]])) as Record<K, T[]>
  for (let round = 0; round < repeats; round++) for (const name of names) results[name].push(await sides[name](round))
  return results
}
