import type { Bench } from '../bench.ts';
import type { Finding } from '../finding.ts';
import type { Program } from '../programs.ts';

/** A part of the benchmark that can be asked for by name. */
export interface Section {
  name: string;
  /** For --help. */
  title: string;
  /** The programs that it measures, or measures with. */
  needs: readonly Program[];
  /** Only when it is asked for by name. */
  onlyByName?: boolean;
  measure(bench: Bench): Promise<Finding[]>;
}

/** The names of contenders that findings refer to. */
export const OURS = 'state-manager';
export const OURS_WITHOUT_SYNCS = 'state-manager without its syncs';
export const CP = '`cp -a`';
export const CP_AND_SYNC = '`cp -a && sync -f`';
export const RSYNC = '`rsync -a`';
