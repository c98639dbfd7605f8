// The thread that runs a network's two graphs: a run blocks whoever asks for it, and the process that asks has sessions to serve. Encoded
// contexts stay here, as tensors, until they are forgotten.

import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import type { EncodeRequest, PredictRequest, Reply, Request } from './messages.js'

const { folder, threads } = workerData as { readonly folder: string; readonly threads: number }
const port = parentPort!
const tell = (reply: Reply, transfer: ArrayBuffer[] = []): void => port.postMessage(reply, transfer)

const PARAMETERS = ['slope', 'flag', 'shift', 'weight', 'line', 'gap', 'keys', 'values'] as const

interface Memory {
  readonly columns: number
  readonly tensors: Readonly<Record<string, Tensor>>
}

async function open() {
  const ort = await import('onnxruntime-node')
  const options: InferenceSession.SessionOptions = {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    enableMemPattern: false,
    // a thread that spins while it waits takes the processor from the sessions
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  }
  const load = (part: string) => ort.InferenceSession.create(join(folder, `${part}.onnx`), options)
  const graphs = { encode: await load('encode'), predict: await load('predict') }
  const memories = new Map<number, Memory>()
  const tensor = (data: Float32Array, ...dims: number[]) => new ort.Tensor('float32', data, dims)

  async function encode({ id, rows, columns, ...inputs }: EncodeRequest): Promise<null> {
    const logRows = tensor(Float32Array.of(Math.log(rows)))
    const out = await graphs.encode.run({
      z: tensor(inputs.z, rows, columns),
      missing: tensor(inputs.missing, rows, columns),
      described: tensor(inputs.described, columns, inputs.described.length / columns),
      known: tensor(inputs.known, rows, inputs.known.length / rows),
      label: tensor(inputs.label, rows, inputs.label.length / rows),
      log_rows: logRows,
    })
    const kept = Object.fromEntries(PARAMETERS.map(name => [name, out[name] as Tensor]))
    memories.set(id, { columns, tensors: { ...kept, log_rows: logRows } })
    return null
  }

  async function predict({ memory, rows, z, missing, known }: PredictRequest) {
    const found = memories.get(memory)
    if (!found) throw new Error('the encoded context is gone')
    const out = await graphs.predict.run({
      ...found.tensors,
      z: tensor(z, rows, found.columns),
      missing: tensor(missing, rows, found.columns),
      known: tensor(known, rows, known.length / rows),
    })
    return { logit: out.logit.data as Float32Array, quantiles: out.quantiles.data as Float32Array }
  }

  return async (request: Request): Promise<void> => {
    if (request.op === 'forget') {
      memories.delete(request.memory)
      return
    }
    try {
      tell({ id: request.id, answers: request.op === 'encode' ? await encode(request) : await predict(request) })
    } catch (error) {
      tell({ id: request.id, error: (error as Error).message })
    }
  }
}

open().then(
  serve => {
    port.on('message', serve)
    tell({ ready: true })
  },
  error => tell({ id: null, error: (error as Error).message }),
)
