import type { Report } from '../report/report.ts';
import type { CheckFiles } from './integrity-context.ts';

export interface MadeCheck {
  readonly id: string;
  readonly file: string;
  readonly folder: string;
  readonly files: Pick<CheckFiles, 'ownFolder' | 'configFile'>;
}

export function newCheckReport({ id, file, folder, files }: MadeCheck): Report {
  const next = [
    `write what is in angle brackets, and the statement: ${file}`,
    `examctl integrity lint ${file}`,
    ...(file.startsWith(`${files.ownFolder}/`) ? [] : [configured(folder, files)]),
    `examctl integrity check --check ${id}`,
  ];
  return {
    kind: 'integrity.new',
    data: { id, file, next },
    blocks: [
      { type: 'text', text: `Made ${file}. What to do next:` },
      { type: 'list', items: next },
    ],
  };
}

/** What examctl.yaml needs for the checks of a folder to run; all of it when there is none. */
export function configLines(folder: string, configFile: string | undefined): string[] {
  const checks = `checks: { folder: ${folder} }`;
  if (configFile !== undefined) return [checks];
  return ['environments:', '  sandbox: { platform: exam-platform, driver: { kind: sandbox } }', checks];
}

function configured(folder: string, { ownFolder, configFile }: MadeCheck['files']): string {
  if (ownFolder !== undefined)
    return `it does not run from there: checks.folder of ${configFile} is ${ownFolder}`;
  const where = configFile === undefined ? 'write examctl.yaml' : `add to ${configFile}`;
  return [`so that it runs, ${where}:`, ...configLines(folder, configFile)].join('\n    ');
}
