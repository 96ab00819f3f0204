import { shellWords } from './shell-words.ts';

/** The command after which the note of a change counts as none. */
export function setAside(note: string): string {
  return shellWords('mv', note, `${note}.given-up`);
}

/** For people: what a command that gives an open change up means. */
export function adviceToGiveUp(command: string): string {
  return `if it cannot be mended: what that change has touched stays as it is now, and updates go on, after: ${command}`;
}
