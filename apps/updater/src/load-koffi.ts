import path from 'node:path';

/*
 * Stands for the package `koffi` in the built program (see tsup.config.ts): its native part lies beside, one file for each
 * kind of machine, and is looked for nowhere else.
 */
interface Koffi {
  load(library: string): object;
  errno(): number;
}

let loaded: Koffi | undefined;

function native(): Koffi {
  if (loaded === undefined) {
    const addon = { exports: {} as Koffi };
    process.dlopen(addon, path.join(import.meta.dirname, `koffi-${process.arch}.node`));
    loaded = addon.exports;
  }
  return loaded;
}

const koffi: Koffi = { load: (library) => native().load(library), errno: () => native().errno() };
export default koffi;
