/** Where lines go one after another, however many there are. */
export interface LineSink {
  /** resolves when there is room for more; false: nobody reads any more */
  write(lines: string): Promise<boolean>;
  /** `complete`: all has been written */
  close(complete: boolean): Promise<void>;
}
