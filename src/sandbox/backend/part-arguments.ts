import { parseArgs } from 'node:util';
import { readSandboxConfig, type SandboxConfig } from '../config.ts';

export interface PartArguments {
  readonly configFile: string;
  readonly config: SandboxConfig;
  /** "backend-1" */
  readonly instance: string;
}

export function readPartArguments(args: string[]): PartArguments {
  const { values } = parseArgs({
    args,
    options: { config: { type: 'string' }, instance: { type: 'string', default: '' } },
  });
  if (values.config === undefined) throw new Error('--config FILE is missing');
  return { configFile: values.config, config: readSandboxConfig(values.config), instance: values.instance };
}
