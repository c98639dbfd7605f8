// Where a session stands in the protocol, as far as both directions need to know.

export const IDLE = 0x49
export const IN_TRANSACTION = 0x54
export const FAILED = 0x45

export class Flow {
  /** Transaction status of the last ReadyForQuery; 0 before the first. */
  status = 0
  /** After a failure in the extended protocol: the server ignores everything up to the next Sync. */
  skipping = false
  /** COPY FROM STDIN reads. */
  copying = false
  /** The client has bound or executed something since its last Sync or Query. */
  unsynced = false
  /** Syncs sent so far: what lies between two of them fails together. */
  syncs = 0
  /** What the client sends is no message: the server, which has been shown that, will close the connection without a word. */
  nonsense = false
  /** The client has said that it will go. */
  leaving = false
  /** The last error since the last ReadyForQuery was one that ends a session: the server closes the connection, and has said why. */
  farewell = false
}
