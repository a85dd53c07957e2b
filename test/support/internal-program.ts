import { internalProcesses } from '../../src/main/internal-processes.ts';

/** Only `examctl internal NAME ...`, from the sources: it starts faster than all of the command. */
const [, , , name = '', ...args] = process.argv;
await internalProcesses[name]?.(args);
