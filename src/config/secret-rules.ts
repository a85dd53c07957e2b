import { referenceProblem, referencesIn, replaceReferences, type ValueProblem } from './references.ts';

const reference = `\${env:NAME} or \${file:path}`;
const useReference = `use ${reference}`;

/** A token, key or password on its own: all of it comes from elsewhere. */
export function secretProblem(text: string): ValueProblem | undefined {
  if (referencesIn(text).length > 0 || text.includes('${')) return referenceProblem(text);
  return { code: 'clear-secret', message: 'holds a secret in clear', hint: useReference };
}

/** A URL that may refer to secrets, but never spells one out. Its value is repeated in no message. */
export function urlProblem(text: string, protocols: readonly string[]): ValueProblem | undefined {
  return referenceProblem(text) ?? clearPasswordProblem(text) ?? urlShapeProblem(text, protocols);
}

function clearPasswordProblem(text: string): ValueProblem | undefined {
  const mark = '\u0000';
  const marked = replaceReferences(text, mark);
  const password = /^[^:/?#]+:\/\/[^/?#]*?:([^/?#]*)@/.exec(marked)?.[1] ?? '';
  const inQuery = /[?&](?:password|passwd|pwd|pass|token|secret|api_?key|access_?token)=([^&#]+)/i.exec(
    marked,
  );
  const spelledOut = [password, inQuery?.[1] ?? ''].some((part) => part !== '' && !part.includes(mark));
  if (!spelledOut) return undefined;
  return { code: 'clear-secret', message: 'holds a password in clear', hint: useReference };
}

function urlShapeProblem(text: string, protocols: readonly string[]): ValueProblem | undefined {
  // What a reference holds is only known when the environment is opened; it is checked then.
  if (text.startsWith('${')) return undefined;
  const problem = resolvedUrlProblem(replaceReferences(text, '1'), protocols);
  if (problem === undefined) return undefined;
  return { code: 'wrong-url', message: problem, hint: `write ${protocols[0]}//host, or ${reference}` };
}

/** A % on its own is taken as it is. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/gi, '%25'));
    return true;
  } catch {
    return false;
  }
}

/** As libpq takes them: postgres://user:password@one:5432,two:5432/database */
function namesSeveralHosts(value: string): boolean {
  const [authority = ''] = value.replace(/^[^:]*:\/\//, '').split(/[/?#]/);
  return (authority.split('@').at(-1) ?? '').includes(',');
}

const hasUnencoded =
  'has a character in its password that must be percent-encoded (/ as %2F, ? as %3F, # as %23)';

/** What is wrong with a URL whose references have been replaced. */
export function resolvedUrlProblem(value: string, protocols: readonly string[]): string | undefined {
  const expected = protocols.map((protocol) => `${protocol}//`).join(' or ');
  if (namesSeveralHosts(value)) {
    return 'names several hosts, and examctl asks one: name the primary, or the pooler in front of them';
  }
  if (!URL.canParse(value)) {
    return /:[^@]*[/?#][^@]*@/.test(value.replace(/^[^:]*:\/\//, ''))
      ? hasUnencoded
      : `is not a URL (${expected})`;
  }
  const { protocol, username, password, pathname, search, hash } = new URL(value);
  if (!protocols.includes(protocol)) return `is not a ${expected} address`;
  // the rest of a password would be looked up as a host, and shown
  const isCutPassword = username === '' && /@/.test(pathname + hash + search.replace(/=[^&]*/g, '='));
  if (isCutPassword) return hasUnencoded;
  return isDecodable(username + password) ? undefined : 'has a % in its password that must be written as %25';
}
