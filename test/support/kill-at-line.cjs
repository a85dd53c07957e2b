// Preloaded into examctl by tests: ends the process by SIGKILL at the n-th line that it makes durable, either
// before the line is on disk (KILL_AT=3-) or right after (KILL_AT=3+). Its guardian and sandbox are left alone.
const fs = require('node:fs/promises');

if (process.env.KILL_AT && !process.argv.includes('internal')) {
  const number = Number.parseInt(process.env.KILL_AT, 10);
  const after = process.env.KILL_AT.endsWith('+');
  const open = fs.open;
  let lines = 0;
  fs.open = async (...args) => {
    const handle = await open(...args);
    const datasync = handle.datasync.bind(handle);
    handle.datasync = async () => {
      lines += 1;
      if (lines === number && !after) process.kill(process.pid, 'SIGKILL');
      await datasync();
      if (lines === number) process.kill(process.pid, 'SIGKILL');
    };
    return handle;
  };
}
