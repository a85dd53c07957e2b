import { describe, expect, it } from 'vitest';
import { messageOf, Undetermined } from '../../src/lifecycle/errors.ts';
import { redacted, withhold } from '../../src/lifecycle/redact.ts';

describe('foreign text', () => {
  it.each([
    ['a token', 'sent eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJDQU5BUlkifQ.CANARY_sig, refused'],
    ['a cut token', 'near "eyJhbGciOiJIUzI1NiJ9CANARY'],
    ['a header', '{"authorization":"Bearer CANARY"}'],
    ['a header of another kind', 'Proxy-Authorization: Basic CANARY=='],
    ['a login in a sentence', 'the server says: Bearer CANARY1 is over'],
    ['cookies', 'set-cookie: refresh=CANARY; Path=/; sid=CANARY2\nnext line'],
    ['a password in a URL', 'connect to postgres://app:CANARY@db:5432/exams failed'],
    ['a password that should have been encoded', 'postgres://app:p@ss/w#CANARY@db:5432/exams'],
    ['a token as the user of a URL', 'https://CANARY@git.example.com/x'],
    ['a token in a query', 'GET /files?access_token=CANARY&size=3'],
    ['JSON', '{"detail":"no","refresh_token":"CANARY \\"x\\" CANARY","status":1}'],
    ['YAML', 'jwt_secret_key: CANARY-1'],
    ['YAML that is a word', 'environment:\n  POSTGRES_PASSWORD: canary\n  other: x'],
    ['an env file', 'line 3: POSTGRES_PASSWORD="CANARY with blanks"'],
    ['an assignment', 'PGPASSWORD=canary psql'],
    ['a flag', 'ran: tool --api-key=canary --verbose'],
    ['an e-mail address', 'Key (email)=(some.canary+1@students.canary.example) already exists.'],
    ['an encoded e-mail address', '/users?q=canary%40students.example.com'],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----\nCANARY\n-----END OPENSSH PRIVATE KEY-----'],
    ['a cut private key', 'of -----BEGIN RSA PRIVATE KEY-----\nCANARY'],
    ['a token of a vendor', 'fatal: ghp_CANARYCANARYCANARY'],
  ])('is shown without %s', (_, text) => {
    expect(redacted(text)).toContain('***');
    expect(redacted(text)).not.toMatch(/canary/i);
  });

  it('keeps what tells the cause', () => {
    expect(redacted('GET https://u:p@exam.example.com/api/v1/sessions/7?token=abc answered 500')).toBe(
      'GET https://***@exam.example.com/api/v1/sessions/7?token=*** answered 500',
    );
  });

  it.each([
    `examctl.yaml:7:12 environments.staging.api.token: is missing (as "\${env:AUTH_TOKEN}")`,
    `write token: "\${env:AUTH_TOKEN}", or signing_key: "\${file:key}"`,
    "set a fresh administrator's token: api.admin_token",
    'the time limit has passed: Nothing was changed',
    `write postgres://app:\${env:PASSWORD}@db/exams`,
    'database.url reads postgres://user:password@host:port/database',
    'PostgreSQL at db:5432/exams refuses the password: password authentication failed for user "app" (28P01)',
    'the image exam-backend@sha256:0123abcd is not there',
    '214 students are in 3 exams, the last ends 14:30; see -e staging',
    'the token of an administrator is over: basic authentication will not do',
  ])('that holds none stays: %s', (text) => {
    expect(redacted(text)).toBe(text);
  });
});

describe('a secret that was looked up', () => {
  it('is masked wherever it is quoted, in each of its forms', () => {
    withhold('postgres://app:p%40ss%2Fw0rd@db/exams');
    withhold('opaque-load-token-1');
    expect(redacted('p@ss/w0rd and p%40ss%2Fw0rd of db, then opaque-load-token-1')).toBe(
      '*** and *** of db, then ***',
    );
  });

  it('is left when a message could not do without the word', () => {
    withhold('postgres');
    withhold('redis://:abc@cache');
    expect(redacted('postgres:5432 said abc')).toBe('postgres:5432 said abc');
  });
});

describe('the message of an error', () => {
  const thrownBy = (action: () => unknown) => {
    try {
      return action();
    } catch (error) {
      return error;
    }
  };

  it('never holds what JSON.parse stumbled over, but where', () => {
    expect(messageOf(thrownBy(() => JSON.parse('CANARY,CANARY')))).toBe('it is not JSON');
    expect(messageOf(thrownBy(() => JSON.parse('{"a": CANARY}')))).toMatch(
      /^it is not JSON( at position 6)?/,
    );
    expect(messageOf(thrownBy(() => JSON.parse('{"token": CANARY}')))).not.toContain('CANARY');
  });

  it('never holds the value that PostgreSQL could not take', () => {
    const error = Object.assign(new Error('invalid input syntax for type uuid: "CANARY"'), { code: '22P02' });
    expect(messageOf(error)).toBe('invalid input syntax for type uuid: "***"');
    const unique = 'duplicate key value violates unique constraint "users_email_key"';
    expect(messageOf(Object.assign(new Error(unique), { code: '23505' }))).toBe(unique);
  });

  it('is without secrets in whatever of ours it ends up', () => {
    const cause = new Error('http://u:canary@proxy:3128 does not answer');
    const { message, hint } = new Undetermined(`no answer: ${messageOf(cause)}`, { hint: 'token=canary' });
    expect(`${message} ${hint}`).not.toContain('canary');
  });
});
