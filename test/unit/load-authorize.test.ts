import { expect, test } from 'vitest';
import type { Environment } from '../../src/lifecycle/environment.ts';
import { Refused, Undetermined } from '../../src/lifecycle/errors.ts';
import { authorizeLoad } from '../../src/load/authorize-load.ts';

const identities = [{ userId: 'own', email: 'own@students.example', token: 't' }];
const usual = { breakGlass: false, reason: undefined };

function environment(
  row: { in_progress: number; last_ends_at: Date | null } | Error,
  isProtected = false,
): Environment {
  const query = async () => {
    if (row instanceof Error) throw row;
    return { rows: [row] };
  };
  return {
    name: 'staging',
    protected: isProtected,
    withPostgres: (use: (postgres: { query: typeof query }) => Promise<unknown>) => use({ query }),
  } as unknown as Environment;
}

const quiet = { in_progress: 0, last_ends_at: null };
const live = { in_progress: 3, last_ends_at: new Date('2026-01-01T14:30:00Z') };

test('load is allowed where nothing is protected and no exam is live', async () => {
  await expect(authorizeLoad(environment(quiet), identities, usual)).resolves.toBeUndefined();
});

test('load on a protected environment is refused', async () => {
  await expect(authorizeLoad(environment(quiet, true), identities, usual)).rejects.toThrow(Refused);
});

test('load beside an exam is refused, with the number of students and the end', async () => {
  const refusal = authorizeLoad(environment(live), identities, usual);
  await expect(refusal).rejects.toThrow(Refused);
  await expect(refusal).rejects.toThrow(/3 exam sessions .* the last ends 2026-01-01T14:30:00/);
});

test('an environment that examctl has made itself has no exam to stand beside', async () => {
  const sandbox = { ...environment(live), ephemeral: {} } as Environment;
  await expect(authorizeLoad(sandbox, identities, usual)).resolves.toBeUndefined();
});

test('when it cannot be seen whether an exam is live, nothing is sent', async () => {
  const unreachable = environment(new Undetermined('connection refused'));
  await expect(authorizeLoad(unreachable, identities, usual)).rejects.toThrow(Undetermined);
});

test('break-glass allows it, with a reason only', async () => {
  const prod = environment(live, true);
  await expect(authorizeLoad(prod, identities, { breakGlass: true, reason: undefined })).rejects.toThrow(
    Refused,
  );
  await expect(
    authorizeLoad(prod, identities, { breakGlass: true, reason: 'capacity proof' }),
  ).resolves.toBeUndefined();
});
