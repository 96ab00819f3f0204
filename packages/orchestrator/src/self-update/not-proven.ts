import { TRIES_ALLOWED } from './give-up-release.ts';

/** What to say of an unproven release that has not finished a cycle. */
export function describeNotProven(version: string, why: string, tries: number): string {
  return `Orchestrator ${version} is not proven: ${why} (try ${tries} of ${TRIES_ALLOWED})`;
}

/** Why, of what was said so of this version; undefined for anything else. */
export function whyNotProven(said: string, version: string): string | undefined {
  const [before, after] = [`Orchestrator ${version} is not proven: `, / \(try \d+ of \d+\)$/];
  return said.startsWith(before) && after.test(said) ? said.slice(before.length).replace(after, '') : undefined;
}
