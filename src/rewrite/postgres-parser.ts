// Postgres' own parser, compiled to WebAssembly, behind one question: tree or error.
// A text nested too deeply overflows its stack, and an instance that has overflowed is not safe to use again (after a dozen it
// answers "memory access out of bounds" or never): it is thrown away and the next text gets a fresh one. That is why the
// instance is held here rather than in the package's own wrapper, which keeps one for ever.

import { createRequire } from 'node:module'
import { PgError } from '../pg-error.js'

interface Instance {
  lengthBytesUTF8(text: string): number
  stringToUTF8(text: string, at: number, size: number): void
  UTF8ToString(at: number): string
  getValue(at: number, type: 'i32'): number
  _malloc(size: number): number
  _free(at: number): void
  _wasm_parse_query_raw(query: number): number
  _wasm_free_parse_result(result: number): void
}

/** A node of libpg_query's JSON: one key, the node's type, over its fields; fields at their default are absent. */
export type Tree = { readonly [field: string]: unknown }

export type ParseOutcome =
  | { readonly kind: 'tree'; readonly statements: readonly Tree[] }
  /** `position`: zero-based UTF-16 offset. */
  | { readonly kind: 'error'; readonly message: string; readonly position: number }
  | { readonly kind: 'too deep' }

const createInstance = createRequire(import.meta.url)('libpg-query/wasm/libpg-query.js') as () => Promise<Instance>

let instance: Promise<Instance> | null = null

/** Reads `sql` as Postgres 18 does; never rejects because of the text. */
export const parseSql = async (sql: string): Promise<ParseOutcome> => {
  if (sql.includes('\0'))
    return { kind: 'error', message: 'invalid byte sequence for encoding "UTF8": 0x00', position: 0 }
  instance ??= createInstance()
  const module = await instance
  try {
    return parseWith(module, sql)
  } catch {
    // RangeError or a WebAssembly trap; nothing else comes out of parseWith
    instance = null
    return { kind: 'too deep' }
  }
}

/** Postgres' answer to a text that is nested too deeply. */
export const tooDeep = (): PgError =>
  new PgError({
    code: '54001',
    message: 'stack depth limit exceeded',
    hint: 'Split the statement, or write fewer parentheses and operators in one expression.',
  })

const parseWith = (module: Instance, sql: string): ParseOutcome => {
  const size = module.lengthBytesUTF8(sql) + 1
  const query = module._malloc(size)
  module.stringToUTF8(sql, query, size)
  const result = module._wasm_parse_query_raw(query)
  try {
    // struct PgQueryParseResult { char *tree; char *stderr; PgQueryError *error }
    const error = module.getValue(result + 8, 'i32')
    if (error !== 0) {
      // struct PgQueryError { char *message; char *function; char *file; int line; int position, 1-based characters; … }
      const message = module.UTF8ToString(module.getValue(error, 'i32'))
      const position = Math.max(0, module.getValue(error + 16, 'i32') - 1)
      return { kind: 'error', message, position: utf16Offset(sql, position) }
    }
    const tree = JSON.parse(module.UTF8ToString(module.getValue(result, 'i32'))) as { stmts?: { stmt: Tree }[] }
    return { kind: 'tree', statements: (tree.stmts ?? []).map(statement => statement.stmt) }
  } finally {
    module._free(query)
    module._wasm_free_parse_result(result)
  }
}

/** UTF-16 offset of the `count`-th character (code point). */
export const utf16Offset = (text: string, count: number): number => {
  let at = 0
  for (let i = 0; i < count && at < text.length; i++) at += text.codePointAt(at)! > 0xffff ? 2 : 1
  return at
}

/** Characters (code points) before a UTF-16 offset. */
export const characterCount = (text: string, offset: number): number => {
  let count = 0
  for (let at = 0; at < offset && at < text.length; count++) at += text.codePointAt(at)! > 0xffff ? 2 : 1
  return count
}

/** UTF-16 offset of a byte of the text in UTF-8, which is how the tree's locations count. */
export const offsetOfByte = (text: string, byte: number): number => {
  let at = 0
  for (let bytes = 0; bytes < byte && at < text.length; ) {
    const code = text.codePointAt(at)!
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
    at += code > 0xffff ? 2 : 1
  }
  return at
}

/** Every node of the tree with its type, parents first; a node for which `visit` gives false is not entered. */
export const walkTree = (root: unknown, visit: (type: string, node: Tree) => boolean | undefined): void => {
  const pending: unknown[] = [root]
  while (pending.length > 0) {
    const value = pending.pop()
    if (Array.isArray(value)) {
      for (let i = value.length - 1; i >= 0; i--) pending.push(value[i])
    } else if (value !== null && typeof value === 'object') {
      for (const [key, child] of Object.entries(value).reverse()) {
        const isNode = /^[A-Z]/.test(key) && child !== null && typeof child === 'object' && !Array.isArray(child)
        if (!isNode || visit(key, child as Tree) !== false) pending.push(child)
      }
    }
  }
}
