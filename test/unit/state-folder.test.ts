import { isAbsolute } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cacheFolder, stateFolder } from '../../src/adapters/state-folder.ts';

describe('the state folder', () => {
  it('is what --state says, before what EXAMCTL_STATE says', () => {
    expect(stateFolder('/a', { EXAMCTL_STATE: '/b' })).toBe('/a');
    expect(stateFolder(undefined, { EXAMCTL_STATE: '/b' })).toBe('/b');
  });

  it('is absolute, as the guardian and the sandbox run in other folders', () => {
    expect(isAbsolute(stateFolder('here', {}))).toBe(true);
    expect(isAbsolute(stateFolder(undefined, { EXAMCTL_STATE: '', XDG_STATE_HOME: '' }))).toBe(true);
    expect(isAbsolute(cacheFolder({ XDG_CACHE_HOME: '' }))).toBe(true);
  });
});
