import { join } from 'node:path';
import { messageOf } from '../../lifecycle/errors.ts';
import type { DefectId } from '../defects.ts';
import { watchJsonFile } from './watched-file.ts';

export interface ActiveDefects {
  isOn(id: DefectId): boolean;
  /**
   * true for `times` of every `of` calls made while the defect is on, evenly spread; not for the first ones, so that
   * a single student's canary passes and it takes load to see it
   */
  strikes(id: DefectId, times: number, of: number): boolean;
  close(): void;
}

/** The defects that are switched on now; what is switched during the life of the process counts within 250 ms. */
export function watchDefects(folder: string): ActiveDefects {
  const calls = new Map<DefectId, number>();
  const file = watchJsonFile<readonly DefectId[]>(join(folder, 'defects.json'), [], (error) =>
    process.stderr.write(`defects.json cannot be read, the last known ones stay: ${messageOf(error)}\n`),
  );
  const isOn = (id: DefectId) => {
    const on = file.value().includes(id);
    if (!on) calls.delete(id);
    return on;
  };
  return {
    isOn,
    strikes(id, times, of) {
      if (!isOn(id)) return false;
      const call = calls.get(id) ?? 0;
      calls.set(id, call + 1);
      return (call * times + Math.floor(of / 2)) % of < times;
    },
    close: file.close,
  };
}
