// Options: WITH (…) before the session's predict.* settings before the defaults; a slip in a name or value is an error, never ignored.

import { PgError } from '../pg-error.js'
import type { OptionSyntax } from './ast.js'
import type { Context } from './context.js'
import { lateText } from './late.js'
import { nearest, oneOf } from './nearest.js'
import { columnList } from './option-columns.js'
import { lateOf } from './parse-constant.js'
import type { ColumnRef, Options, TaskKind } from './task.js'
import { literal, typed } from './typed.js'
import { isNumber, typeByName } from './types.js'

interface Given {
  readonly name: string
  /** As text, whichever way it was written. */
  readonly text: string
  /** Where it stands; undefined for a setting of the session. */
  readonly position?: number
}

const bad = ({ name, text, position }: Given, detail: string, value?: string): PgError =>
  new PgError({
    code: '22023',
    message: `invalid value for option "${name}": "${text}"`,
    detail,
    hint:
      value === undefined
        ? undefined
        : position === undefined
          ? `SET predict.${name} = ${value}`
          : `Write: ${typed(name)} = ${value}`,
    position,
  })

const word =
  <T extends string>(...words: readonly T[]) =>
  (_: Context, given: Given): T => {
    const value = words.find(known => known === given.text.trim().toLowerCase())
    if (value !== undefined) return value
    throw bad(given, `Values are ${oneOf(words)}.`, nearest(given.text, words) ?? words[0])
  }

const whole =
  (least: number, most: number) =>
  (_: Context, given: Given): number => {
    const value = Number(given.text)
    if (/^\s*[-+]?\d+\s*$/.test(given.text) && value >= least && value <= most) return value
    const near =
      Number.isFinite(value) && given.text.trim() !== '' ? Math.min(Math.max(Math.round(value), least), most) : least
    throw bad(given, `It is a whole number from ${least} to ${most}.`, String(near))
  }

const flag = (_: Context, given: Given): boolean => {
  const value = given.text.trim().toLowerCase()
  if (['on', 'true', 'yes', '1', 't', 'y'].includes(value)) return true
  if (['off', 'false', 'no', '0', 'f', 'n'].includes(value)) return false
  throw bad(given, 'Values are on and off.', 'on')
}

const columns = (context: Context, given: Given): readonly ColumnRef[] =>
  columnList(context, given.text, given.position, given.name)

const MAX_INT = 2_147_483_647
const TASKS: readonly TaskKind[] = ['binary', 'numeric', 'multiclass', 'classify', 'rank', 'forecast']

/** Each option by the name it is written with; the context's 10,000 rows and 6 hops are limits of the model. */
const READERS = {
  mode: word('fast', 'normal', 'best'),
  seed: whole(0, MAX_INT),
  context_size: whole(1, 10_000),
  hops: whole(1, 6),
  statistic: word('median', 'mean'),
  task: word(...TASKS),
  exclude: columns,
  include: columns,
  set: (_: Context, given: Given) => given.text,
  explain: flag,
  timing: flag,
  embedding: flag,
  max_entities: whole(1, MAX_INT),
}

type OptionName = keyof typeof READERS

const NAMES = Object.keys(READERS)

const unknown = (name: string, position: number | undefined, text = ''): PgError => {
  const close = nearest(name, NAMES)
  return new PgError({
    code: '22023',
    message: `unrecognized option "${name}"`,
    detail: `Options are ${NAMES.join(', ')}.`,
    hint: !close
      ? undefined
      : position === undefined
        ? `RESET predict.${name}; SET predict.${close} = ${literal(text)}`
        : `Write: ${close}`,
    position,
  })
}

/** What columns come back must be known before any value is. */
const SHAPING: readonly string[] = ['task', 'explain', 'timing', 'embedding'] satisfies OptionName[]

const WHOLE: readonly string[] = ['seed', 'context_size', 'hops', 'max_entities'] satisfies OptionName[]

const INTEGER = typeByName('integer')!
const TEXT = typeByName('text')!

/** undefined: a parameter whose value is not known yet. */
const valueText = (context: Context, { name: { text: name }, value }: OptionSyntax): string | undefined => {
  switch (value.kind) {
    case 'bool':
      return value.value ? 'on' : 'off'
    case 'string':
    case 'number':
    case 'typed':
      return value.text
    case 'null':
      throw new PgError({ code: '22004', message: `option "${name}" must not be null`, position: value.start })
    case 'param': {
      if (SHAPING.includes(name))
        throw new PgError({
          code: '0A000',
          message: `option "${name}" cannot be a parameter`,
          detail: 'It decides which columns come back, and those are told before any value is.',
          hint: `Write: ${name} = ${name === 'task' ? 'numeric' : 'on'}`,
          position: value.start,
        })
      const whole = WHOLE.includes(name)
      const fits = whole ? isNumber : ({ typeClass }: { typeClass: string }) => typeClass === 'text'
      return lateText(context, lateOf(value), `option "${name}"`, whole ? INTEGER : TEXT, fits)?.text
    }
  }
}

const SETTING = /^predict\.(.+)$/i

const gather = (
  context: Context,
  syntax: readonly OptionSyntax[],
  settings: Readonly<Record<string, string>>,
): Map<string, Given> => {
  const given = new Map<string, Given>()
  for (const [setting, text] of Object.entries(settings)) {
    const name = SETTING.exec(setting)?.[1].toLowerCase()
    // RESET leaves a setting of ours empty.
    if (name !== undefined && text !== '') given.set(name, { name, text })
  }
  const written = new Set<string>()
  for (const option of syntax) {
    const name = option.name.text
    if (written.has(name))
      throw new PgError({ code: '42601', message: `option "${name}" is given twice`, position: option.name.start })
    written.add(name)
    if (!Object.hasOwn(READERS, name)) throw unknown(name, option.name.start)
    const text = valueText(context, option)
    if (text === undefined) given.delete(name)
    else given.set(name, { name, text, position: option.value.start })
  }
  return given
}

export interface CheckedOptions {
  readonly options: Options
  /** Where the option `task` stands, for an error of its own. */
  readonly taskPosition?: number
}

const CAMEL: Readonly<Partial<Record<OptionName, keyof Options>>> = {
  context_size: 'contextSize',
  max_entities: 'maxEntities',
}

/** @throws PgError 22023 for a name or value that is none, with the nearest that is */
export const checkOptions = (
  context: Context,
  syntax: readonly OptionSyntax[],
  settings: Readonly<Record<string, string>>,
): CheckedOptions => {
  const options: Record<string, unknown> = {}
  const given = gather(context, syntax, settings)
  for (const [name, value] of given) {
    if (!Object.hasOwn(READERS, name)) throw unknown(name, value.position, value.text)
    options[CAMEL[name as OptionName] ?? name] = READERS[name as OptionName](context, value)
  }
  return { options: options as Options, taskPosition: given.get('task')?.position }
}
