// A parameter in text format, its type declared: the catalog queries need no other.

import type { TypedParam } from '../../rewrite/plan.js'

export const textArray = 1009
export const oidArray = 1028

export const text = (type: number, value: string): TypedParam => ({ type, format: 0, value: Buffer.from(value) })

/** `{"a","b"}`, for any element that is text. */
export const arrayLiteral = (items: readonly string[]): string =>
  `{${items.map(item => `"${item.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join(',')}}`
