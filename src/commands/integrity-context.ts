import type { CheckCatalogue } from '../checks/index.ts';
import type { Context } from './context.ts';

/** What main gives these commands beyond what all commands have. */
export interface IntegrityContext extends Context {
  /** the checks that come with examctl, and those of the user's own folder */
  catalogue(): Promise<CheckCatalogue>;
  /** stays the same for an environment, so that a student has the same pseudonym in every report */
  pseudonymSalt(environment: string): Promise<string>;
}
