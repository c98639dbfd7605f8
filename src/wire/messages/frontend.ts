// Type bytes of the messages a client sends.

export const QUERY = 0x51
export const PARSE = 0x50
export const BIND = 0x42
export const DESCRIBE = 0x44
export const EXECUTE = 0x45
export const CLOSE = 0x43
export const SYNC = 0x53
export const FLUSH = 0x48
export const FUNCTION_CALL = 0x46
export const COPY_DATA = 0x64
export const COPY_DONE = 0x63
export const COPY_FAIL = 0x66
export const TERMINATE = 0x58
