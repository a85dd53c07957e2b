import type { Platform } from '../lifecycle/platform.ts';
import { examPlatform } from './exam-platform.ts';

/** Every platform that examctl knows, by id. */
export const platforms: Readonly<Record<Platform['id'], Platform>> = {
  'exam-platform': examPlatform,
};
