import { describe, expect, it } from 'vitest';
import { thresholdProblems, thresholdsOf } from '../../src/checks/thresholds.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { readConfigText } from '../../src/config/read-config.ts';
import { jsonSchema } from '../../src/config/schema.ts';
import { type CheckThresholds, parseFindingLimit } from '../../src/lifecycle/finding-limit.ts';
import { packagedCatalogue } from '../support/catalogue.ts';

const { checks } = await packagedCatalogue();

function read(checksSection: string) {
  const text = `environments:\n  sandbox: { platform: exam-platform, driver: { kind: sandbox } }\nchecks:\n${checksSection}\n`;
  return readConfigText({ text, file: '/repo/ops/examctl.yaml', shownAs: 'examctl.yaml', env: {} });
}
const problemsOf = (limits: string) =>
  read(`  thresholds:\n    overdue-sessions: ${limits}`).problems.map(formatProblem);

describe('a limit of findings', () => {
  it.each([
    [3, { count: 3 }],
    ['0', { count: 0 }],
    ['5%', { share: 0.05 }],
    ['0.5%', { share: 0.005 }],
    ['100%', { share: 1 }],
  ])('is written %s', (text, limit) => {
    expect(parseFindingLimit(text)).toEqual(limit);
  });

  it.each([-1, 0.5, '101%', '5 percent', '', '1e3', '99999999999999999999'])('is not %s', (text) => {
    expect(parseFindingLimit(text)).toBeUndefined();
  });
});

describe('thresholds of checks in examctl.yaml', () => {
  it('are read with the place at which they stand, and the baseline lies beside the file', () => {
    const { config } = read('  thresholds:\n    overdue-sessions: { warn: 1, fail: 5% }');

    expect(config).toMatchObject({
      checksFolder: undefined,
      checkThresholds: [
        {
          check: 'overdue-sessions',
          thresholds: { warn: { count: 1 }, fail: { share: 0.05 } },
          where: 'examctl.yaml:5:5',
        },
      ],
      baselineFile: '/repo/ops/integrity-baseline.json',
    });
    expect(read('  baseline: ../known.json').config).toMatchObject({ baselineFile: '/repo/known.json' });
  });

  it.each(['{ fail: 0.5 }', '{ fail: -1 }', '{ fail: "5 percent" }', '{ fail: 200% }'])(
    'are refused with their place: %s',
    (limits) => {
      expect(problemsOf(limits)).toEqual([
        'examctl.yaml:5:31 checks.thresholds.overdue-sessions.fail: is neither a number of findings nor a share of what is looked at (as 5, or 0.5%)',
      ]);
    },
  );

  it.each(['{ fail: true }', '{ fail: [1] }', '{ fail: { count: 1 } }', '{ fail: }'])(
    'are numbers or shares, and not %s',
    (limits) => {
      expect(problemsOf(limits)).toEqual([
        expect.stringMatching(
          /^examctl\.yaml:5:\d+ checks\.thresholds\.overdue-sessions\.fail: must be a number or a share in percent, and is /,
        ),
      ]);
    },
  );

  it('name an unknown key and its neighbour', () => {
    expect(problemsOf('{ warning: 1 }')).toEqual([
      expect.stringContaining(
        '5:25 checks.thresholds.overdue-sessions.warning: unknown key (did you mean "warn"?',
      ),
    ]);
  });

  it.each([
    ['{ warn: 5, fail: 5 }', /^examctl\.yaml:5:31 .*\.warn: has no effect: the check fails from 5 on/],
    ['{ warn: 6%, fail: 5% }', /^examctl\.yaml:5:31 .*\.warn: has no effect: the check fails from 5% on/],
    ['{}', /^examctl\.yaml:5:5 checks\.thresholds\.overdue-sessions: has neither "warn" nor "fail"/],
  ])('must have an effect: %s', (limits, problem) => {
    expect(problemsOf(limits)).toEqual([expect.stringMatching(problem)]);
  });

  it.each(['{ warn: 5, fail: 6 }', '{ warn: 5%, fail: 6 }', '{ warn: 100, fail: 1% }', '{ warn: 1 }'])(
    'may be %s',
    (limits) => {
      expect(problemsOf(limits)).toEqual([]);
    },
  );

  it('are in the JSON Schema for editors', () => {
    expect(jsonSchema()).toMatchObject({
      properties: {
        checks: {
          properties: {
            thresholds: {
              additionalProperties: {
                properties: { warn: { type: ['number', 'string'] } },
              },
            },
          },
        },
      },
    });
  });
});

describe('thresholds for the checks that there are', () => {
  const written = (check: string, thresholds: CheckThresholds, line: number) => ({
    check,
    thresholds,
    where: `examctl.yaml:${line}:5`,
  });

  it('are found by the id of their check', async () => {
    const limits = { fail: { share: 0.05 } };
    const entry = written('overdue-sessions', limits, 5);

    expect(thresholdsOf([entry])).toEqual({ 'overdue-sessions': limits });
    expect(thresholdProblems([entry], checks)).toEqual([]);
  });

  it('are refused all at once where they could not have an effect', async () => {
    const problems = thresholdProblems(
      [
        written('overdue-session', { warn: { count: 1 } }, 5),
        written('count-answers', { warn: { count: 1 } }, 6),
        written('constraints-valid', { fail: { share: 0.5 } }, 7),
        written('constraints-valid', { fail: { count: 1 } }, 8),
      ],
      checks,
    );

    expect(problems.map(({ where, code, message }) => `${where} ${code}: ${message}`)).toEqual([
      'examctl.yaml:5:5 unknown-check: there is no such check',
      'examctl.yaml:6:5 no-findings: the check only counts, so it has no findings to limit',
      'examctl.yaml:7:5 no-share: the check does not tell how many it looks at, so there is no share of it',
    ]);
    expect(problems[0]?.hint).toContain('did you mean "overdue-sessions"?');
  });

  it('of a name that is like none are not guessed at', async () => {
    const [problem] = thresholdProblems([written('nonsense', { warn: { count: 1 } }, 5)], checks);

    expect(problem?.hint).toBe('examctl integrity list shows the checks, and what each looks at');
  });

  it('of a check whose file is wrong are left alone, as it says so itself', async () => {
    const broken = checks
      .filter(({ id }) => id === 'constraints-valid')
      .map((check) => ({ ...check, broken: { reason: 'its file is wrong', hint: 'lint' } }));

    expect(thresholdProblems([written('constraints-valid', { fail: { share: 0.5 } }, 7)], broken)).toEqual(
      [],
    );
  });
});
