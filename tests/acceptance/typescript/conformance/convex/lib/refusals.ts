/** Code that is loaded later than the rest, with a variable that lives as long as one call. */
let counted = 0;

export function count(): number {
  counted += 1;
  return counted;
}

export default "refusals";
