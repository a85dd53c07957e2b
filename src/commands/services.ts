import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../lifecycle/clock.ts';
import type { Driver, InstanceStats, Service, ServiceInstance } from '../lifecycle/environment.ts';
import type { Plan } from '../lifecycle/plan.ts';
import { planReport } from '../report/plan-report.ts';
import type { Report } from '../report/report.ts';
import { planRollback } from '../services/plan-rollback.ts';
import { planRestartAll, planService, type ServiceOrder } from '../services/plan-services.ts';
import type { Context } from './context.ts';
import { reportLines } from './log-lines-report.ts';
import { parseSince } from './since-argument.ts';
import { declare } from './traits.ts';

const services: readonly Service[] = ['backend', 'frontend', 'database', 'cache', 'edge', 'worker'];

interface LogFlags {
  readonly since?: Date;
  readonly follow: boolean;
}

export function servicesCommand(context: Context): Command {
  const command = new Command('services')
    .description('show, start, stop and restart the services of an environment, and read their logs')
    .addHelpText(
      'after',
      `
Examples:
  examctl services status -e staging
  examctl services logs backend --since 10m -e staging | grep -i error
  examctl services restart backend -e staging --dry-run`,
    );
  command
    .command('status')
    .description('show each instance: whether it is healthy, since when, how much it uses')
    .option('--stats', 'with processor and memory, which takes a second', false)
    .action((flags: { stats: boolean }) => runServicesStatus(flags, context));
  command
    .command('logs')
    .addArgument(new Argument('<service>', 'whose').choices(services))
    .option('--since <time>', 'from then on: 10m, or 2026-05-04T09:00Z', parseSince)
    .option('-f, --follow', 'go on printing what is added', false)
    .description('print the logs of a service')
    .action((service: Service, flags: LogFlags) => runServicesLogs(service, flags, context));
  for (const order of ['start', 'stop', 'restart'] as const) {
    declare(command.command(order), { changes: true, dryRun: true })
      .addArgument(new Argument('<service>', 'which').choices(services))
      .description(descriptions[order])
      .addHelpText(
        'after',
        `\nExample:\n  examctl services ${order} cache -e staging --reason "..." --dry-run`,
      )
      .action((service: Service) => runServiceOrder(order, service, context));
  }
  declare(command.command('restart-all'), { changes: true, dryRun: true })
    .description(
      'restart every service in the order in which they need each other, each when the last is healthy',
    )
    .action(() => runRestartAll(context));
  declare(command.command('rollback'), { changes: true, dryRun: true })
    .addArgument(new Argument('<service>', 'which').choices(services))
    .addOption(new Option('--to <tag>', 'of an image that is on the machine already').argParser(parseTag))
    .description(
      'deploy an earlier version of a service; the one that runs comes back when it does not get well',
    )
    .addHelpText(
      'after',
      `
The tag is changed where it is written: in the env file of the compose project, where the image reads name:\${TAG}, or in
the compose file itself. The file as it was stays beside it.

Example:
  examctl services rollback backend --to 2026-05-03 -e staging --reason "..." --dry-run`,
    )
    .action((service: Service, { to }: { to?: string }) => runRollback(service, to, context));
  return command;
}

/** Of an image: docs.docker.com/reference/cli/docker/image/tag */
function parseTag(text: string): string {
  if (/^\w[\w.-]{0,127}$/.test(text)) return text;
  throw new InvalidArgumentError('A tag is letters, digits, _ . and -: what follows the colon of an image.');
}

const descriptions: Readonly<Record<ServiceOrder, string>> = {
  start: 'start a service, and wait until it is healthy',
  stop: 'stop a service; it stays stopped',
  restart: 'restart a service, and wait until it is healthy',
};

type StatusContext = Pick<Context, 'openEnvironment' | 'report' | 'signal'>;

export async function runServicesStatus(
  { stats }: { stats: boolean },
  { openEnvironment, report, signal }: StatusContext,
): Promise<void> {
  const { driver } = await openEnvironment();
  const instances = await driver.instances();
  await report(statusReport(instances, stats ? await twoSamples(driver, signal) : []));
}

/** Milliseconds: a share of processor time is one between two looks. */
const betweenSamples = 500;

async function twoSamples(driver: Driver, signal: AbortSignal): Promise<InstanceStats[]> {
  const first = await driver.stats();
  if (first.every(({ cpu, memoryBytes }) => cpu !== null || memoryBytes === null)) return first;
  await systemClock.sleep(betweenSamples, signal);
  return driver.stats();
}

function statusReport(instances: readonly ServiceInstance[], stats: readonly InstanceStats[]): Report {
  const rows = instances.map(({ since, ...instance }) => {
    const use = stats.find(({ id }) => id === instance.id);
    return {
      ...instance,
      since: since?.toISOString() ?? null,
      ...(use === undefined ? {} : { cpu: use.cpu, memoryBytes: use.memoryBytes }),
    };
  });
  const used = stats.length > 0;
  return {
    kind: 'services.status',
    data: { instances: rows },
    rows,
    // Asked for what is, it is determined that something is not well.
    exitCode: instances.every(({ state }) => state === 'running') ? 0 : 1,
    blocks: [
      {
        type: 'table',
        columns: [
          { title: 'instance' },
          { title: 'state' },
          { title: 'since' },
          { title: 'restarts', align: 'right' },
          ...(used
            ? [
                { title: 'cores', align: 'right' as const },
                { title: 'memory', align: 'right' as const },
              ]
            : []),
          { title: 'detail' },
        ],
        rows: rows.map(({ id, state, since, restarts, cpu, memoryBytes, detail }) => [
          id,
          state,
          since === null ? null : `${since.slice(0, 19)}Z`,
          restarts ?? null,
          ...(used ? [inCores(cpu), inMegabytes(memoryBytes)] : []),
          detail ?? '',
        ]),
      },
    ],
  };
}

function inCores(cpu: number | null | undefined): string | null {
  return cpu === null || cpu === undefined ? null : cpu.toFixed(2);
}

function inMegabytes(bytes: number | null | undefined): string | null {
  return bytes === null || bytes === undefined ? null : `${Math.round(bytes / 1_048_576)} MiB`;
}

export async function runServicesLogs(
  service: Service,
  { since, follow }: LogFlags,
  { openEnvironment, report, signal }: Pick<Context, 'openEnvironment' | 'report' | 'signal'>,
): Promise<void> {
  const { driver } = await openEnvironment();
  const lines = driver.logs(service, { ...(since && { since }), follow, signal });
  await reportLines('services.logs', lines, { follow, report });
}

type OrderContext = Pick<Context, 'openEnvironment' | 'report' | 'options' | 'operator'>;

export async function runServiceOrder(order: ServiceOrder, service: Service, context: OrderContext) {
  const environment = await context.openEnvironment();
  await carryOut(await planService(order, service, environment), context, environment);
}

export async function runRestartAll(context: OrderContext): Promise<void> {
  const environment = await context.openEnvironment();
  await carryOut(await planRestartAll(environment), context, environment);
}

export async function runRollback(service: Service, tag: string | undefined, context: OrderContext) {
  const environment = await context.openEnvironment();
  await carryOut(await planRollback(service, tag, environment), context, environment);
}

async function carryOut(
  plan: Plan,
  { options, operator, report }: OrderContext,
  environment: Awaited<ReturnType<OrderContext['openEnvironment']>>,
): Promise<void> {
  if (options.dryRun) return report(planReport(plan));
  const kind = plan.operation.replace(' ', '.');
  if (plan.changes.length === 0) {
    return report({
      kind,
      data: { run: null, changes: [] },
      blocks: [{ type: 'text', text: 'Nothing to change: it is so already.' }],
    });
  }
  const { run, folder } = await operator(environment).run(plan);
  await report({
    kind,
    data: { run, folder, changes: plan.changes },
    blocks: [
      {
        type: 'list',
        items: plan.changes.map(({ target, before, after }) => `${target}: ${before} -> ${after}`),
      },
      { type: 'text', text: `Done, and looked at again. Journal: ${folder}` },
    ],
  });
}
