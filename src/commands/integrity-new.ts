import { Command } from 'commander';
import { newCheck, whyNotId } from '../checks/template.ts';
import { UsageError } from '../lifecycle/errors.ts';
import type { CheckFiles, IntegrityContext } from './integrity-context.ts';
import { configLines, newCheckReport } from './integrity-new-report.ts';

export interface NewOptions {
  readonly folder?: string;
}

type NewContext = Pick<IntegrityContext, 'checkFiles' | 'report'>;

export function integrityNewCommand(context: NewContext): Command {
  return new Command('new')
    .argument('<id>', 'its name, in kebab-case, as late-starts')
    .description('make the file of a check of your own: a header to fill in, and a statement that runs')
    .option('--folder <dir>', 'where it is made; default: checks.folder of examctl.yaml')
    .addHelpText(
      'after',
      `
Nothing is overwritten. A check is one SELECT; each row that it returns is a finding.

Examples:
  examctl integrity new late-starts
  examctl integrity new late-starts --folder ops/checks`,
    )
    .action((id: string, options: NewOptions) => runIntegrityNew(id, options, context));
}

export async function runIntegrityNew(
  id: string,
  { folder: given }: NewOptions,
  { checkFiles, report }: NewContext,
): Promise<void> {
  const files = await checkFiles();
  const why = whyNotId(id, await takenIds(files));
  if (why !== null) {
    throw new UsageError(`"${id}" cannot be the id of a new check: ${why}`, {
      hint: 'as late-starts; the ids that there are: examctl integrity list',
    });
  }
  const folder = given ?? files.ownFolder ?? noFolder(files);
  const { file, made } = await files.create(folder, `${id}.sql`, newCheck(id));
  if (!made) {
    throw new UsageError(`${file} is there already, and was left as it is`, {
      hint: `see what is to do in it: examctl integrity lint ${file}`,
    });
  }
  await report(newCheckReport({ id, file, folder, files }));
}

async function takenIds(files: CheckFiles): Promise<Map<string, string>> {
  const { packaged } = files;
  const sources = [...packaged.checks, ...packaged.classic, ...(await files.own())];
  return new Map(sources.map(({ header, file }) => [header.get('id')?.value ?? '', file]));
}

function noFolder({ configFile }: CheckFiles): never {
  throw new UsageError('no folder for checks of your own is configured', {
    hint: [
      configFile === undefined
        ? 'give one with --folder DIR, or write examctl.yaml, as:'
        : `give one with --folder DIR, or add to ${configFile}:`,
      ...configLines('ops/checks', configFile).map((line) => `  ${line}`),
    ].join('\n'),
  });
}
