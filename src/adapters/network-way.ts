import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { rootCertificates } from 'node:tls';
import type { Agent, Dispatcher } from 'undici';
import { ConfigError, messageOf } from '../lifecycle/errors.ts';
import { withhold } from '../lifecycle/redact.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The proxy through which a URL is reached, null: directly. By the variables that curl and k6 read, as k6 (Go) reads them:
 * what is on this machine is never asked through a proxy.
 */
export function proxyFor(url: string, env: Variables): string | null {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const name = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const given = variable(name, env);
  if (given === '' || isOnThisMachine(host)) return null;
  const place = { host, port: port || (protocol === 'https:' ? '443' : '80') };
  if (
    variable('NO_PROXY', env)
      .split(/[\s,]+/)
      .some((entry) => covers(entry.toLowerCase(), place))
  )
    return null;
  const proxy = /^[a-z0-9]+:\/\//i.test(given) ? given : `http://${given}`;
  withhold(proxy);
  if (URL.canParse(proxy)) return proxy;
  throw new ConfigError(`${name} is not the address of a proxy`, {
    hint: 'as http://proxy.example.com:3128',
  });
}

function variable(name: string, env: Variables): string {
  return env[name.toLowerCase()] || env[name] || '';
}

function isOnThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

interface Place {
  readonly host: string;
  readonly port: string;
}

/** "*", an address, a range of them, or a domain with all below it; with or without a port. */
function covers(entry: string, { host, port }: Place): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  const [network = '', bits] = entry.split('/');
  if (bits !== undefined) return isInRange(host, network, Number(bits));
  const [, name = entry, onlyPort] = /^\[?(.*?)\]?:(\d+)$/.exec(isIP(entry) === 6 ? '' : entry) ?? [];
  if (onlyPort !== undefined && onlyPort !== port) return false;
  const domain = name.replace(/^\*?\./, '');
  return (host === domain && !/^\*?\./.test(name)) || (isIP(host) === 0 && host.endsWith(`.${domain}`));
}

function isInRange(host: string, network: string, bits: number): boolean {
  const family = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');
  if (isIP(host) === 0 || isIP(network) === 0 || family(host) !== family(network)) return false;
  const range = new BlockList();
  try {
    range.addSubnet(network, bits, family(network));
  } catch {
    return false;
  }
  return range.check(host, family(host));
}

/**
 * Certificates to trust, beside those that Node.js knows, from where Node.js or k6 alone would look; undefined: none are
 * named. Each of them knows only one of these variables.
 */
export function trustedCertificates(env: Variables): string[] | undefined {
  const named = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE'].filter((name) => env[name]);
  if (named.length === 0) return undefined;
  const texts = named.map((name) => {
    try {
      return readFileSync(env[name] ?? '', 'utf8');
    } catch (cause) {
      throw new ConfigError(`the certificates that ${name} names cannot be read: ${messageOf(cause)}`, {
        cause,
      });
    }
  });
  return [...rootCertificates, ...texts];
}

/** The way to one origin for undici, by proxy and with the certificates that are to be trusted. */
export async function dispatcherTo(
  url: string,
  env: Variables,
  { connect, ...options }: Agent.Options & { readonly connect: { readonly timeout: number } },
): Promise<Dispatcher> {
  const { Pool, ProxyAgent } = await import('undici');
  const isSecure = url.startsWith('https:');
  const ca = isSecure ? trustedCertificates(env) : undefined;
  const tls = { ...connect, ...(ca === undefined ? {} : { ca }) };
  const proxy = proxyFor(url, env);
  if (proxy === null) return new Pool(new URL(url).origin, { ...options, connect: tls });
  return new ProxyAgent({
    ...options,
    uri: proxy,
    proxyTunnel: isSecure,
    proxyTls: connect,
    requestTls: tls,
  });
}

const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What to do when the way is to blame, and not who was to be reached. */
export function wayHint(error: unknown, url: string, env: Variables): string | undefined {
  const { code = '' } = error as { code?: string };
  if (untrusted.has(code)) {
    return 'a certificate authority of your own is trusted when NODE_EXTRA_CA_CERTS or SSL_CERT_FILE names the file with its certificate (PEM)';
  }
  const proxy = proxyFor(url, env);
  if (proxy === null) return undefined;
  const { protocol, host } = new URL(proxy);
  return `it was asked through the proxy ${protocol}//${host} (HTTP_PROXY, HTTPS_PROXY): see whether that reaches it, or name it in NO_PROXY`;
}
