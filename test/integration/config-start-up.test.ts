import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { loadConfig, selectEnvironment } from '../../src/config/load.ts';

test('without a file, neither yaml nor zod is loaded', async () => {
  for (const library of ['yaml', 'zod']) {
    vi.doMock(library, () => {
      throw new Error(`${library} was loaded`);
    });
  }
  const config = await loadConfig({ cwd: '/', env: {} });
  expect(selectEnvironment(config, { env: {} }).name).toBe('sandbox');

  const examples = join(import.meta.dirname, '../../examples');
  await expect(loadConfig({ cwd: examples, env: {} })).rejects.toThrow();
});
