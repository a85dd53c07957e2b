import { Command, Option } from 'commander';
import type { Check } from '../checks/check.ts';
import type { CheckCatalogue } from '../checks/index.ts';
import { selectChecks } from '../checks/select-checks.ts';
import { type CheckPlan, explainPlan } from '../checks/statements/explain-plan.ts';
import type { Environment } from '../lifecycle/environment.ts';
import { UsageError } from '../lifecycle/errors.ts';
import type { IntegrityContext } from './integrity-context.ts';
import { explainCheckReport } from './integrity-explain-report.ts';
import { declare } from './traits.ts';

export interface ExplainCommandOptions {
  readonly plan?: boolean;
  readonly analyze?: boolean;
  readonly offline?: boolean;
}

type ExplainContext = Pick<
  IntegrityContext,
  'catalogue' | 'openEnvironment' | 'options' | 'report' | 'progress' | 'signal'
>;

export function integrityExplainCommand(context: ExplainContext): Command {
  return declare(new Command('explain'), { judges: true })
    .argument('<id>', 'of a check: examctl integrity list')
    .description(
      'say in words what a check asks, why it matters to a student, and how the database answers it',
    )
    .option('--plan', 'the plan is what matters: exit 3 when the database cannot be asked for it')
    .option('--analyze', 'carry the check out and time each part; refused while students are in exams')
    .addOption(new Option('--offline', 'the words only: ask no database').conflicts(['plan', 'analyze']))
    .addHelpText(
      'after',
      `
Examples:
  examctl integrity explain lost-answers
  examctl integrity explain lost-answers --plan -e prod

Exit codes: 0 explained (the plan may be unknown), 3 --plan or --analyze was given and the plan is unknown,
4 --analyze was refused.`,
    )
    .action((id: string, options: ExplainCommandOptions) => runIntegrityExplain(id, options, context));
}

export async function runIntegrityExplain(
  id: string,
  { plan: wanted = false, analyze = false, offline = false }: ExplainCommandOptions,
  context: ExplainContext,
): Promise<void> {
  if (id === nearMisses) throw onlyPlanted();
  const catalogue = await context.catalogue();
  const [check] = selectChecks(catalogue, { only: [id] });
  if (check === undefined) throw new Error(`no check ${id}`);
  const isWanted = wanted || analyze;
  const plan = offline ? notAsked : await planFor(check, { catalogue, analyze, isWanted }, context);
  await context.report(explainCheckReport(check, catalogue, plan, { isWanted }));
}

/** The messages of the sandbox name it beside the checks. */
const nearMisses = 'near-misses';

function onlyPlanted(): UsageError {
  return new UsageError(
    `${nearMisses} is only a plant: what looks odd and is right, so that no check finds it`,
    {
      hint: `examctl sandbox plant ${nearMisses} puts it into the sandbox; the checks: examctl integrity list`,
    },
  );
}

const notAsked: CheckPlan = { outcome: 'skipped', environment: null, reason: 'not asked for (--offline)' };

async function planFor(
  check: Check,
  { catalogue, analyze, isWanted }: { catalogue: CheckCatalogue; analyze: boolean; isWanted: boolean },
  { openEnvironment, options, progress, signal }: ExplainContext,
): Promise<CheckPlan> {
  let environment: Environment;
  try {
    environment = await openEnvironment();
  } catch (error) {
    // The words need no environment: with several, one is chosen only by who wants the plan.
    if (!(error instanceof UsageError) || isWanted || options.env !== undefined) throw error;
    return {
      outcome: 'unknown',
      environment: null,
      reason: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    };
  }
  progress.start(`asking ${environment.name} how it would answer ${check.id}`);
  const plan = await explainPlan(check, { environment, catalogue, analyze, signal });
  progress.done();
  return plan;
}
