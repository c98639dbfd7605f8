// How well a column's name fits a key it may refer to. Names only rank what the rows have already proved possible; they are
// never an input of the model.

import type { Column, Table } from '../../pql/catalog.js'

/** Bare words that say "key" of nothing in particular. */
const generic = new Set([
  'id',
  'no',
  'nr',
  'key',
  'code',
  'uuid',
  'guid',
  'name',
  'number',
  'num',
  'pk',
  'ref',
  'value',
])
const suffixes = ['id', 'no', 'nr', 'key', 'code', 'uuid', 'guid', 'number', 'num', 'ref', 'pk', 'fk', 'sk']

const squash = (name: string) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')

/** `order_items` and `order_item`; `categories` and `category`; `boxes`, `boxe` and `box`. */
function forms(table: Table): string[] {
  const name = squash(table.name.replace(/^(tbl|t|dim|fact|stg)_/i, ''))
  const singular = [name]
  if (name.endsWith('ies')) singular.push(`${name.slice(0, -3)}y`)
  if (name.endsWith('es')) singular.push(name.slice(0, -2))
  if (name.endsWith('s') && !name.endsWith('ss')) singular.push(name.slice(0, -1))
  if (name.endsWith('people')) singular.push(name.replace(/people$/, 'person'))
  return singular.filter(form => form.length > 1)
}

/** Whether the name reads as a reference or key: `…_id`, `…Id`, `…id`, `…_no`, `…_code`, `…_by`. */
export const looksLikeKey = (name: string): boolean =>
  /(^|[_\s])(id|no|nr|key|code|uuid|guid|ref|fk|pk|by)$/i.test(name) ||
  /[a-z](Id|ID|Key|Code|Uuid|Ref)$/.test(name) ||
  /.{3}id$/.test(name)

/**
 * 5: the table's name and a key suffix (`user_id` for users). 4: the key's own telling name, or the table's (`genre`). 3: the
 * table's as the end of a longer name (`billing_address_id`), or a well-known way to refer to the same table (`parent_id`). 2: the
 * key's as the end of a longer name, or an abbreviation (`cust_no` for customers). 1: reads as a reference, to nothing known. 0: no hint.
 */
export function nameFit(column: Column, from: Table, to: Table, key: Column): number {
  const name = squash(column.name)
  const keyName = squash(key.name)
  const tables = forms(to)
  const endings = [keyName, ...suffixes]
  if (from !== to) {
    if (tables.some(table => endings.some(ending => name === table + ending))) return 5
    if (tables.includes(name) || (name === keyName && !generic.has(name))) return 4
  }
  const longer = (end: string) => end.length >= 5 && name.length > end.length && name.endsWith(end)
  if (tables.some(table => suffixes.some(suffix => longer(table + suffix)) || (from !== to && longer(table)))) return 3
  if (!generic.has(keyName) && longer(keyName)) return 2
  if (
    from === to &&
    /^(parent|root|reply|inreply|manager|supervisor|boss|referr|previous|prev|next|original)/.test(name)
  )
    return 3
  const suffix = suffixes.find(suffix => name.endsWith(suffix) && name.length >= suffix.length + 3)
  if (suffix) {
    const stem = name.slice(0, -suffix.length)
    if (tables.some(table => table.startsWith(stem)) && (keyName.endsWith(suffix) || generic.has(keyName))) return 2
  }
  return looksLikeKey(column.name) ? 1 : 0
}

/** How well a unique column reads as its table's key; 0: not at all. */
export function keyFit(column: Column, table: Table): number {
  const name = squash(column.name)
  if (name === 'id' || forms(table).some(form => suffixes.some(suffix => name.endsWith(form + suffix)))) return 4
  if (forms(table).includes(name)) return 3
  const first = column === table.columns[0]
  if (first && looksLikeKey(column.name)) return 2
  return first ? 1 : 0
}

/** Whether a column reads as a number within its parent: `line`, `seq`, `position`. */
export const looksLikeLine = (name: string): boolean =>
  /(^|_)(line|seq|sequence|sequential|pos|position|no|nr|num|number|idx|index|ordinal|step|rank|version|round)(_?(no|nr|num|number|id))?$/i.test(
    name,
  )
