import { testModule, withSetting, type ModuleCheck } from '@homeserver/orchestrator';
import type { CommandContext } from '../command-context.ts';
import { EXIT } from '../exit-codes.ts';
import { SettingsError } from '../settings/settings-error.ts';
import { parseSettingValue } from '../text/parse-setting-value.ts';

export interface ModuleTestFlags {
  /** key=value, as often as wanted. */
  set?: string[];
  kills?: number;
}

/** `updater module test <directory>`: tries a module on a server folder of its own; exit code 3 when it does not hold. */
export async function moduleTestCommand(
  context: CommandContext,
  directory: string,
  { set = [], kills }: ModuleTestFlags,
): Promise<number> {
  const show = ({ check, ok, problems }: ModuleCheck): void => {
    if (!context.json)
      context.answer({}, [`${ok ? 'ok    ' : 'FAILED'}  ${check}`, ...problems.map((line) => `          ${line}`)]);
  };
  const report = await testModule(directory, {
    updater: [process.execPath, process.argv[1] ?? ''],
    settings: set.reduce(withFlag, {}),
    ...(kills === undefined ? {} : { kills }),
    onCheck: show,
  });
  const failed = report.checks.filter(({ ok }) => !ok).length;
  const verdict = report.ok
    ? `${report.module} ${report.version} holds`
    : `${report.module} ${report.version} does not hold: ${failed} of ${report.checks.length} checks failed`;
  if (context.json) context.answer(report, [], report.ok);
  else context.answer({}, [...report.notes.map((line) => `note    ${line}`), verdict]);
  return report.ok ? EXIT.done : EXIT.failed;
}

function withFlag(settings: Record<string, unknown>, text: string): Record<string, unknown> {
  const [, key, value] = /^([^=]+)=([\s\S]*)$/.exec(text) ?? [];
  if (key === undefined || value === undefined)
    throw new SettingsError(`--set ${text}: must be key=value`, { hint: 'such as --set min_domains=1' });
  return withSetting(settings, key, parseSettingValue(value));
}
