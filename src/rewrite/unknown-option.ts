// Postgres takes any setting with a dot in its name; one of ours that does not exist would be set, and silently ignored.

import { optionNames } from '../graph/catalog/facts.js'
import { PgError } from '../pg-error.js'
import { nearest } from '../pql/nearest.js'

const SETTING =
  /^((?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*set\s+(?:session\s+|local\s+)?)predict\.("?)([a-z_]\w*)\2\s*(?:=|to\b)/i

/** @throws PgError 22023 where `sql` is SET predict.<no option> */
export function refuseUnknownOption(sql: string): void {
  const found = SETTING.exec(sql)
  if (!found) return
  const [, before, , written] = found
  const name = written!.toLowerCase()
  if ((optionNames as readonly string[]).includes(name)) return
  const close = nearest(name, optionNames)
  throw new PgError({
    code: '22023',
    message: `unrecognized option "${name}"`,
    detail: `Options are ${optionNames.join(', ')}.`,
    hint: close ? `SET predict.${close} = ${sql.slice(found[0].length).trim().replace(/;$/, '')}` : undefined,
    position: before!.length,
  })
}
