import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { publish } from '../../src/sandbox/publish.ts';

describe('what is made once', () => {
  let folder: string;
  let target: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'examctl-publish-'));
    target = join(folder, 'made');
  });
  afterEach(() => {
    vi.useRealTimers();
    rmSync(folder, { recursive: true });
  });

  const make = async (draft: string) => {
    mkdirSync(draft);
    writeFileSync(join(draft, 'file'), 'whole');
  };
  const draftOf = (id: string) => {
    const draft = `${target}.${id}.draft`;
    mkdirSync(draft);
    return draft;
  };

  it('keeps the draft of another process that has unpacked something old into it', async () => {
    const draft = draftOf('0a1b2c3d');
    utimesSync(draft, new Date('2020-01-01'), new Date('2020-01-01'));

    await publish(target, make);

    expect(existsSync(draft)).toBe(true);
  });

  it('removes a draft that nobody has touched for an hour', async () => {
    draftOf('0a1b2c3d');
    vi.useFakeTimers({ now: Date.now() + 3_700_000, toFake: ['Date'] });

    await publish(target, make);

    expect(readdirSync(folder)).toEqual(['made']);
  });

  it('is there whole or not at all', async () => {
    const making = publish(target, async (draft) => {
      await make(draft);
      throw new Error('no network');
    });

    await expect(making).rejects.toThrow('no network');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is kept as the first of two made it', async () => {
    await publish(target, async (draft) => {
      await make(draft);
      await publish(target, make);
      writeFileSync(join(target, 'first'), '');
    });

    expect(readdirSync(target).sort()).toEqual(['file', 'first']);
    expect(readdirSync(folder)).toEqual(['made']);
  });
});
