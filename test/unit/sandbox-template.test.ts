import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeOldTemplates } from '../../src/sandbox/template.ts';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'examctl-templates-'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

const now = Date.now();

function template(name: string, minutesAgo: number): void {
  mkdirSync(join(cache, name, 'postgres'), { recursive: true });
  const usedAt = new Date(now - minutesAgo * 60_000);
  utimesSync(join(cache, name), usedAt, usedAt);
}

it('keeps the three templates that were used last, however long ago', () => {
  for (const hours of [5, 2, 4, 3]) template(`seeded-${hours}`, hours * 60);
  removeOldTemplates(cache, now);
  expect(readdirSync(cache).sort()).toEqual(['seeded-2', 'seeded-3', 'seeded-4']);
});

it('keeps every template that another process may be copying', () => {
  for (const minutes of [1, 2, 3, 4, 59, 61]) template(`seeded-${minutes}`, minutes);
  removeOldTemplates(cache, now);
  expect(readdirSync(cache).sort()).toEqual(['seeded-1', 'seeded-2', 'seeded-3', 'seeded-4', 'seeded-59']);
});

it('lets be what is no template, or not one yet', () => {
  for (const minutes of [1, 2, 3]) template(`seeded-${minutes}`, minutes);
  template('seeded-9.0a1b2c3d.draft', 600);
  template('redis-debian-12-x64', 600);
  removeOldTemplates(cache, now);
  expect(readdirSync(cache)).toHaveLength(5);
});
