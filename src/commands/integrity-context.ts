import type { BaselineStore } from '../checks/baseline/baseline.ts';
import type { CheckCatalogue, PackagedSql } from '../checks/index.ts';
import type { CheckFile } from '../checks/lint/lint-file.ts';
import type { LineSink } from '../lifecycle/line-sink.ts';
import type { Platform } from '../lifecycle/platform.ts';
import type { Watermarks } from '../lifecycle/watermark.ts';
import type { RunHistory } from './check-history.ts';
import type { Context } from './context.ts';

/** What main gives these commands beyond what all commands have. */
export interface IntegrityContext extends Context {
  /** the checks that come with examctl, and those of the user's own folder */
  catalogue(): Promise<CheckCatalogue>;
  /** accepted findings */
  baseline(): Promise<BaselineStore>;
  /** earlier results */
  readonly history: RunHistory;
  readonly watermarks: Watermarks;
  /** the text of a file, or of stdin for "-"; UsageError when it cannot be read */
  readText(source: string): Promise<string>;
  /** a file, or stdout for null */
  openSink(file: string | null): Promise<LineSink>;
  /** the files that checks are written in, whatever is wrong with them */
  checkFiles(): Promise<CheckFiles>;
  /** stays the same for an environment, so that a student has the same pseudonym in every report */
  pseudonymSalt(environment: string): Promise<string>;
}

export interface CheckFiles {
  readonly platform: Platform;
  readonly packaged: PackagedSql;
  /** examctl.yaml; undefined: there is none */
  readonly configFile: string | undefined;
  /** checks.folder of it */
  readonly ownFolder: string | undefined;
  /** of the own folder; none when it was not made yet */
  own(): Promise<CheckFile[]>;
  /** a file, or all .sql files of a folder */
  read(path: string): Promise<CheckFile[]>;
  /** `made`: false when there was such a file, which is left as it is */
  create(folder: string, name: string, text: string): Promise<{ file: string; made: boolean }>;
}
