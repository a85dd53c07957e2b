import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/main/catalogue.ts';

test('without checks of one’s own, lint is not loaded', async () => {
  vi.doMock('../../src/checks/lint/lint-file.ts', () => {
    throw new Error('lint was loaded');
  });
  const checksFolder = mkdtempSync(join(tmpdir(), 'examctl-own-'));
  onTestFinished(() => rmSync(checksFolder, { recursive: true }));

  const { checks } = await loadCatalogue({ checksFolder: undefined, checkThresholds: [] }, '/');
  expect(checks.length).toBeGreaterThan(20);
  await loadCatalogue({ checksFolder, checkThresholds: [] }, '/');

  writeFileSync(join(checksFolder, 'mine.sql'), 'SELECT 1');
  await expect(loadCatalogue({ checksFolder, checkThresholds: [] }, '/')).rejects.toThrow();
});
