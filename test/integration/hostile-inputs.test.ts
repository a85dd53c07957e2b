import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  everyCommand,
  HostileWorld,
  type Hostility,
  magpie,
  quoting,
  runHere,
} from '../support/hostile-world.ts';

/** Each command, as it is asked here. One that is missing would be asked nothing. */
const asked: Readonly<Record<string, readonly string[]>> = {
  'audit log': [''],
  'audit verify': [''],
  'audit export': [''],
  'audit redact': ['1 --reason secret'],
  'config check': ['', '--config broken.yaml'],
  'config schema': [''],
  doctor: [''],
  'env list': [''],
  'env show': ['field', 'composed'],
  'exam-mode status': ['', '-e composed'],
  'exam-mode on': ['', '-e composed', '--dry-run'],
  'exam-mode off': [''],
  'exam-mode verify': [''],
  explain: ['3'],
  'fault list': ['', '-e composed'],
  'fault inject': ['redis-outage -e composed', 'connection-exhaustion', 'clock-skew'],
  'fault status': ['', '-e composed'],
  'fault halt': ['-e composed'],
  'fault clear': ['', '-e composed'],
  'integrity check': ['', '--identify --reason look'],
  'integrity list': [''],
  'integrity explain': ['duplicate-submissions'],
  'integrity new': ['own-check'],
  'integrity lint': ['', 'own.sql'],
  'integrity baseline accept': ['--reason known'],
  'integrity baseline list': [''],
  'integrity baseline prune': [''],
  'integrity baseline remove': ['--check own'],
  'integrity history': [''],
  'integrity compare': ['1 2', 'broken.json broken.csv'],
  'load list': [''],
  'load run': [
    'answers --students 1',
    'answers -e composed',
    'answers -e listed',
    'answers --students 2 --dry-run',
    'exam-day --shape broken.json',
  ],
  'load reconcile': ['', 'broken.csv', 'broken.json'],
  'load manifest': ['answers'],
  'load merge': ['.'],
  'load shape': ['--from broken.csv', '--from students.csv', '--from db'],
  'metrics capture': ['captured', '-e composed captured'],
  recover: [''],
  rehearse: ['', '--dry-run'],
  'runs list': [''],
  'runs show': ['0000'],
  'runs lock': [''],
  'runs unlock': [''],
  'services status': ['', '-e composed'],
  'services logs': ['backend', 'backend -e composed'],
  'services start': ['backend', 'backend -e composed'],
  'services stop': ['backend', 'backend -e composed'],
  'services restart': ['backend', 'backend -e composed'],
  'services restart-all': ['', '-e composed'],
  'services rollback': ['backend', 'backend --to v1 -e composed'],
  status: ['', '-e composed'],
  'sandbox status': [''],
  'sandbox logs': [''],
  'sandbox down': [''],
  'sandbox break': ['slow-query'],
  'sandbox plant': ['duplicate-submissions'],
  'sandbox mend': [''],
  'sandbox defects': [''],
};

/** They make servers, or fetch a program. */
const notAsked = ['load install-k6', 'sandbox up', 'sandbox reset'];

const answers: readonly Hostility[] = [
  {
    name: 'quotes secrets in errors',
    http: (_, response) =>
      response
        .writeHead(500, { 'set-cookie': 'sid=magpie', location: 'http://u:magpie@x/' })
        .end(JSON.stringify({ error_code: quoting, message: quoting, details: { action: quoting } })),
    tcp: (socket) => socket.once('data', (asked) => socket.end(errorFor(asked))),
  },
  {
    name: 'agrees to everything, with the wrong shape',
    http: (_, response) =>
      response.writeHead(200).end(JSON.stringify({ enabled: quoting, status: [quoting] })),
    tcp: (socket) => socket.on('data', (asked) => socket.write(agreementTo(asked))),
  },
  {
    name: 'answers what is no answer',
    http: (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(`"${quoting}`),
    tcp: (socket) => socket.once('data', () => socket.end(randomBytes(64))),
  },
  {
    name: 'has nothing to say',
    accepts: true,
    http: (_, response) => response.writeHead(200).end('null'),
    tcp: (socket) => socket.on('data', (asked) => socket.write(nothingFor(asked))),
  },
  {
    name: 'hangs up',
    http: (request) => request.socket.destroy(),
    tcp: (socket) => socket.destroy(),
  },
];

/** So that the compose file is asked what it knows of the services. */
const runningEngine: Hostility = {
  name: 'has a backend',
  http: (request, response) => {
    const labels = { 'com.docker.compose.service': 'backend', 'com.docker.compose.container-number': '1' };
    const one = { Id: 'c0ffee', Names: ['/backend'], Labels: labels, State: 'running' };
    const details = {
      Id: 'c0ffee',
      Name: '/backend',
      Image: 'sha256:1',
      State: { Status: 'running', Pid: 1 },
      Config: { Image: 'backend:1', Env: [`A=${quoting}`], Labels: labels },
      HostConfig: {},
      NetworkSettings: { Networks: {} },
    };
    response.end(JSON.stringify(request.url?.startsWith('/containers/json') ? [one] : details));
  },
  tcp: (socket) => socket.destroy(),
};

/** In the protocol of whoever asks. */
function errorFor(asked: Buffer): Buffer {
  if (asked[0] === '*'.charCodeAt(0)) return Buffer.from(`-ERR ${quoting}\r\n`);
  const fields = Buffer.from(`SERROR\0C22P02\0Minvalid input syntax: "${quoting}"\0\0`);
  const length = Buffer.alloc(4);
  length.writeInt32BE(fields.length + 4);
  return Buffer.concat([Buffer.from('E'), length, fields]);
}

/** No row to whatever is asked, and nil. */
function nothingFor(asked: Buffer): Buffer {
  if (asked[0] === '*'.charCodeAt(0))
    return Buffer.from('$-1\r\n'.repeat(asked.toString().split('*').length - 1));
  const answers = {
    P: '1\0\0\0\x04',
    B: '2\0\0\0\x04',
    D: 'n\0\0\0\x04',
    E: empty,
    Q: empty + ready,
    S: ready,
  };
  if (asked[0] === 0) return Buffer.from(`R\0\0\0\x08\0\0\0\0${ready}`, 'latin1');
  let text = '';
  for (let at = 0; at < asked.length; at += 1 + asked.readInt32BE(at + 1))
    text += answers[String.fromCharCode(asked[at] ?? 0) as keyof typeof answers] ?? '';
  return Buffer.from(text, 'latin1');
}

const ready = 'Z\0\0\0\x05I';
const empty = 'C\0\0\0\x0dSELECT 0\0';

/** To a login, and then an error to whatever is asked, after which more may be asked. */
function agreementTo(asked: Buffer): Buffer {
  if (asked[0] === '*'.charCodeAt(0)) {
    const commands = asked.toString('latin1').split('*').length - 1;
    return Buffer.from(`+${quoting}\r\n`.repeat(commands));
  }
  const isLogin = asked[0] === 0;
  return Buffer.concat([
    isLogin ? Buffer.from('R\0\0\0\x08\0\0\0\0', 'latin1') : errorFor(asked),
    Buffer.from(ready, 'latin1'),
  ]);
}

const secrets = {
  DB_PASSWORD: '4711/magpie@#?',
  CACHE_PASSWORD: '100%magpie',
  ADMIN_TOKEN: 'magpie-admin-1',
  API_LOGIN: 'magpie-login-1',
  SIGNING_KEY: 'magpie-key-1',
};

const configuration = (httpPort: number, tcpPort: number) => `
environments:
  field:
    platform: exam-platform
    driver: { kind: kubernetes, namespace: exams }
    api: { url: "http://ops:\${env:API_LOGIN}@127.0.0.1:${httpPort}", admin_token: "\${env:ADMIN_TOKEN}" }
    database: { url: "postgres://app:\${env:DB_PASSWORD}@127.0.0.1:${tcpPort}/exams" }
    cache: { url: "redis://:\${env:CACHE_PASSWORD}@127.0.0.1:${tcpPort}" }
    identities: { file: students.csv }
  composed:
    extends: field
    driver: { kind: compose, file: compose.yaml }
    identities: { signing_key: "\${env:SIGNING_KEY}", email_domain: load.example.com }
  listed:
    extends: field
    identities: { file: broken.csv }
checks: { folder: checks }
`;

const students =
  'user_id,email,token\nu1,magpie1@load.example.com,magpie-token-1\nu2,magpie2@load.example.com,magpie-token-2\n';

let world: HostileWorld;
const kept = { ...process.env };

beforeAll(() => {
  world = new HostileWorld();
  world.write('students.csv', students);
  world.write('broken.csv', `u1;${quoting};magpie\n"magpie`);
  world.write('broken.json', `{"schema": "${quoting}`);
  world.write('broken.yaml', `environments: { x: "${quoting}\n  magpie: [`);
  world.write('compose.yaml', 'services:\n  backend:\n    image: x\n    environment: { PASSWORD: magpie }\n');
  world.write('checks/own.sql', `-- ${quoting}\nSELECT 1`);
  world.write('own.sql', `-- id: own\nSELECT '${quoting}'`);
  // programs that are started: what they are told is what ps and /proc show to everybody
  for (const program of ['k6', 'docker']) {
    world.write(
      `bin/${program}`,
      `#!/bin/sh\n{ echo "$0 $*"; env; } >> ${world.folder}/started\necho '${quoting}' >&2\necho '${quoting}'\nexit 1\n`,
    );
  }
});
afterAll(() => {
  for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
  Object.assign(process.env, kept);
  world.remove();
});

it('every command is asked', async () => {
  const known = [...Object.keys(asked), ...notAsked].sort();
  expect(known).toEqual((await everyCommand()).sort());
});

/** It goes on asking until the time is over: once in each world is enough. */
const waiting = /^exam-mode verify/;

/** What was accepted is reverted, for a minute when it cannot be seen to be. */
const changing =
  /^(exam-mode o|fault (inject|clear)|load run|rehearse|recover|services (re)?st[ao]|services rollback)/;

/** Asks every command, and tells where a secret was told, or a bug of ours met. */
async function wrongWith(
  config: string,
  variables: Readonly<Record<string, string>> = {},
  { flags = [], asks = () => true }: { flags?: readonly string[]; asks?: (line: string) => boolean } = {},
): Promise<string> {
  const before = { ...process.env };
  Object.assign(process.env, secrets, {
    PATH: `${world.folder}/bin:${process.env.PATH}`,
    EXAMCTL_STATE: world.state,
    ...variables,
  });
  const wrong: string[] = [];
  try {
    for (const [command, lines] of Object.entries(asked)) {
      for (const line of lines.filter((each) => asks(`${command} ${each}`))) {
        const args = `${command} ${line}`.trim().split(' ').map(inFolder);
        const environment = args.includes('-e') ? [] : ['-e', 'field'];
        const own = changing.test(command) ? flags : [];
        const { exitCode, text } = await runHere([
          ...['-c', config, '--timeout', '500ms', ...environment, ...own],
          ...args,
        ]);
        if (exitCode === 70) wrong.push(`${command} ${line}: a bug: ${text}`);
        wrong.push(...toldIn(`${command} ${line}`, text));
      }
    }
  } finally {
    world.close();
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  }
  return wrong.join('\n\n');
}

describe.each(answers)('a world that $name', (hostility) => {
  it('gets no secret told, and is no bug of ours', async () => {
    const { httpPort, tcpPort } = await world.open(hostility);
    const config = world.write('examctl.yaml', configuration(httpPort, tcpPort));
    const variables = { DOCKER_HOST: `tcp://127.0.0.1:${httpPort}` };
    const wrong = await wrongWith(config, variables, { flags: hostility.accepts ? ['--dry-run'] : [] });
    expect(wrong).toBe('');
    expect(world.recorded().flatMap(([file, content]) => toldIn(file, content))).toEqual([]);
    expect(toldIn('started', readFileSync(`${world.folder}/started`, 'utf8'))).toEqual([]);
  });
});

describe('what lies about', () => {
  const refusing = () => world.write('examctl.yaml', configuration(9, 9));

  it.each(['{"cut', 'null', '{"identity":{},"type":"run.started"}'])(
    'in the state folder is no bug of ours: %j in every file',
    async (content) => {
      for (const file of [
        'audit.ndjson',
        'audit.head',
        'baselines/integrity-baseline.json',
        'integrity/field/20260101T000000000Z-0000.json',
        'locks/field.json',
        'open/20260101T000000Z-fault-0000.json',
        'runs/20260101T000000Z-fault-0000/halt.json',
        'runs/20260101T000000Z-fault-0000/journal.ndjson',
        'runs/20260101T000000Z-fault-0000/plan.json',
        'salts/field',
        'sandbox/sandbox.json',
        'watermarks/field.json',
      ])
        world.record(file, content);
      expect(await wrongWith(refusing(), {}, { asks: (line) => !waiting.test(line) })).toBe('');
    },
  );
});

describe('files that are something else', () => {
  const aliases = `a: &a [${Array(12).fill('x').join(', ')}]\n${[...'bcdef']
    .map((name, index) => `${name}: &${name} [${Array(12).fill(`*${'abcde'[index]}`).join(', ')}]`)
    .join('\n')}\nservices: *f\n`;

  it.each([['- a\n- list\n'], [`services: { backend: "${quoting}\n`], [aliases]])(
    'are no bug of ours: %j',
    async (content) => {
      for (const name of [
        'compose.yaml',
        '.env',
        'students.csv',
        'checks/own.sql',
        'integrity-baseline.json',
        'broken.json',
      ])
        world.write(name, content);
      const { httpPort, tcpPort } = await world.open(runningEngine);
      const config = world.write('examctl.yaml', configuration(httpPort, tcpPort));
      const variables = { DOCKER_HOST: `tcp://127.0.0.1:${httpPort}` };
      // those that read them
      const asks = (line: string) => /composed|integrity|load|broken/.test(line) && !waiting.test(line);
      expect(await wrongWith(config, variables, { flags: ['--dry-run'], asks })).toBe('');
      world.write('examctl.yaml', content);
      expect((await runHere(['-c', config, 'config', 'check'])).exitCode).not.toBe(70);
    },
  );
});

describe('variables that mean something else', () => {
  it.each([
    {
      HTTP_PROXY: 'magpie@::',
      DOCKER_HOST: 'nonsense',
      K6_BIN: '/proc/self/mem',
      DB_PASSWORD: '%',
      PATH: '',
    },
    {
      HOME: '/dev/null',
      XDG_CACHE_HOME: '/dev/null',
      TMPDIR: '/dev/null/x',
      CACHE_PASSWORD: '%FF',
      USER: '',
    },
    {
      EXAMCTL_STATE: '/dev/null',
      EXAMCTL_ENV: 'nowhere',
      EXAMCTL_ACTOR: '',
      DOCKER_HOST: 'ssh://magpie@host',
    },
  ])('are no bug of ours: %j', async (variables) => {
    const config = world.write('examctl.yaml', configuration(9, 9));
    expect(await wrongWith(config, variables, { asks: (line) => !waiting.test(line) })).toBe('');
  });
});

/** What was told, with the words around it. */
function toldIn(place: string, text: string): string[] {
  const at = text.search(magpie);
  return at === -1 ? [] : [`${place}: ${text.slice(Math.max(0, at - 150), at + 60)}`];
}

/** Files by their whole path: a test does not change its working directory. */
function inFolder(word: string): string {
  return /^(broken(\.\w+)?|students\.csv|own\.sql|captured|\.)$/.test(word)
    ? `${world.folder}/${word}`
    : word;
}
