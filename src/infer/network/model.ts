// What a network is, from the `model.json` beside its graphs: checked before anything is asked of it.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KINDS } from './descriptor.js'
import { DESCRIPTION, KNOWN, LABEL } from './inputs.js'

/** The form of graphs and inputs that this code can serve. */
const FORMAT = 1
export const QUANTILES = 99

export interface ModelFacts {
  readonly name: string
  readonly parameters: number
  /** Keys and values that one row of context takes, in bytes. */
  readonly bytesPerRow: number
}

/** Throws where the folder holds no model, or one made for other inputs. */
export function readModel(folder: string): ModelFacts {
  const facts = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'))
  const expected = { format: FORMAT, description: DESCRIPTION, known: KNOWN, label: LABEL, quantiles: QUANTILES }
  for (const [name, value] of Object.entries(expected))
    if (facts[name] !== value)
      throw new Error(`${name} is ${facts[name]}, not ${value}: ${folder} is for another version`)
  if (JSON.stringify(facts.kinds) !== JSON.stringify(KINDS))
    throw new Error(`the kinds of columns differ: ${folder} is for another version`)
  return { name: facts.name, parameters: facts.parameters, bytesPerRow: facts.bytesPerRow }
}
