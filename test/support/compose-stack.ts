import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { stringify } from 'yaml';
import { hostImage, type TestEngine } from './docker-engine.ts';

/**
 * Two workers that answer /health and tell their EXAM_MODE, and who watches over them: it writes a line five times a
 * second; a long one first, of two bytes a letter.
 */
const backend = `
const cluster = require('node:cluster');
const http = require('node:http');
if (process.env.BROKEN) process.exit(1);
if (cluster.isPrimary) {
  console.log('ä'.repeat(20000));
  console.error('to stderr');
  let line = 0;
  setInterval(() => console.log('line', ++line), 200);
  cluster.on('exit', () => cluster.fork());
  cluster.fork();
  cluster.fork();
} else http.createServer((request, response) => response.end(process.env.EXAM_MODE ?? 'unset')).listen(8000);
process.on('SIGTERM', () => process.exit(0));
`;

const backendImage = `${hostImage.replace(/:.*/, '')}:\${TAG:?which}`;

/** Bash starts in a tenth of the time of Node.js. Compose makes one dollar of two. */
const asks = (port: number) =>
  `exec 3<>/dev/tcp/127.0.0.1/${port} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && read -r answer <&3 && [[ $$answer == *' 200 '* ]]`;

export interface ComposeStack {
  readonly file: string;
  readonly envFile: string;
  readonly project: string;
  compose(...args: string[]): Promise<string>;
}

/** A backend and a database's stand-in under the names of a compose file, healthy in a second. */
export async function startStack(
  engine: TestEngine,
  { project, command }: { readonly project: string; readonly command: readonly string[] },
): Promise<ComposeStack> {
  const folder = join(engine.folder, project);
  mkdirSync(folder, { recursive: true });
  const node = dirname(dirname(process.execPath));
  const volumes = ['/usr:/usr:ro', ...(node === '/usr' ? [] : [`${node}:${node}:ro`])];
  const common = {
    image: hostImage,
    volumes,
    dns: '127.0.0.1',
    stop_grace_period: '1s',
    restart: 'unless-stopped',
  };
  const file = join(folder, 'compose.yml');
  writeFileSync(join(folder, '.env'), '# of the stack\nEXAM_MODE=false\nTAG=1 # of the backend\n');
  writeFileSync(join(folder, 'backend.cjs'), backend);
  writeFileSync(
    file,
    stringify({
      version: '3.8',
      services: {
        backend: {
          ...common,
          image: backendImage,
          volumes: [...volumes, `${join(folder, 'backend.cjs')}:/backend.cjs:ro`],
          command: [process.execPath, '/backend.cjs'],
          env_file: ['.env'],
          expose: ['8000'],
          healthcheck: {
            test: ['CMD', 'bash', '-c', asks(8000)],
            interval: '1s',
            timeout: '2s',
            retries: 2,
            start_period: '5s',
          },
        },
        redis: { ...common, command: ['sleep', '1000'] },
        elasticsearch: { ...common, command: ['sleep', '1000'] },
      },
    }),
  );
  const compose = async (...args: string[]) => {
    const [program = '', ...rest] = [...command, '--file', file, '--project-name', project, ...args];
    return (await execa(program, rest, { env: engine.env, extendEnv: false, cwd: folder })).stdout;
  };
  await compose('up', '--detach');
  return { file, envFile: join(folder, '.env'), project, compose };
}
