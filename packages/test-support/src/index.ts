export { ensureDebianPackages } from './debian-packages.ts';
export { createRepository } from './git-repository.ts';
export { runAndKill } from './kill-anywhere.ts';
export { countCalls, killAtCall } from './kill-at-every-call.ts';
export { asOrdinaryUser } from './ordinary-user.ts';
export { describeOnServers } from './servers/describe-on-servers.ts';
export { startServer } from './servers/start-server.ts';
export { temporaryDirectory } from './temporary-directory.ts';
export { describeTree, file, hardlink, link, makeTree } from './tree.ts';

export type { Unavailable } from './compile-supervisor.ts';
export type { GitRepository } from './git-repository.ts';
export type { KillOptions } from './kill-anywhere.ts';
export type { FaultMode, SupervisedRun, SupervisionOptions } from './kill-at-every-call.ts';
export type { Server, ServerCommandResult, ServerOptions } from './servers/start-server.ts';
export type { TreeNode } from './tree.ts';
