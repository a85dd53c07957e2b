import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasOwnNetwork, networkNamespaceOf } from '../../src/adapters/network-namespace.ts';
import { networkRules } from '../../src/adapters/network-rules.ts';
import { Undetermined } from '../../src/lifecycle/errors.ts';
import { isInstalled } from '../support/docker-engine.ts';

const missing =
  process.platform !== 'linux' || process.getuid?.() !== 0
    ? 'it takes root on Linux'
    : ['iptables-save', 'nsenter', 'unshare', 'tc'].find((program) => !isInstalled(program));

describe('packet rules', () => {
  if (missing !== undefined) {
    process.stderr.write(`skipped: packet rules: ${missing}\n`);
    return it('are tried', ({ skip }) => skip(missing));
  }

  const rules = networkRules();
  const { signal } = new AbortController();
  const drop = ['--source', '10.1.1.1', '--jump', 'DROP'];
  const ours = { chain: 'EXAMCTL-ours', filter: [drop], nat: [] };
  const redirect = ['-p', 'tcp', '--dport', '5432', '--jump', 'REDIRECT', '--to-ports', '61100'];
  let other: ChildProcess;
  let pid: number;
  const read = async () => (await rules.read([pid], signal)).get(pid);
  beforeAll(async () => {
    other = spawn('unshare', ['--net', '--', 'sh', '-c', 'echo there; exec sleep 120'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(other.stdout as NodeJS.ReadableStream, 'data');
    pid = other.pid ?? 0;
    expect(hasOwnNetwork(pid)).toBe(true);
    const foreign = ['--append', 'INPUT', '--source', '10.2.2.2', '--jump', 'DROP'];
    execFileSync('nsenter', ['--target', String(pid), '--net', '--', 'iptables', ...foreign]);
  });
  afterAll(async () => {
    other.kill('SIGKILL');
    await once(other, 'exit');
  });

  it('are set beside those of others, replaced, and taken away, and those of others stay', async () => {
    const before = await read();
    expect(before).toContain('10.2.2.2');
    await rules.set(pid, ours, signal);
    expect(await rules.has(pid, ours.chain)).toBe(true);
    expect(await rules.has(pid, 'EXAMCTL')).toBe(false);
    const once = await read();
    expect(once).toContain('-A EXAMCTL-ours -s 10.1.1.1/32 -j DROP');
    await rules.set(pid, { ...ours, nat: [redirect] }, signal);
    await rules.set(pid, { ...ours, chain: 'EXAMCTL-ours-too' }, signal);
    await rules.set(pid, ours, signal);
    await rules.clear(pid, 'EXAMCTL-ours-too', signal);
    expect(await read()).toBe(once);

    await rules.clear(pid, ours.chain, signal);

    expect(await rules.has(pid, ours.chain)).toBe(false);
    expect(await read()).toBe(before);
  });

  it('are taken away by several at the same time', async () => {
    const before = await read();
    for (let round = 0; round < 3; round += 1) {
      await rules.set(pid, { ...ours, nat: [redirect] }, signal);
      await Promise.all(Array.from({ length: 6 }, () => rules.clear(pid, ours.chain, signal)));
      expect(await read()).toBe(before);
    }
  });

  it('that the kernel or its tools do not know are told before anything is changed', async () => {
    expect(await rules.problemWith([drop], 'filter')).toBeNull();
    expect(await rules.problemWith([redirect], 'nat')).toBeNull();
    expect(await rules.problemWith([['--jump', 'NO-SUCH-TARGET']], 'filter')).toContain('NO-SUCH-TARGET');
  });

  it('of a process that is gone are undetermined', async () => {
    await expect(rules.has(999_999_999, ours.chain)).rejects.toThrow(Undetermined);
    const read = await rules.read([999_999_999, pid], signal);
    expect(read.get(999_999_999)).toBeInstanceOf(Undetermined);
    expect(read.get(pid)).toContain('10.2.2.2');
    expect(networkNamespaceOf(999_999_999)).toBeUndefined();
    expect(hasOwnNetwork(999_999_999)).toBe(false);
  });

  it('are never for the network of this machine', () => {
    expect(hasOwnNetwork(process.pid)).toBe(false);
    expect(hasOwnNetwork(1)).toBe(false);
  });
});
