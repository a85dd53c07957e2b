import { type Gate, summarize } from './gate.ts';

export const examModeGate: Gate = {
  id: 'exam-mode',
  title: 'exam mode does on every worker what it promises, and is as before again',
  needs: ['examModeOn', 'examModeOff'],
  judge: ({ examModeOn, examModeOff }) => {
    const records = [...(examModeOn?.outcomes ?? []), ...(examModeOff?.outcomes ?? [])];
    return summarize(records, `${records.length} probes agree`);
  },
};
