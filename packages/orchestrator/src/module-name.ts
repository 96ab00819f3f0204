const moduleName = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** A module's name becomes part of paths, so it is narrow: lower-case letters, digits, "-" and "_", at most 64. */
export function isModuleName(name: string): boolean {
  return moduleName.test(name);
}
