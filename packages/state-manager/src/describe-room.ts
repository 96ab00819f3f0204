/** `12.0 MiB are needed in /place, 3.1 MiB are free`; in bytes where both would read the same. `where`: e.g. ` in /place`. */
export function describeRoom(neededBytes: number, freeBytes: number, where = ''): string {
  const inMebibytes = [neededBytes, freeBytes].map((bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`);
  const [needed, free] =
    inMebibytes[0] === inMebibytes[1] ? [`${neededBytes} bytes`, `${freeBytes} bytes`] : inMebibytes;
  return `${needed} are needed${where}, ${free} are free`;
}
