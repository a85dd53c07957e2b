// Preloaded into a run by tests: SIGKILL at one line of its journal, either before the line is on disk
// (KILL_AT=change.applied-) or right after (KILL_AT=change.applied+): of the run, its guardian, or both (KILL_WHO).
// KILL_AT=3- counts every line that the run makes durable, those of the audit log, too.
const fs = require('node:fs/promises');
const { readFileSync } = require('node:fs');

const { KILL_AT = '', KILL_WHO = 'run' } = process.env;

if (KILL_AT !== '' && !process.argv.includes('internal')) {
  const wanted = KILL_AT.slice(0, -1);
  const open = fs.open;
  let lines = 0;
  fs.open = async (...args) => {
    const handle = await open(...args);
    const datasync = handle.datasync.bind(handle);
    handle.datasync = async () => {
      lines += 1;
      const journal = journalOf(String(args[0]));
      const isWanted = String(lines) === wanted || journal?.at(-1)?.type === wanted;
      if (isWanted && KILL_AT.endsWith('-')) kill(journal);
      await datasync();
      if (isWanted) kill(journal);
    };
    return handle;
  };
}

function journalOf(file) {
  if (!file.endsWith('journal.ndjson')) return undefined;
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

let killed = false;

function kill(journal) {
  if (killed) return;
  killed = true;
  const guardian = journal?.find(({ type }) => type === 'guardian.ready')?.pid;
  if (KILL_WHO !== 'run' && guardian !== undefined) process.kill(guardian, 'SIGKILL');
  if (KILL_WHO !== 'guardian') process.kill(process.pid, 'SIGKILL');
}
