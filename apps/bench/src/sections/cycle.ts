import type { Bench } from '../bench.ts';
import {
  ansibleRun,
  busyMain,
  listRemote,
  moduleRepository,
  predecessorRun,
  updaterAgain,
  updaterRun,
} from '../commands/cycles.ts';
import { ratioFinding, type Finding } from '../finding.ts';
import type { Contender, Race } from '../race.ts';
import { spreadOf } from '../statistics.ts';
import type { Command } from '../time-command.ts';
import type { Section } from './section.ts';

const LS_REMOTE = '`git ls-remote`';
const STAND_IN = 'stand-in for the predecessor';
const ANSIBLE = 'Ansible';
/** The predecessor itself took 0.19 s for its 20 modules where `git ls-remote` took 3 ms. */
const PREDECESSOR_IN_LS_REMOTES = 0.19 / 0.003;
const CPU_LIMIT_MS = 5;
const LINEAR = 1.1;
const BUSY_MS = 300;
/** What cannot be shared out: the start of the program, and the end of it. */
const HALF = 0.65;

/** Whole cycles in which no module has anything to do, and first installations of many modules. */
export const cycle: Section = {
  name: 'cycle',
  title: 'update cycles with modules that change nothing',
  needs: ['git', 'python3', 'ansible-playbook'],
  measure: async (bench) => {
    const idle: Contender[] = [];
    for (const modules of bench.scale.modules) idle.push(await idleServer(bench, modules));
    return [
      ...(await besidePredecessor(bench, idle)),
      ...(await besideAnsible(bench, idle.slice(0, 1))),
      ...(await installations(bench)),
      ...(await besideEachOther(bench)),
    ];
  },
};

const updaterWith = (modules: number): string => `updater, ${modules} modules`;

async function idleServer(bench: Bench, modules: number): Promise<Contender> {
  const run = updaterRun(bench, await moduleRepository(bench, modules, 'index.ts'));
  await bench.run(run); // Installs them.
  return { name: updaterWith(modules), prepare: always(run) };
}

const always = (command: Command) => (): Command => command;

async function besidePredecessor(bench: Bench, idle: readonly Contender[]): Promise<Finding[]> {
  const [few, ...more] = bench.scale.modules;
  const repository = await moduleRepository(bench, few, 'index.py');
  const standIn = predecessorRun(bench, repository);
  if (bench.has('python3')) await bench.run(standIn);
  const race = await bench.race({
    id: 'idle-cycle',
    title: 'a cycle that changes nothing',
    baseline: STAND_IN,
    rounds: bench.scale.shortRounds,
    contenders: [
      { name: LS_REMOTE, prepare: always(listRemote(repository)) },
      { name: STAND_IN, needs: ['python3'], prepare: always(standIn) },
      ...idle,
    ],
  });
  const what = `cycle of ${few} modules that change nothing`;
  const ours = updaterWith(few);
  return [
    ratioFinding(race, { what, ours, baseline: LS_REMOTE, limit: PREDECESSOR_IN_LS_REMOTES }),
    ratioFinding(race, { what, ours, baseline: STAND_IN }),
    ...more.map((modules) => costPerModule(race, few, modules)),
  ];
}

function costPerModule(race: Race, few: number, many: number): Finding {
  const [a, b] = [race.timings.get(updaterWith(few)), race.timings.get(updaterWith(many))];
  const costs = b?.map(({ cpuSeconds }, round) => {
    const further = cpuSeconds - (a?.[round]?.cpuSeconds ?? Number.NaN);
    return (further * 1000) / (many - few);
  });
  return {
    what: `each module between ${few} and ${many.toLocaleString('en-US')}`,
    unit: 'ms of CPU',
    limit: CPU_LIMIT_MS,
    ...(a !== undefined && costs !== undefined ? { measured: spreadOf(costs) } : {}),
  };
}

async function besideAnsible(bench: Bench, idle: readonly Contender[]): Promise<Finding[]> {
  const [few] = bench.scale.modules;
  const race = await bench.race({
    id: 'idle-ansible',
    title: `${few} modules, and as many Ansible tasks, that change nothing`,
    baseline: ANSIBLE,
    rounds: bench.scale.rounds,
    contenders: [{ name: ANSIBLE, needs: ['ansible-playbook'], prepare: always(ansibleRun(bench, few)) }, ...idle],
  });
  const what = `cycle of ${few} modules that change nothing`;
  return [ratioFinding(race, { what, ours: updaterWith(few), baseline: ANSIBLE, limit: 0.1 })];
}

/** Each on a new server: fetch, stage, switch. The larger number against the smaller, per module. */
async function installations(bench: Bench): Promise<Finding[]> {
  const [few, many] = bench.scale.modules.slice(-2) as [number, number];
  const installing = async (modules: number): Promise<Contender> => {
    const repository = await moduleRepository(bench, modules, 'index.ts');
    return { name: updaterWith(modules), prepare: () => updaterRun(bench, repository, '--only', 'replace') };
  };
  const race = await bench.race({
    id: 'installation',
    title: 'a first installation',
    baseline: updaterWith(few),
    rounds: bench.scale.rounds,
    contenders: [await installing(few), await installing(many)],
  });
  const ratio = ratioFinding(race, { what: '', ours: updaterWith(many), baseline: updaterWith(few) }).measured;
  const scale = few / many;
  return [
    {
      what: `installing ${many.toLocaleString('en-US')} modules, each`,
      unit: `x each of ${few}`,
      limit: LINEAR,
      ...(ratio ? { measured: { min: ratio.min * scale, median: ratio.median * scale, max: ratio.max * scale } } : {}),
    },
  ];
}

/** The run phase alone, of modules that keep a processor busy. Needs two processors. */
async function besideEachOther(bench: Bench): Promise<Finding[]> {
  const modules = 8;
  const repository = await moduleRepository(bench, modules, 'index.ts', busyMain(BUSY_MS));
  const install = updaterRun(bench, repository, '--only', 'replace');
  await bench.run(install);
  const running = (jobs: number): Contender => ({
    name: `updater run --jobs ${jobs}`,
    prepare: always(updaterAgain(install, '--only', 'run', '--jobs', String(jobs))),
  });
  const [one, two] = [running(1), running(2)];
  const race = await bench.race({
    id: 'jobs',
    title: `running ${modules} modules of ${BUSY_MS} ms of CPU each`,
    baseline: one.name,
    rounds: bench.scale.rounds,
    contenders: [one, two],
  });
  const what = `--jobs 2 with ${modules} modules that are busy`;
  return [ratioFinding(race, { what, ours: two.name, baseline: one.name, limit: HALF })];
}
