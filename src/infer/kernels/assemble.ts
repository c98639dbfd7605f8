// A small assembler of WebAssembly: what the few inner loops of the models are written in, since JavaScript has no vectors. Code is a list of
// bytes; an expression leaves one value, a statement none. Encodings: https://webassembly.github.io/spec/core/binary/

/** Instructions, encoded. */
export type Code = readonly number[]

type Type = 'i32' | 'f64' | 'v128'

const TYPES: Readonly<Record<Type, number>> = { i32: 0x7f, f64: 0x7c, v128: 0x7b }
const NOTHING = 0x40

/** An unsigned number, seven bits a byte. */
function unsigned(value: number): number[] {
  const low = value & 0x7f
  const rest = value >>> 7
  return rest === 0 ? [low] : [low | 0x80, ...unsigned(rest)]
}

function signed(value: number): number[] {
  const low = value & 0x7f
  const rest = value >> 7
  const ends = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)
  return ends ? [low] : [low | 0x80, ...signed(rest)]
}

const sized = (bytes: Code): number[] => [...unsigned(bytes.length), ...bytes]
const listed = (items: readonly Code[]): number[] => [...unsigned(items.length), ...items.flat()]
const named = (name: string): number[] => sized([...new TextEncoder().encode(name)])

const binary =
  (...op: number[]) =>
  (a: Code, b: Code): Code => [...a, ...b, ...op]
const vector =
  (op: number) =>
  (a: Code, b: Code): Code => [...a, ...b, 0xfd, ...unsigned(op)]

/** A number in memory: aligned to bytes alone, so that any address will do. */
const at = (offset: number): number[] => [0, ...unsigned(offset)]

export const i32 = {
  of: (value: number): Code => [0x41, ...signed(value)],
  add: binary(0x6a),
  sub: binary(0x6b),
  mul: binary(0x6c),
  shl: binary(0x74),
  less: binary(0x48),
  load: (address: Code, offset = 0): Code => [...address, 0x28, ...at(offset)],
  loadByte: (address: Code, offset = 0): Code => [...address, 0x2d, ...at(offset)],
  storeByte: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0x3a, ...at(offset)],
}

export const f64 = {
  load: (address: Code, offset = 0): Code => [...address, 0x2b, ...at(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0x39, ...at(offset)],
  add: binary(0xa0),
  /** 1 or 0. */
  equal: binary(0x61),
  less: binary(0x63),
}

export const v128 = {
  load: (address: Code, offset = 0): Code => [...address, 0xfd, 0x00, ...at(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0xfd, 0x0b, ...at(offset)],
  zero: [0xfd, 0x0c, ...new Array<number>(16).fill(0)] as Code,
}

/** Two lanes. */
export const f64x2 = {
  of: (value: Code): Code => [...value, 0xfd, 0x14],
  add: vector(240),
  mul: vector(242),
  lane: (value: Code, lane: 0 | 1): Code => [...value, 0xfd, 0x21, lane],
  /** Of both lanes, the first first. */
  sum: (local: Local): Code => f64.add(f64x2.lane(local.get, 0), f64x2.lane(local.get, 1)),
}

/** Four lanes, which wrap around. */
export const i32x4 = { add: vector(174), sub: vector(177) }

/** A variable of a function. */
export interface Local {
  readonly get: Code
  set(value: Code): Code
}

export interface Body {
  local(type: Type): Local
  locals(type: Type, count: number): Local[]
  /** `step` statements while `variable` is less than `limit`; looked at before each. */
  while(variable: Local, limit: Code, ...step: Code[]): Code
}

export interface Kernel<P extends string> {
  /** All parameters are i32: addresses and counts. */
  readonly parameters: readonly P[]
  code(parameters: Readonly<Record<P, Local>>, body: Body): readonly Code[]
}

/** A module that works on a memory given to it as `memory.memory`, and exports the kernels by name. */
export function assemble(kernels: Readonly<Record<string, Kernel<string>>>): WebAssembly.Module {
  const all = Object.entries(kernels)
  const types = all.map(([, { parameters }]) => [0x60, ...listed(parameters.map(() => [TYPES.i32])), 0])
  const section = (id: number, content: Code): number[] => [id, ...sized(content)]
  const bytes = [
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, listed(types)),
    ...section(2, listed([[...named('memory'), ...named('memory'), 0x02, 0x00, 0]])),
    ...section(3, listed(all.map((_, i) => unsigned(i)))),
    ...section(7, listed(all.map(([name], i) => [...named(name), 0, ...unsigned(i)]))),
    ...section(10, listed(all.map(([, kernel]) => sized(functionOf(kernel))))),
  ]
  return new WebAssembly.Module(Uint8Array.from(bytes))
}

function functionOf({ parameters, code }: Kernel<string>): Code {
  const declared: Type[] = []
  const variable = (index: number): Local => ({
    get: [0x20, ...unsigned(index)],
    set: value => [...value, 0x21, ...unsigned(index)],
  })
  const body: Body = {
    local(type) {
      declared.push(type)
      return variable(parameters.length + declared.length - 1)
    },
    locals: (type, count) => Array.from({ length: count }, () => body.local(type)),
    while: (counter, limit, ...step) => [
      ...[0x02, NOTHING, 0x03, NOTHING],
      // leaves the block where the counter has arrived
      ...i32.less(counter.get, limit),
      ...[0x45, 0x0d, 1],
      ...step.flat(),
      ...[0x0c, 0, 0x0b, 0x0b],
    ],
  }
  const statements = code(Object.fromEntries(parameters.map((name, i) => [name, variable(i)])), body).flat()
  return [...listed(declared.map(type => [1, TYPES[type]])), ...statements, 0x0b]
}
