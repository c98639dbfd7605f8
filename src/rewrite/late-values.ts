// Values that the language reads itself, as text: those of parameters that decide what is asked, such as a window's bounds.

import { interval, intervalText } from '../pql/interval.js'
import type { Param, TypedParam, Upstream } from './plan.js'

const [INT8, INT2, INT4, FLOAT8, INTERVAL, UNKNOWN] = [20, 21, 23, 701, 1186, 705]

/** Types whose binary form is their text; unknown is what a client says that leaves the type to the server. */
const TEXTS = [0, 25, UNKNOWN, 1042, 1043]

/** null where only the server knows how to write it. */
const ownText = ({ format, value }: Param, type: number): string | null => {
  if (format === 0 || TEXTS.includes(type)) return value!.toString('utf8')
  const bytes = value!
  if (type === INT8 && bytes.length === 8) return String(bytes.readBigInt64BE())
  if (type === INT4 && bytes.length === 4) return String(bytes.readInt32BE())
  if (type === INT2 && bytes.length === 2) return String(bytes.readInt16BE())
  if (type === FLOAT8 && bytes.length === 8) return String(bytes.readDoubleBE())
  // in a text of its own, whatever the session's IntervalStyle
  if (type === INTERVAL && bytes.length === 16)
    return intervalText(interval(bytes.readInt32BE(12), bytes.readInt32BE(8), bytes.readBigInt64BE(0)))
  return null
}

/**
 * The values of the parameters numbered `late`, by their numbers; null for NULL.
 * @param types of the client's parameters, by number - 1
 */
export const lateValues = async (
  late: readonly number[],
  params: readonly Param[],
  types: readonly number[],
  upstream: Upstream,
): Promise<ReadonlyMap<number, string | null>> => {
  const values = new Map<number, string | null>()
  for (const index of new Set(late)) {
    const param = params[index - 1] ?? { format: 0, value: null }
    const type = types[index - 1] ?? 0
    const text = param.value === null ? null : (ownText(param, type) ?? (await written({ ...param, type }, upstream)))
    values.set(index, text)
  }
  return values
}

const written = async (param: TypedParam, upstream: Upstream): Promise<string> => {
  const [[text]] = await upstream.query('SELECT $1::pg_catalog.text', [param])
  return text!.toString('utf8')
}

/** The value of a parameter, where it is a whole number that is no cast away from what the client sent. */
export const wholeNumber = (param: Param | undefined, type = 0): number | null => {
  if (!param?.value) return null
  const { format, value } = param
  if (format === 0) return /^-?\d{1,15}$/.test(value.toString('latin1')) ? Number(value.toString('latin1')) : null
  if (![0, UNKNOWN, INT8, INT2, INT4].includes(type)) return null
  return [2, 4, 8].includes(value.length)
    ? Number(value.length === 8 ? value.readBigInt64BE() : value.readIntBE(0, value.length))
    : null
}
