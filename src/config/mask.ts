// Nothing that is printed or logged carries a password.

/** The URL with the password in it, wherever it stands, replaced by ***. */
export function maskUrl(url: string): string {
  return url
    .replace(/^(\w+:\/\/[^:@/?]*):[^@/]*@/, '$1:***@')
    .replace(/([?&](?:password|sslpassword)=)[^&]*/gi, '$1***')
}
