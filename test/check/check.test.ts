// Errors for what callers give: they name the value, the option as it was given, and what is allowed.

import { describe, expect, test } from 'vitest';
import {
  InvalidArgumentError,
  check,
  checkOptions,
  flag,
  oneOf,
  text,
  wholeWithin,
} from '../../src/check/index.js';

/** The message of the error that a body throws. */
function messageOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error.message;
    throw error;
  }
  return 'no error';
}

describe('the error for an argument', () => {
  test.each([
    ['Core', oneOf(['Core', 'PU']), 'no error'],
    ['core', oneOf(['Core', 'PU']), "type 'core' is not allowed; use 'Core' or 'PU'; did you mean 'Core'?"],
    ['x', oneOf(['Core', 'PU', 'Die']), "type 'x' is not allowed; use 'Core', 'PU' or 'Die'"],
    [5, oneOf(['Core']), "type 5 is not allowed; use 'Core'"],
    [3, wholeWithin(0), 'no error'],
    [-1, wholeWithin(0), 'type -1 is not allowed; use a whole number from 0'],
    [8, wholeWithin(0, 7), 'type 8 is not allowed; use a whole number from 0 to 7'],
    [NaN, wholeWithin(0, 7), 'type NaN is not allowed; use a whole number from 0 to 7'],
    ['1', wholeWithin(0, 7), "type '1' is not allowed; use a whole number from 0 to 7"],
    [1, flag, 'type 1 is not allowed; use true or false'],
    ['a\0b', text, "type 'a\\x00b' is not allowed; use a string without NUL characters"],
    [undefined, text, 'type undefined is not allowed; use a string without NUL characters'],
  ])('%j: %s', (value, each, message) => {
    expect(
      messageOf(() => {
        check('type', value, each);
      }),
    ).toBe(message);
  });

  test('shows a long value in short, on one line, even one that cannot be looked at', () => {
    const broken = {
      get [Symbol.toStringTag](): string {
        throw new Error('closed');
      },
    };
    for (const value of [
      'x\n'.repeat(1000),
      { a: { b: 1 } },
      new Array(1000).fill(1),
      broken,
      Symbol('s'),
      () => 0,
    ]) {
      expect(
        messageOf(() => {
          check('name', value, () => 'something else');
        }),
      ).toMatch(/^.{1,260}$/);
    }
  });
});

describe('the error for options', () => {
  const checks = { io: oneOf(['all', 'none']), strict: flag };
  const given = (options: object) =>
    messageOf(() => {
      checkOptions('load', options as { io?: string; strict?: boolean }, checks);
    });

  test.each([
    [{}, 'no error'],
    [{ io: undefined, strict: false }, 'no error'],
    [{ io: 'al' }, "load({ io: 'al' }) is not allowed; use 'all' or 'none'; did you mean 'all'?"],
    [{ strict: 'yes' }, "load({ strict: 'yes' }) is not allowed; use true or false"],
    [{ strickt: true }, 'load({ strickt }): there is no such option, only io, strict; did you mean strict?'],
    [Object.create({ io: 'x' }) as object, "load({ io: 'x' }) is not allowed; use 'all' or 'none'"],
  ])('%j: %s', (options, message) => {
    expect(given(options)).toBe(message);
  });

  test('says that options are an object', () => {
    expect(given(null as unknown as object)).toBe('load(null): the options must be an object');
    expect(given('io' as unknown as object)).toBe("load('io'): the options must be an object");
  });
});
