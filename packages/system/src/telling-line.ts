/** An uncaught error as Node and others print it (`S [SystemError]`: of a minified class), and what Node prints around it. */
const namedError = /^(?:(?:[\w$]+ )?\[?\w*(?:Error|Exception|Rejection)(?: \[\w+\])?\]?|FATAL ERROR): /;
const noise = /^(?:at |Node\.js v|[{}\]^]+$)/;

/** The line of a program's last output that best says why it failed: the error itself, or else the last that it said. */
export function tellingLine(output: readonly string[]): string | undefined {
  const lines = output.map((line) => line.trim()).filter((line) => line !== '' && !noise.test(line));
  return lines.findLast((line) => namedError.test(line)) ?? lines.at(-1);
}
