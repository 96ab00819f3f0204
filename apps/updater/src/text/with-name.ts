/** `name: text`, once: what a module says of itself may begin with its name. */
export function withName(name: string, text: string): string {
  return text.startsWith(`${name}: `) ? text : `${name}: ${text}`;
}
