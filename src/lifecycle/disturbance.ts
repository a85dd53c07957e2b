import type { Service } from './environment.ts';

/** What a driver can do to services on purpose, beside stopping, pausing and starting them. */
export type Disturbance =
  /** nothing passes between the two, and nobody is told */
  | { readonly kind: 'network-cut'; readonly from: Service; readonly to: Service }
  /** `share` of the packets, in 0..1, are lost */
  | { readonly kind: 'network-loss'; readonly from: Service; readonly to: Service; readonly share: number }
  /** each request on a connection, so each statement, arrives later */
  | {
      readonly kind: 'network-delay';
      readonly from: Service;
      readonly to: Service;
      readonly milliseconds: number;
    }
  /** so many cores are kept busy beside the service's own processes */
  | { readonly kind: 'cpu'; readonly service: Service; readonly cores: number }
  /** `share`, in 0..1, of the memory that the service may use is taken */
  | { readonly kind: 'memory'; readonly service: Service; readonly share: number }
  /** the tmpfs or quota at this path of the service is filled; "": the first that it has */
  | { readonly kind: 'disk'; readonly service: Service; readonly path: string }
  /** an upstream of the platform answers so, or not at all */
  | { readonly kind: 'vendor'; readonly answer: '429' | '500' | 'timeout' };

/** What a driver may be able to do on purpose. */
export type Ability =
  | Disturbance
  | { readonly kind: 'pause'; readonly service: Service }
  | { readonly kind: 'worker-kill'; readonly service: Service };

/** What a disturbance needs beside itself, to be found and undone by any process. */
export interface DisturbanceId {
  /** the same for the same fault of the same environment: "network-delay" */
  readonly id: string;
  readonly disturbance: Disturbance;
}

/** Whether something can be done here and now. */
export type Possibility =
  | { readonly possible: true; readonly how: string }
  | { readonly possible: false; readonly why: string };

export interface Disturber {
  /** looked up anew: kernel, capabilities, tools, services */
  possibility(ability: Ability): Promise<Possibility>;
  /** idempotent; whatever process it takes ends by itself after `lifeSeconds` */
  disturb(what: DisturbanceId & { readonly lifeSeconds: number }, signal: AbortSignal): Promise<void>;
  /** undoes it, whoever made it; idempotent */
  calm(what: DisturbanceId, signal: AbortSignal): Promise<void>;
  /** whether it is there, looked up anew */
  isDisturbed(what: DisturbanceId): Promise<boolean>;
}

/** Processes of examctl's own that make a disturbance, outlive the command, and end by themselves when their time is over. */
export interface Helpers {
  /** does nothing when one with this mark runs; resolves when it says that it is at work */
  start(helper: HelperStart, signal: AbortSignal): Promise<void>;
  /** process ids of those that run under the mark; without one, of all of the environment */
  find(mark?: string): number[];
  /** resolves when none is left */
  end(mark: string): Promise<void>;
}

export interface HelperStart {
  readonly mark: string;
  /** of src/helpers/: "burn-cpu" */
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  readonly lifeSeconds: number;
  /** a process on this machine whose network it works in */
  readonly networkOf?: number;
}
