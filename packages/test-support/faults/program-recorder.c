/*
 * program-recorder: runs a command, and writes down every program that it and its descendants start, with all arguments, as
 * the kernel has them when the program begins.
 *
 * It traces the whole tree (ptrace), but stops it only where processes, threads and programs begin, and at signals, so that
 * nothing depends on what the command hands on to its children, and nothing is missed. What itself traces others (strace,
 * gdb, this) is let go, with all that it starts.
 *
 *   program-recorder FILE COMMAND...
 *
 * FILE gets a record for each start: `number started-by pid cwd argument-count variable-count`, then the arguments, then the
 * environment (of git alone), each ended by a NUL. `started-by` is the number of the record of the program that started this
 * one (or was replaced by it), 0 for the first. Exit status: the command's; 125 with a message when it cannot work.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_UNABLE = 125, MOST_PROCESSES = 1 << 22 };
enum { WATCHED = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC };

enum known { UNKNOWN, KNOWN, WAITING };
enum { MOST_WAITING = 1024, PATIENCE_SECONDS = 1 };

/* By thread: whether its parent has announced it, and the record of the program that runs in it. */
static unsigned char known[MOST_PROCESSES];
static unsigned program[MOST_PROCESSES];
static struct {
  pid_t thread;
  time_t since;
} waiting[MOST_WAITING];
static int waiting_count;
static unsigned records;
static FILE *output;
static pid_t command_pid;

static void give_up(const char *what) {
  fprintf(stderr, "program-recorder: %s: %s\n", what, strerror(errno));
  exit(EXIT_UNABLE);
}

/* ---- Writing down -------------------------------------------------------------------------------------------- */

struct text {
  char *bytes;
  size_t length;
};

static void read_proc(pid_t pid, const char *name, struct text *text) {
  static const size_t step = 1 << 16;
  char file[64];
  snprintf(file, sizeof file, "/proc/%d/%s", pid, name);
  text->length = 0;
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  for (ssize_t got = 1; fd >= 0 && got > 0; text->length += (size_t)(got > 0 ? got : 0)) {
    char *larger = realloc(text->bytes, text->length + step);
    if (!larger) give_up("memory");
    text->bytes = larger;
    got = read(fd, text->bytes + text->length, step);
  }
  if (fd >= 0) close(fd);
}

static int count_strings(const struct text *text) {
  int strings = 0;
  for (size_t i = 0; i < text->length; i++) strings += text->bytes[i] == 0;
  return strings;
}

static const char *last_name(const struct text *arguments) {
  const char *slash = arguments->length ? strrchr(arguments->bytes, '/') : NULL;
  return slash ? slash + 1 : arguments->length ? arguments->bytes : "";
}

/* Returns whether the program traces others. */
static bool record_start(pid_t pid) {
  static struct text arguments, environment;
  char link[64], cwd[PATH_MAX];
  read_proc(pid, "cmdline", &arguments);
  const char *name = last_name(&arguments);
  environment.length = 0;
  if (!strcmp(name, "git")) read_proc(pid, "environ", &environment);
  snprintf(link, sizeof link, "/proc/%d/cwd", pid);
  ssize_t length = readlink(link, cwd, sizeof cwd - 1);
  cwd[length < 0 ? 0 : length] = 0;
  unsigned starter = program[pid];
  program[pid] = ++records;
  fprintf(output, "%u%c%u%c%d%c%s%c", records, 0, starter, 0, pid, 0, cwd, 0);
  fprintf(output, "%d%c%d%c", count_strings(&arguments), 0, count_strings(&environment), 0);
  fwrite(arguments.bytes, 1, arguments.length, output);
  fwrite(environment.bytes, 1, environment.length, output);
  return !strcmp(name, "strace") || !strcmp(name, "gdb") || !strncmp(name, "program-recorder", 16);
}

/* ---- Following ----------------------------------------------------------------------------------------------- */

static void go_on(pid_t thread, int with_signal) {
  ptrace(PTRACE_CONT, thread, 0, with_signal); /* It may have been killed meanwhile: then there is nothing to do. */
}

static void begin_thread(pid_t parent) {
  unsigned long child = 0;
  if (ptrace(PTRACE_GETEVENTMSG, parent, 0, &child) || child >= MOST_PROCESSES) return;
  program[child] = program[parent];
  if (known[child] == WAITING) go_on((pid_t)child, 0);
  known[child] = KNOWN;
}

/* A thread's first stop can come before its parent's announcement of it; until then nobody knows whose it is. */
static void first_stop(pid_t thread) {
  if (known[thread] == KNOWN || waiting_count == MOST_WAITING) {
    go_on(thread, 0);
    return;
  }
  known[thread] = WAITING;
  waiting[waiting_count].thread = thread;
  waiting[waiting_count++].since = time(NULL);
}

static pid_t parent_of(pid_t process) {
  static struct text stat;
  int parent = 0;
  read_proc(process, "stat", &stat);
  const char *name_end = stat.length ? memrchr(stat.bytes, ')', stat.length) : NULL;
  return name_end && sscanf(name_end, ") %*c %d", &parent) == 1 && parent < MOST_PROCESSES ? parent : 0;
}

/* Whose parent was killed before it could announce them would wait for ever, with all the locks that they hold. */
static void release_orphans(void) {
  int left = 0;
  for (int i = 0; i < waiting_count; i++) {
    pid_t thread = waiting[i].thread;
    if (known[thread] != WAITING) continue;
    if (time(NULL) - waiting[i].since <= PATIENCE_SECONDS) {
      waiting[left++] = waiting[i];
      continue;
    }
    program[thread] = program[parent_of(thread)];
    known[thread] = KNOWN;
    go_on(thread, 0);
  }
  waiting_count = left;
}

/* A program that another thread than the first starts takes the number of the first; its own is free again, without an end. */
static void forget_former_thread(pid_t process) {
  unsigned long thread = 0;
  if (ptrace(PTRACE_GETEVENTMSG, process, 0, &thread) || thread >= MOST_PROCESSES || (pid_t)thread == process) return;
  program[process] = program[thread];
  known[thread] = UNKNOWN;
}

static void stopped(pid_t thread, int status) {
  int signal_number = WSTOPSIG(status), event = status >> 16;
  switch (event) {
    case 0:
      go_on(thread, signal_number);
      return;
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE:
      begin_thread(thread);
      break;
    case PTRACE_EVENT_EXEC:
      forget_former_thread(thread);
      if (record_start(thread) && !ptrace(PTRACE_DETACH, thread, 0, 0)) return;
      break;
    case PTRACE_EVENT_STOP:
      if (signal_number == SIGTRAP) first_stop(thread);
      else ptrace(PTRACE_LISTEN, thread, 0, 0); /* Stopped by SIGSTOP and the like: it stays so. */
      return;
  }
  go_on(thread, 0);
}

static int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int follow(void) {
  for (;;) {
    int status;
    pid_t thread = waitpid(-1, &status, __WALL);
    if (waiting_count > 0) release_orphans();
    if (thread < 0 && errno == EINTR) continue;
    if (thread < 0) give_up("waitpid");
    if (thread >= MOST_PROCESSES) continue;
    if (WIFSTOPPED(status)) {
      stopped(thread, status);
      continue;
    }
    known[thread] = UNKNOWN;
    if (thread == command_pid) return exit_code(status);
  }
}

/* ---- Starting ------------------------------------------------------------------------------------------------ */

static void hand_on(int signal_number) {
  kill(command_pid, signal_number);
}

static void wake_up(int signal_number) {
  (void)signal_number;
}

/* So that waitpid returns now and then, also when nothing happens. */
static void look_around_regularly(void) {
  struct sigaction action = {.sa_handler = wake_up};
  struct itimerval often = {.it_interval = {.tv_usec = 250000}, .it_value = {.tv_usec = 250000}};
  if (sigaction(SIGALRM, &action, NULL) || setitimer(ITIMER_REAL, &often, NULL)) give_up("timer");
}

static void start_command(char **command) {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC)) give_up("pipe");
  command_pid = fork();
  if (command_pid < 0) give_up("fork");
  if (command_pid == 0) {
    char byte;
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1) _exit(EXIT_UNABLE);
    execvp(command[0], command);
    fprintf(stderr, "program-recorder: cannot start %s: %s\n", command[0], strerror(errno));
    _exit(127);
  }
  known[command_pid] = KNOWN;
  if (ptrace(PTRACE_SEIZE, command_pid, 0, WATCHED)) give_up("ptrace");
  if (write(ready[1], "", 1) != 1) give_up("pipe");
  close(ready[0]);
  close(ready[1]);
}

int main(int count, char **arguments) {
  if (count < 3) {
    fputs("program-recorder FILE COMMAND...\n", stderr);
    return EXIT_UNABLE;
  }
  output = fopen(arguments[1], "we");
  if (!output) give_up(arguments[1]);
  start_command(arguments + 2);
  for (int i = 0; i < 3; i++) signal((int[]){SIGTERM, SIGINT, SIGHUP}[i], hand_on);
  look_around_regularly();
  int code = follow();
  if (fclose(output)) give_up(arguments[1]);
  return code;
}
