/**
 * Not a function of the deployment: code that functions share. What is bundled keeps comments like
 * this one.
 * @license Apache-2.0
 */
export function refuse(what: string): never {
  throw new Error(`refused: ${what}`);
}
