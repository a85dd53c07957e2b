import { UsageError } from '../lifecycle/errors.ts';
import { didYouMean } from '../lifecycle/nearest.ts';

/** A value of a fault that may be given by --set. */
export type Parameter =
  | {
      readonly name: string;
      readonly kind: 'number';
      /** "ms", "of the packets, 0..1" */
      readonly unit: string;
      readonly initial: number;
      readonly min: number;
      readonly max: number;
      /** only whole numbers make sense */
      readonly isWhole?: boolean;
    }
  | {
      readonly name: string;
      readonly kind: 'choice';
      readonly initial: string;
      readonly choices: readonly string[];
    }
  | { readonly name: string; readonly kind: 'text'; readonly initial: string; readonly meaning: string };

export type Values = Readonly<Record<string, string | number>>;

/** What was given as NAME=VALUE, checked, and the initial values of all others. */
export function valuesOf(parameters: readonly Parameter[], given: readonly string[]): Values {
  const values: Record<string, string | number> = {};
  for (const { name, initial } of parameters) values[name] = initial;
  for (const text of given) {
    const at = text.indexOf('=');
    const name = at === -1 ? text : text.slice(0, at);
    const parameter = parameters.find((candidate) => candidate.name === name);
    if (parameter === undefined) throw unknownParameter(name, parameters);
    if (at === -1) throw new UsageError(`--set ${name} has no value`, { hint: hintOf(parameter) });
    values[name] = parsedValue(parameter, text.slice(at + 1));
  }
  return values;
}

export function describeParameter(parameter: Parameter): string {
  const { name, initial } = parameter;
  switch (parameter.kind) {
    case 'number':
      return `${name}=${initial} (${parameter.min} to ${parameter.max} ${parameter.unit})`;
    case 'choice':
      return `${name}=${initial} (${parameter.choices.join(', ')})`;
    case 'text':
      return `${name}=${initial} (${parameter.meaning})`;
  }
}

export function numberOf(values: Values, name: string): number {
  return Number(values[name]);
}

export function textOf(values: Values, name: string): string {
  return String(values[name]);
}

function parsedValue(parameter: Parameter, text: string): string | number {
  const wrong = (why: string) =>
    new UsageError(`--set ${parameter.name}=${text}: ${why}`, { hint: hintOf(parameter) });
  switch (parameter.kind) {
    case 'number': {
      const value = text.trim() === '' ? Number.NaN : Number(text);
      if (!Number.isFinite(value)) throw wrong('it is not a number');
      if (parameter.isWhole && !Number.isInteger(value)) throw wrong('it must be a whole number');
      if (value < parameter.min || value > parameter.max)
        throw wrong(`it must be ${parameter.min} to ${parameter.max}`);
      return value;
    }
    case 'choice':
      if (!parameter.choices.includes(text)) throw wrong('it is none of the choices');
      return text;
    case 'text':
      if (/[\0\r\n]/.test(text)) throw wrong('it must be one line');
      return text;
  }
}

function hintOf(parameter: Parameter): string {
  return `--set ${describeParameter(parameter)}`;
}

function unknownParameter(name: string, parameters: readonly Parameter[]): UsageError {
  if (parameters.length === 0) return new UsageError(`this fault has no parameter "${name}": it has none`);
  return new UsageError(`this fault has no parameter "${name}"`, {
    hint: didYouMean(
      name,
      parameters.map((parameter) => parameter.name),
    ),
  });
}
