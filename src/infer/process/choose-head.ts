// Which models answer: the closed-form ones, whose trees grow on a second thread, corrected by a network where one is given and can be run.

import { createClosedForm } from '../heads/closed-form.js'
import type { SteppedHead } from '../heads/stepped.js'
import { createTreeThread } from './tree-thread.js'

/** `warn` is told why a network that was asked for is not used: predictions are never refused for want of it. */
export async function chooseHead(model: string | null, warn: (text: string) => void): Promise<SteppedHead> {
  const closedForm = createClosedForm(createTreeThread().grow)
  if (model === null) return closedForm
  try {
    // loaded for those who ask for it
    const { openNetwork } = await import('../network/runtime.js')
    const { correctedHead } = await import('../network/corrected.js')
    // contexts whose network is gone cannot answer: the process is started again, as after any death
    return correctedHead(await openNetwork(model, { onDeath: () => process.exit(1) }), closedForm)
  } catch (error) {
    warn(`no network, the closed-form models answer alone: ${(error as Error).message}`)
    return closedForm
  }
}
