// Preloaded into a run by tests: SIGKILL at one line of its journal, either before it is written (KILL_AT=change.applied-)
// or right after it is on disk (KILL_AT=change.applied+): of the run, its guardian, or both (KILL_WHO). KILL_BY: another
// signal; KILL_TIMES: more than once; KILL_AFTER: so many milliseconds later. KILL_AT=3- counts every line that the run makes durable, those of the audit log, too.
const fs = require('node:fs/promises');
const { readFileSync } = require('node:fs');

const { KILL_AT = '', KILL_WHO = 'run', KILL_BY = 'SIGKILL', KILL_TIMES = '1' } = process.env;
const { KILL_AFTER } = process.env;
const betweenTimes = 30;

if (KILL_AT !== '' && !process.argv.includes('internal')) {
  const wanted = KILL_AT.slice(0, -1);
  const open = fs.open;
  let lines = 0;
  fs.open = async (...args) => {
    const handle = await open(...args);
    const file = String(args[0]);
    const appendFile = handle.appendFile.bind(handle);
    const datasync = handle.datasync.bind(handle);
    let isWanted = false;
    handle.appendFile = async (text) => {
      lines += 1;
      isWanted = String(lines) === wanted || (isJournal(file) && JSON.parse(text).type === wanted);
      if (isWanted && KILL_AT.endsWith('-')) killSoon(file);
      await appendFile(text);
    };
    handle.datasync = async () => {
      await datasync();
      if (isWanted) killSoon(file);
    };
    return handle;
  };
}

function isJournal(file) {
  return file.endsWith('journal.ndjson');
}

let killed = false;

function killSoon(file) {
  if (killed) return;
  killed = true;
  if (KILL_AFTER === undefined) kill(file);
  else setTimeout(() => kill(file), Number(KILL_AFTER));
}

function kill(file) {
  const guardian = isJournal(file) ? guardianOf(file) : undefined;
  if (KILL_WHO !== 'run' && guardian !== undefined) process.kill(guardian, KILL_BY);
  if (KILL_WHO === 'guardian') return;
  process.kill(process.pid, KILL_BY);
  for (let time = 1; time < Number(KILL_TIMES); time += 1)
    setTimeout(() => process.kill(process.pid, KILL_BY), betweenTimes * time);
}

function guardianOf(file) {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line)).find(({ type }) => type === 'guardian.ready')?.pid;
}
