import { DotReporter, type TestCase } from 'vitest/node';

/**
 * Dots; and before the summary, on a line each, what failed and what needed another attempt. A failure's own text may
 * be pages of log: who sees only the end of the output sees its name.
 */
export default class CiReporter extends DotReporter {
  override reportTestSummary(...summary: Parameters<DotReporter['reportTestSummary']>): void {
    const modules = this.ctx.state.getTestModules();
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    this.list('Failed:', [
      ...modules
        .filter((module) => module.errors().length > 0)
        .map(({ relativeModuleId }) => relativeModuleId),
      ...tests.filter((test) => test.result().state === 'failed').map(nameOf),
    ]);
    this.list('Needed another attempt:', tests.filter((test) => test.diagnostic()?.flaky).map(nameOf));
    super.reportTestSummary(...summary);
  }

  private list(title: string, names: readonly string[]): void {
    if (names.length > 0) this.log([title, ...names].join('\n  '));
  }
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}`;
}
