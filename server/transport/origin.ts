/** Which web pages may connect: a browser sends the page's origin, and a page of somebody else's is refused. */

/**
 * @param origin - the `Origin` header; native clients send none and are admitted (their token decides).
 * @param host - the `Host` header: a page that this server gave is always allowed.
 * @param allowed - further origins, as `https://example.org`; `*` allows every page.
 */
export function isAllowedOrigin(origin: string | undefined, host: string | undefined, allowed: readonly string[]): boolean {
  if (origin === undefined) return true;
  if (allowed.includes('*') || allowed.includes(origin)) return true;
  try {
    return host !== undefined && new URL(origin).host === host;
  } catch {
    return false;
  }
}
