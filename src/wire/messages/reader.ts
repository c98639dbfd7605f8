// Reads the fields of one message and never past its end: what a hostile peer sends is Malformed, not a RangeError.

export class Malformed extends Error {}

/**
 * A bounded cursor over one message, starting behind its header. Strings are read as latin1: names are the client's bytes in
 * the client's encoding, and latin1 carries any bytes there and back unchanged.
 */
export class Reader {
  #at: number

  constructor(
    readonly message: Buffer,
    start = 5,
  ) {
    this.#at = start
  }

  get left(): number {
    return this.message.length - this.#at
  }

  int16(): number {
    return this.#step(2, at => this.message.readUInt16BE(at))
  }

  int32(): number {
    return this.#step(4, at => this.message.readInt32BE(at))
  }

  uint32(): number {
    return this.#step(4, at => this.message.readUInt32BE(at))
  }

  byte(): number {
    return this.#step(1, at => this.message[at])
  }

  bytes(length: number): Buffer {
    if (length < 0) throw new Malformed('negative length')
    return this.#step(length, at => this.message.subarray(at, at + length))
  }

  /** A zero-terminated string, without its zero. */
  terminated(): Buffer {
    const end = this.message.indexOf(0, this.#at)
    if (end === -1) throw new Malformed('unterminated string')
    return this.#step(end + 1 - this.#at, at => this.message.subarray(at, end))
  }

  name(): string {
    return this.terminated().toString('latin1')
  }

  end(): void {
    if (this.left !== 0) throw new Malformed('bytes left over')
  }

  #step<T>(size: number, read: (at: number) => T): T {
    if (size > this.left) throw new Malformed('message too short')
    const value = read(this.#at)
    this.#at += size
    return value
  }
}
