import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { selectEnvironment } from '../../src/config/select-environment.ts';
import type { Environment } from '../../src/lifecycle/environment.ts';
import { ConfigError, Undetermined } from '../../src/lifecycle/errors.ts';
import { expiryOf } from '../../src/lifecycle/token-expiry.ts';
import { openEnvironment } from '../../src/main/open-environment.ts';
import { call, scene, useScene } from '../support/exam-scene.ts';
import { signingKey } from '../support/sandbox-platform.ts';

useScene();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'examctl-identities-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The platform as somebody else's environment, opened from a configuration file. */
async function configured(identities: string): Promise<Environment> {
  const env = { LOAD_KEY: signingKey, DATABASE_URL: scene.services.databaseUrl };
  writeFileSync(
    join(folder, 'examctl.yaml'),
    `environments:
  staging:
    platform: exam-platform
    driver: { kind: compose, file: compose.yml }
    api: { url: "${scene.platform.address}" }
    database: { url: "\${env:DATABASE_URL}" }
${identities}`,
  );
  const config = await loadConfig({ cwd: folder, env });
  return openEnvironment(selectEnvironment(config, { env }), {
    state: folder,
    program: [],
    signal: new AbortController().signal,
    onProgress: () => undefined,
    env,
  });
}

const minting = (domain: string) =>
  `    identities: { signing_key: "\${env:LOAD_KEY}", email_domain: ${domain}, lifetime: 2h }\n`;

describe('students of a signing key', () => {
  it('are the accounts of the domain, each with a token that the platform accepts as theirs', async () => {
    const environment = await configured(minting('students.sandbox.local'));
    const students = await environment.identities(3);
    expect(students.map(({ email }) => email)).toEqual([
      'student-0001@students.sandbox.local',
      'student-0002@students.sandbox.local',
      'student-0003@students.sandbox.local',
    ]);
    for (const { token, userId, email } of students) {
      const { status, body } = await call('GET', '/auth/me', { token });
      expect(status).toBe(200);
      expect(body.user).toMatchObject({ id: userId, email, role: 'STUDENT' });
    }
  });

  it('have tokens with the claims of the platform and the configured life', async () => {
    const [first, second] = await (await configured(minting('students.sandbox.local'))).identities(2);
    const key = new TextEncoder().encode(signingKey);
    const { payload, protectedHeader } = await jwtVerify(first?.token ?? '', key);
    expect(protectedHeader.alg).toBe('HS256');
    expect(Object.keys(payload).sort()).toEqual(['exp', 'iat', 'jti', 'role', 'sid', 'sub', 'type']);
    expect(payload).toMatchObject({ sub: first?.userId, role: 'STUDENT', type: 'access' });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(7200);
    const life = (expiryOf(second?.token ?? '')?.getTime() ?? 0) - Date.now();
    expect(life / 1000).toBeGreaterThan(7100);
    const other = await jwtVerify(second?.token ?? '', key);
    expect(other.payload.jti).not.toBe(payload.jti);
  });

  it('have tokens of a clock that is off when that is asked for, which the platform refuses when they are over', async () => {
    const environment = await configured(minting('students.sandbox.local'));
    const claims = async (clockOffsetSeconds: number) => {
      const [student] = await environment.identities(1, { clockOffsetSeconds });
      const { payload } = await jwtVerify(student?.token ?? '', new TextEncoder().encode(signingKey), {
        currentDate: new Date(Date.now() + clockOffsetSeconds * 1_000),
      });
      const { status } = await call('GET', '/auth/me', { token: student?.token ?? '' });
      return {
        offset: (payload.iat ?? 0) - Date.now() / 1_000,
        life: (payload.exp ?? 0) - (payload.iat ?? 0),
        status,
      };
    };
    const early = await claims(-3 * 3_600);
    expect(early).toMatchObject({ life: 7_200, status: 401 });
    expect(early.offset).toBeCloseTo(-3 * 3_600, -1);
    expect(await claims(-600)).toMatchObject({ life: 7_200, status: 200 });
  });

  it('are neither staff, nor inactive accounts, nor of another domain', async () => {
    await scene.database.query(
      `INSERT INTO users (email, role, is_active)
       VALUES ('One@load.example.com', 'STUDENT', true), ('two@load.example.com', 'STUDENT', false),
              ('three@load.example.com', 'REVIEWER', true), ('four@sub.load.example.com', 'STUDENT', true),
              ('five@overload.example.com', 'STUDENT', true), ('six@loadXexample.com', 'STUDENT', true)`,
    );
    const students = await (await configured(minting('Load.example.com'))).identities(10);
    expect(students.map(({ email }) => email)).toEqual(['One@load.example.com']);
  });

  it('that do not exist are a clear message', async () => {
    const nobody = (await configured(minting('nobody.example.com'))).identities(1);
    await expect(nobody).rejects.toThrow(Undetermined);
    await expect(nobody).rejects.toThrow(
      'no active student account with an e-mail address at nobody.example.com',
    );
  });
});

describe('students of a file', () => {
  const listed = async (csv: string | Buffer) => {
    writeFileSync(join(folder, 'students.csv'), csv);
    return (await configured('    identities: { file: students.csv }\n')).identities(10);
  };

  it('are read whatever the order of the columns, with quoted values, blank lines and a byte order mark', async () => {
    const students = await listed(
      '\uFEFFemail,"user_id",name,token\r\n\r\na@x.example,1,"Curie, ""M.""", tok-1 \r\nb@x.example,"2",,tok-2\r\n',
    );
    expect(students).toEqual([
      { userId: '1', email: 'a@x.example', token: 'tok-1' },
      { userId: '2', email: 'b@x.example', token: 'tok-2' },
    ]);
  });

  it('have the tokens of the file, whatever clock is asked for: then that is refused', async () => {
    await listed('user_id,email,token\n1,a@x.example,tok-1\n');
    const environment = await configured('    identities: { file: students.csv }\n');
    expect(await environment.identities(1, { clockOffsetSeconds: 0 })).toHaveLength(1);
    const attempt = environment.identities(1, { clockOffsetSeconds: 60 });
    await expect(attempt).rejects.toThrow(Undetermined);
    await expect(attempt).rejects.toHaveProperty('hint', expect.stringContaining('signing_key'));
  });

  it.each([
    ['user_id,email,token\n\n1,a,t\n\n2,b,\n', ':5 has no user_id or no token'],
    ['user_id,email,token\n1,a,t\n2,b,u\n1,c,v\n', ':4 has the same user_id as line 2'],
    ['user_id,email,token\n1,a@x.example,t\n2,A@x.example,u\n', ':3 has the same email as line 2'],
    ['user_id,email,token\n1,a,secret\n2,b,secret\n', ':3 has the same token as line 2'],
  ])('with a mistake are refused with file and line: %j', async (csv, message) => {
    const problem = await listed(csv).catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(ConfigError);
    expect((problem as ConfigError).message).toContain(`students.csv${message}`);
    expect((problem as ConfigError).message).not.toContain('secret');
  });

  it('are read from UTF-16, as Excel writes "Unicode text"', async () => {
    const table = '\uFEFFuser_id\temail\ttoken\r\n1\ta@x.example\ttok-1\r\n';
    expect(await listed(Buffer.from(table, 'utf16le'))).toEqual([
      { userId: '1', email: 'a@x.example', token: 'tok-1' },
    ]);
  });
});

it('without any configuration the message says both ways to configure students', async () => {
  const problem = await (await configured('')).identities(1).catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(Undetermined);
  expect((problem as Undetermined).hint).toMatch(/file: students\.csv.*signing_key/);
});
