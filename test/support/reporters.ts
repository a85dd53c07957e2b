import { DefaultReporter, DotReporter, type TestCase, type TestModule, type Vitest } from 'vitest/node';

/** For people: a line for each file, and before the summary one that says what was left out, and why. */
export class PeopleReporter extends DefaultReporter {
  override reportTestSummary(...summary: Parameters<DefaultReporter['reportTestSummary']>): void {
    this.log(leftOut(testsOf(this.ctx)));
    super.reportTestSummary(...summary);
  }
}

/**
 * Dots; and before the summary, on a line each, what failed. A failure's own text may be pages of log: who sees only the
 * end of the output sees its name.
 */
export class CiReporter extends DotReporter {
  override reportTestSummary(...summary: Parameters<DotReporter['reportTestSummary']>): void {
    const modules = this.ctx.state.getTestModules();
    const failed = [
      ...modules.filter((module) => module.errors().length > 0).map(nameOfModule),
      ...testsOf(this.ctx)
        .filter((test) => test.result().state === 'failed')
        .map(nameOf),
    ];
    if (failed.length > 0) this.log(['Failed:', ...failed].join('\n  '));
    this.log(leftOut(testsOf(this.ctx)));
    super.reportTestSummary(...summary);
  }
}

function leftOut(tests: readonly TestCase[]): string {
  const reasons = new Map<string, number>();
  for (const test of tests) {
    const result = test.result();
    if (result.state !== 'skipped') continue;
    const reason = result.note ?? `no reason given: ${nameOf(test)}`;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  if (reasons.size === 0) return 'Nothing was left out.';
  return `Left out: ${[...reasons].map(([reason, count]) => `${count} (${reason})`).join(', ')}`;
}

function testsOf({ state }: Vitest): TestCase[] {
  return state.getTestModules().flatMap((module) => [...module.children.allTests()]);
}

function nameOfModule({ relativeModuleId }: TestModule): string {
  return relativeModuleId;
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}`;
}
