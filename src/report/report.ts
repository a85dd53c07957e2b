import type { OutcomeRecord } from '../lifecycle/outcome.ts';

/** What a command has to say: data for scripts, blocks for people. Every output format is made from these. */
export interface Report {
  /** names the shape of `data`; printed as "schema": "examctl/<kind>/v<version>" */
  readonly kind: string;
  readonly version?: number;
  /** what --output json and yaml print, with `schema` put in front */
  readonly data: object;
  /** rows of --output ndjson, when there is a natural list */
  readonly rows?: readonly object[];
  /** what --output junit and github print, and what `outcomes` blocks show */
  readonly outcomes?: readonly OutcomeRecord[];
  /** it only shows: nothing in it passes or fails, so that --output junit and github would have to invent a test */
  readonly onlyShows?: true;
  /** what --output table and markdown print, in this order */
  readonly blocks: readonly Block[];
  /** 0 unless given */
  readonly exitCode?: number;
}

export type Block =
  | { readonly type: 'heading'; readonly text: string }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'list'; readonly items: readonly string[] }
  | {
      readonly type: 'table';
      readonly columns: readonly Column[];
      readonly rows: readonly (readonly Cell[])[];
    }
  /** one line an outcome: mark, title, message, hint */
  | { readonly type: 'outcomes'; readonly outcomes: readonly OutcomeRecord[] }
  | { readonly type: 'verdict'; readonly verdict: string; readonly text: string }
  | { readonly type: 'code'; readonly text: string };

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

export type Cell = string | number | boolean | null;

export type OutputFormat = 'table' | 'json' | 'ndjson' | 'yaml' | 'markdown' | 'junit' | 'github';
