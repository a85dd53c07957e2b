import { join } from 'node:path';
import pg from 'pg';
import { readJson, writeJson } from '../../adapters/files.ts';
import { messageOf, Undetermined, UsageError } from '../../lifecycle/errors.ts';
import { didYouMean } from '../../lifecycle/nearest.ts';
import { withChangeLock } from '../change-lock.ts';
import { readSandboxConfig, type SandboxConfig } from '../config.ts';
import { requireRunning } from '../control-client.ts';
import { locateSandbox, type SandboxFiles } from '../folder.ts';
import { examRecords, type Undo } from './exam-records.ts';
import { plants } from './index.ts';
import { plantNearMisses } from './near-misses.ts';

/** What can be planted into the sandbox's database: a defect for a check, or what only looks like one. */
export interface Planting {
  readonly id: string;
  readonly what: string;
  /** that the check of this id makes of it; none of near misses */
  readonly findings: number;
}

export interface PlantReport {
  readonly planting: Planting;
  readonly outcome: 'planted' | 'already-there';
}

interface PlantContext {
  readonly stateFolder: string;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

/** The way back, written before the rows are committed; doing it twice, or without the rows, harms nothing. */
interface Planted {
  readonly id: string;
  readonly undo: readonly Undo[];
}

const nearMisses: Planting = {
  id: 'near-misses',
  what: 'records that look odd and are right, for the next hour: blank and cleared answers, repeated submits, ...',
  findings: 0,
};

export const plantings: readonly Planting[] = [
  ...plants.map(({ check, what, findings }) => ({ id: check, what, findings })),
  nearMisses,
];

export function isPlanting(id: string): boolean {
  return plantings.some((planting) => planting.id === id);
}

/** Writes rows into the database of the sandbox that make the check speak; once, until they are taken away. */
export function plantRows(context: PlantContext, id: string): Promise<PlantReport> {
  const planting = plantings.find((candidate) => candidate.id === id);
  if (planting === undefined) {
    const known = plantings.map((candidate) => candidate.id);
    throw new UsageError(`nothing can be planted for "${id}"`, { hint: didYouMean(id, known) });
  }
  const plant = plants.find(({ check }) => check === id)?.plant ?? plantNearMisses;
  return withPlanted(context, async ({ files, config, planted }) => {
    if (planted.some((other) => other.id === id)) return { planting, outcome: 'already-there' };
    try {
      await inTransaction(config, async (client) => {
        const records = examRecords(client, config.students);
        await plant(records);
        writePlanted(files, [...planted, { id, undo: records.undo() }]);
      });
    } catch (error) {
      writePlanted(files, planted);
      throw error;
    }
    return { planting, outcome: 'planted' };
  });
}

/** Takes what was planted away again: of one id, or all of it. Gives the ids. */
export async function unplantRows(context: PlantContext, id: string | 'all'): Promise<string[]> {
  // Without this look a sandbox whose database is stopped could not be mended at all.
  if (plantedIn(context).length === 0) return [];
  return withPlanted(context, async ({ files, config, planted }) => {
    const going = planted.filter((candidate) => id === 'all' || candidate.id === id);
    for (const { undo } of going) {
      await inTransaction(config, async (client) => {
        await client.query('SET LOCAL session_replication_role = replica');
        for (const { text, values } of undo) await client.query(text, [...values]);
      });
    }
    writePlanted(
      files,
      planted.filter((candidate) => !going.includes(candidate)),
    );
    return going.map((gone) => gone.id);
  });
}

/** Ids of what is planted. */
function plantedIn({ stateFolder }: Pick<PlantContext, 'stateFolder'>): string[] {
  return readPlanted(locateSandbox(stateFolder)).map(({ id }) => id);
}

function withPlanted<T>(
  context: PlantContext,
  use: (there: { files: SandboxFiles; config: SandboxConfig; planted: readonly Planted[] }) => Promise<T>,
): Promise<T> {
  requireRunning(context.stateFolder);
  return withChangeLock(context.stateFolder, context, () => {
    const { files } = requireRunning(context.stateFolder);
    return use({ files, config: readSandboxConfig(files.config), planted: readPlanted(files) });
  });
}

async function inTransaction(
  { databaseUrl }: SandboxConfig,
  use: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'examctl-sandbox-plant',
    connectionTimeoutMillis: 5_000,
    lock_timeout: 5_000,
    statement_timeout: 30_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('BEGIN');
    await use(client);
    await client.query('COMMIT');
  } catch (error) {
    throw new Undetermined(`the sandbox's database could not be changed: ${messageOf(error)}`, {
      hint: 'see examctl sandbox status; examctl sandbox reset starts again with fresh data',
      cause: error,
    });
  } finally {
    await client.end();
  }
}

function plantedFile({ folder }: SandboxFiles): string {
  return join(folder, 'planted.json');
}

function readPlanted(files: SandboxFiles): Planted[] {
  return readJson<Planted[]>(plantedFile(files)) ?? [];
}

function writePlanted(files: SandboxFiles, planted: readonly Planted[]): void {
  writeJson(plantedFile(files), planted);
}
