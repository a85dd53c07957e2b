import { expect, it } from 'vitest';
import { composePrograms, startEngine, whyNoEngine } from '../support/docker-engine.ts';
import { startExamStack } from '../support/exam-stack.ts';

it.for(composePrograms)(
  '$name has five services healthy in under 15 s',
  { timeout: 120_000 },
  async ({ name, command, missing, install }, { skip }) => {
    const why = whyNoEngine() ?? missing;
    if (why !== null) {
      process.stderr.write(`skipped: the start of five services by ${name}: ${why}\n`);
      return skip(why);
    }
    const engine = await startEngine();
    try {
      install(engine);
      const { secondsUntilHealthy } = await startExamStack(engine, { project: 'exam', command });
      process.stderr.write(`${name}: five services healthy after ${secondsUntilHealthy.toFixed(1)} s\n`);
      expect(secondsUntilHealthy).toBeLessThan(15);
    } finally {
      await engine.stop();
    }
  },
);
