import { describe, expect, it } from 'vitest';
import { proxyFor, wayHint } from '../../src/adapters/network-way.ts';
import { ConfigError } from '../../src/lifecycle/errors.ts';

const proxied = { HTTP_PROXY: 'http://plain:3128', HTTPS_PROXY: 'secure:3129' };

describe('the proxy of an address', () => {
  it.each([
    ['http://exams.example.com/v1', 'http://plain:3128'],
    ['https://exams.example.com/v1', 'http://secure:3129'],
    ['http://127.0.0.1:4000', null],
    ['http://localhost:4000', null],
    ['http://[::1]:4000', null],
  ])('of %s is %s', (url, proxy) => {
    expect(proxyFor(url, proxied)).toBe(proxy);
    expect(proxyFor(url, {})).toBeNull();
  });

  it.each([
    ['*', true],
    ['exams.example.com', true],
    ['example.com', true],
    ['.example.com', true],
    ['*.example.com', true],
    ['other.example.org, exams.example.com:80', true],
    ['exams.example.com:8080', false],
    ['.exams.example.com', false],
    ['ams.example.com', false],
  ])('is left out by NO_PROXY=%s: %s', (NO_PROXY, isDirect) => {
    expect(proxyFor('http://exams.example.com', { ...proxied, NO_PROXY }) === null).toBe(isDirect);
  });

  it.each([
    ['10.0.0.0/8', true],
    ['10.1.2.3', true],
    ['10.2.0.0/16', false],
    ['10.0.0.0/99', false],
  ])('of an address is left out by a range, NO_PROXY=%s: %s', (NO_PROXY, isDirect) => {
    expect(proxyFor('http://10.1.2.3', { ...proxied, NO_PROXY }) === null).toBe(isDirect);
  });

  it('is that of the variable in small letters where both are set, as curl has it', () => {
    expect(proxyFor('http://x.example', { http_proxy: 'http://small:1', HTTP_PROXY: 'http://big:1' })).toBe(
      'http://small:1',
    );
  });

  it('must be an address, which is not repeated', () => {
    const attempt = () => proxyFor('http://x.example', { HTTP_PROXY: 'http://u:secret@:x' });
    expect(attempt).toThrow(ConfigError);
    expect(attempt).not.toThrow('secret');
  });
});

describe('the hint of what could not be reached', () => {
  it('names the proxy without its login, and the variables', () => {
    const hint = wayHint(new Error('x'), 'http://x.example', { HTTP_PROXY: 'http://u:secret@proxy:3128' });
    expect(hint).toMatch(/through the proxy http:\/\/proxy:3128 .*NO_PROXY/);
    expect(hint).not.toContain('secret');
    expect(wayHint(new Error('x'), 'http://x.example', {})).toBeUndefined();
  });

  it('names the variables for a certificate that nobody trusts', () => {
    const error = Object.assign(new Error('x'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' });
    expect(wayHint(error, 'https://x.example', {})).toMatch(/NODE_EXTRA_CA_CERTS or SSL_CERT_FILE/);
  });
});
