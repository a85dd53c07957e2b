/**
 * Secrets that were looked up in this process: whoever is handed one may quote it, in whatever form. Words that a message
 * may hold anyway stay, as the password "postgres" of somebody's laptop.
 */
const withheld = new Set<string>();
/** the longest first: one may be a part of another */
let inOrder: readonly string[] = [];

export function withhold(secret: string): void {
  const { username = '', password = '' } = URL.canParse(secret) ? new URL(secret) : {};
  // of a URL the secret is only a part, and the rest of it is worth knowing
  const parts = URL.canParse(secret) ? [password || username] : [secret];
  for (const part of parts.flatMap((written) => [written, decoded(written), encodeURIComponent(written)])) {
    if (part.length >= 6 && !/^[a-z]+$/.test(part)) withheld.add(part);
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const mask = '***';

/** By what it looks like; the order counts, as a part that is masked is looked at again by those below. */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, mask],
  // user information of a URL, also with a password that should have been percent-encoded; "user:password@" is ours
  [/\b([a-z][a-z0-9+.-]*:\/\/)(?!\[?user:password@|[^\s@]*\$\{)[^\s"'<>`]*@/gi, `$1${mask}@`],
  [/\b((?:set-)?cookie["']?\s*[:=]\s*)[^\r\n]+/gi, `$1${mask}`],
  [/\b((?:proxy-)?authorization["']?\s*[:=]\s*["']?)(?:[a-z]+\s+)?[^\s"',;}]+/gi, `$1${mask}`],
  [/\b([Bb]earer|[Bb]asic)\s+(?=[\w.~+/=-]*[A-Z\d=])[\w.~+/=-]{6,}/g, `$1 ${mask}`],
  [/\beyJ[\w-]{4,}(?:\.[\w-]*)*/g, mask],
  [/\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk[-_]|AKIA)[\w-]{10,}/g, mask],
  [/[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/gi, mask],
];

/** `token=abc`, `"api_key": "abc"`: what is named a secret, whatever it looks like. A reference is none. */
const named =
  /((?:pass(?:word|wd|phrase)|\bpass\b|pwd|secret|token|credentials?|(?:api|access|private|signing|encryption)[_-]?key)[\w-]*(["']?)\s*([:=])\s*)(?!["']?\$\{)("(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s"',;&)\]}]+)/gi;

/**
 * Foreign text as it may be put into a message, record or report: without tokens, keys, passwords, cookies and e-mail
 * addresses. All such text goes through here: answers, what other programs print, errors of libraries, values of files.
 */
export function redacted(text: string): string {
  let shown = text;
  if (withheld.size > inOrder.length) inOrder = [...withheld].sort((a, b) => b.length - a.length);
  for (const secret of inOrder) shown = shown.replaceAll(secret, mask);
  for (const [pattern, replacement] of patterns) shown = shown.replace(pattern, replacement);
  return shown.replace(
    named,
    (whole, start: string, quote: string, sign: string, value: string, at: number) => {
      const isSentence = sign === ':' && quote === '' && isProse(value, shown.slice(at + whole.length));
      return isSentence ? whole : start + mask;
    },
  );
}

/** "api.token: is missing", "set a fresh token: api.admin_token": a word that others follow, or a setting. */
function isProse(value: string, rest: string): boolean {
  if (/^(?:api|cache|database|driver|identities)\.[a-z_]+$/.test(value)) return true;
  return /^[a-z(-]+$/.test(value) && /^ [a-z]/i.test(rest);
}

/** A value of a foreign answer, as it may be shown: without secrets, in one short line. */
export function said(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'absent');
  const line = redacted(text).replace(/\s+/g, ' ').trim();
  return line.length <= longest ? line : `${line.slice(0, longest)}...`;
}

const longest = 300;
