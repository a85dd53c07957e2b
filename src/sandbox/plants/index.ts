import { answerPlants } from './answers.ts';
import { eventPlants } from './events.ts';
import type { Plant } from './plant.ts';
import { rulePlants } from './rules.ts';
import { sessionPlants } from './sessions.ts';

/** One for each integrity check, by the ids of the checks. */
export const plants: readonly Plant[] = [
  ...answerPlants,
  ...eventPlants,
  ...rulePlants,
  ...sessionPlants,
].sort((a, b) => (a.check < b.check ? -1 : 1));
