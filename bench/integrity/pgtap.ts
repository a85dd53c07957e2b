import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { messageOf } from '../../src/lifecycle/errors.ts';
import { publish } from '../../src/sandbox/publish.ts';
import { ended } from '../measure.ts';
import { benchCache } from './server.ts';

const debianPackage = 'postgresql-15-pgtap';

/** Puts pgTAP, functions in SQL and PL/pgSQL only, into a schema of its own; says why where it cannot be had. */
export async function loadPgtap(url: string): Promise<{ readonly missing: string } | undefined> {
  const folder = join(benchCache(), debianPackage);
  try {
    await publish(folder, unpack);
  } catch (error) {
    return { missing: `${debianPackage} cannot be downloaded: ${messageOf(error)}` };
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rowCount } = await client.query("SELECT FROM pg_namespace WHERE nspname = 'pgtap'");
    if (rowCount === 0) {
      const script = readFileSync(join(folder, 'pgtap.sql'), 'utf8');
      await client.query(`BEGIN; CREATE SCHEMA pgtap; SET LOCAL search_path = pgtap;\n${script}\nCOMMIT;`);
    }
    return undefined;
  } finally {
    await client.end();
  }
}

/** The package downloaded and taken apart, not installed; kept is what CREATE EXTENSION would run. */
async function unpack(folder: string): Promise<void> {
  mkdirSync(folder, { mode: 0o755 });
  await ended('apt-get', ['download', debianPackage], { cwd: folder });
  const [file = ''] = readdirSync(folder);
  await ended('dpkg-deb', ['--extract', file, 'package'], { cwd: folder });
  const scripts = join(folder, 'package/usr/share/postgresql/15/extension');
  // pgtap--1.2.0.sql, not the way from one version to another
  const script = readdirSync(scripts).find((name) => /^pgtap--[\d.]+\.sql$/.test(name));
  if (script === undefined) throw new Error(`${file} has no pgtap--VERSION.sql`);
  const text = readFileSync(join(scripts, script), 'utf8');
  // psql's guard against being loaded without CREATE EXTENSION, where there is one
  writeFileSync(join(folder, 'pgtap.sql'), text.replaceAll(/^\\.*$/gm, ''));
}
