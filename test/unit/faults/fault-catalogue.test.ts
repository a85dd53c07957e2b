import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { actions } from '../../../src/actions/index.ts';
import { packageRoot } from '../../../src/adapters/package-root.ts';
import { faults } from '../../../src/faults/index.ts';
import { type Parameter, valuesOf } from '../../../src/faults/parameters.ts';
import { parseStopCondition } from '../../../src/faults/stop-condition.ts';
import type { Environment } from '../../../src/lifecycle/environment.ts';
import { examPlatform } from '../../../src/platforms/exam-platform.ts';
import { steadyState } from '../../../src/probes/steady-state.ts';
import { rehearsalProfiles } from '../../../src/rehearsal/profiles.ts';

const ids = faults.map(({ id }) => id);
const kinds: readonly string[] = actions.map(({ kind }) => kind);
const sources = join(packageRoot(), 'src/faults');

/** Of it only the workers are asked for: what a fault would change is known without looking. */
const environment = { driver: { kind: 'sandbox', workers: async () => [11, 12] } } as unknown as Environment;

/** Nothing of it answers: the ids of what would be looked at are the same. */
async function steadyStateIds(): Promise<string[]> {
  const gone = async () => {
    throw Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
  };
  const dark = {
    platform: examPlatform,
    driver: { instances: gone, variable: async () => undefined },
    api: { request: gone },
    withPostgres: gone,
    withRedis: gone,
    identities: gone,
  } as unknown as Environment;
  return (await steadyState(dark)).map(({ id }) => id);
}

/** one for each bound and each choice */
function extremes(parameter: Parameter): string[] {
  const { name } = parameter;
  if (parameter.kind === 'number') return [`${name}=${parameter.min}`, `${name}=${parameter.max}`];
  return parameter.kind === 'choice' ? parameter.choices.map((choice) => `${name}=${choice}`) : [];
}

describe('the catalogue of faults', () => {
  it('has each fault that has a file, by the name of the file and in its order', () => {
    const files = readdirSync(sources).filter((file) =>
      readFileSync(join(sources, file), 'utf8').includes('= defineFault({'),
    );
    expect(ids.map((id) => `${id}.ts`)).toEqual(files.sort());
  });

  it('has the faults of a rehearsal', () => {
    for (const { faults: injected, drill } of Object.values(rehearsalProfiles))
      expect(ids).toEqual(expect.arrayContaining([...injected.map(({ fault }) => fault), drill]));
  });
});

describe.each(faults)('$id', (fault) => {
  it('lasts no longer than it may, also where nothing is said', () => {
    expect(fault.defaultSeconds).toBeGreaterThan(0);
    expect(fault.defaultSeconds).toBeLessThanOrEqual(fault.maxSeconds);
    expect(fault.maxSeconds).toBeLessThanOrEqual(300);
  });

  it('says what it does, what should happen, and whom it hits', () => {
    const texts = [fault.title, fault.expectation, fault.impact, fault.hits(valuesOf(fault.parameters, []))];
    for (const text of texts) expect(text).toMatch(/^[\w'].*\w/);
    expect(fault.toleratedErrorRate).toBeGreaterThanOrEqual(0);
    expect(fault.toleratedErrorRate).toBeLessThanOrEqual(1);
  });

  it('names other faults that show about the same', () => {
    expect(ids).toEqual(expect.arrayContaining([...fault.alternatives]));
    expect(fault.alternatives).not.toContain(fault.id);
  });

  it('has stop conditions that can be read, and that what it tolerates does not cross', () => {
    for (const { metric, limit } of fault.stopIf.map(parseStopCondition))
      if (metric === 'error_rate') expect(limit).toBeGreaterThanOrEqual(fault.toleratedErrorRate);
  });

  it('takes its own initial values for good', () => {
    const values = valuesOf(fault.parameters, []);
    const given = Object.entries(values).map(([name, value]) => `${name}=${value}`);
    expect(valuesOf(fault.parameters, given)).toEqual(values);
  });

  it('has a way back for each change, known to a guardian, whatever its parameters are', async () => {
    for (const set of [[], ...fault.parameters.flatMap(extremes).map((one) => [one])]) {
      const values = valuesOf(fault.parameters, set);
      if (values.from !== undefined && values.from === values.to) {
        expect(() => fault.needs?.(values)).toThrow('there is no network between');
        continue;
      }
      fault.needs?.(values);
      for (const { apply, revert, undoneBy } of await fault.changes({ environment, values, seconds: 7 })) {
        expect(undoneBy).toBe('guardian');
        expect(kinds).toContain(apply.kind);
        expect(kinds).toContain(revert?.kind);
        if (apply.lifeSeconds !== undefined) expect(apply.lifeSeconds).toBeGreaterThanOrEqual(7 + 60);
      }
    }
  });

  it('may lose nothing but what belongs to the steady state', async () => {
    expect(await steadyStateIds()).toEqual(expect.arrayContaining([...fault.mayFail]));
  });
});
