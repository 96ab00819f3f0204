/** What a backup or a snapshot holds, one line each. */
export function describeContents(contents: {
  files: readonly string[];
  services: readonly string[];
  databases: readonly Record<string, unknown>[];
}): string[] {
  return [
    ...contents.files,
    ...contents.services.map((unit) => `service ${unit}`),
    ...contents.databases.map(({ type, name, database, path }) =>
      ['database', type, name ?? database ?? path].filter(Boolean).join(' '),
    ),
  ];
}
