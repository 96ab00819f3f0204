/*
 * kcsup: runs a command under supervision, and lets one of its system calls fail, or be its last.
 *
 * A seccomp filter with user notification stops every call that changes files, in all threads and all children of the
 * command, static or not. One supervisor (this process) answers the calls one at a time and counts them, so that call
 * number N means the same for the whole tree. At call N it kills everything, tears the write, returns an error, or
 * sends a signal, or runs a line in a shell, outside of all this, while the call waits. A kill is exact: the call is never answered, nothing else that changes files is either, and every
 * descendant gets SIGKILL.
 *
 * Not seen: writes through mmap, 32-bit calls, effects outside the file system (sockets, D-Bus). io_uring is refused
 * (ENOSYS). The number of a call can differ by a few between runs when threads race: judge each run on its own.
 *
 * Linux >= 5.9, x86_64 or aarch64; root, or anybody (under no_new_privs: setuid programs run without their rights).
 *
 *   kcsup --mode count|kill|torn|short|error|signal|hook [--call N] [--sticky] [--number ERRNO|SIGNAL] [--hook LINE]
 *         --classes LIST --under PATH... --timeout SECONDS --report FILE -- COMMAND...
 *
 * The report has a line for each counted call ("call NAME PATH[ -> PATH]"), and ends with
 * "end exit=E fired=N timeout=T", N being the number of the call at which it happened, or 0. Exit status: the
 * command's; 137 after a kill; 124 after the timeout; 125 with a message and no report when it cannot work.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "kcsup knows x86_64 and aarch64"
#endif

enum { EXIT_TIMEOUT = 124, EXIT_UNABLE = 125, EXIT_KILLED = 137 };
enum { STRAGGLERS_MS = 1000, MOST_UNDER = 32, MOST_FILTER = 512 };

/* ---- The calls ----------------------------------------------------------------------------------------------- */

/* What a call does; --classes chooses among them. */
enum { META = 1, CREATE = 2, DELETE = 4, WRITE = 8, SYNC = 16, ATTRIBUTE = 32, EXEC = 64, READ = 128, OPEN = 256 };

static const struct {
  const char *name;
  int bit;
} class_names[] = {
    {"meta", META}, {"create", CREATE},       {"delete", DELETE}, {"write", WRITE}, {"sync", SYNC},
    {"exec", EXEC}, {"attribute", ATTRIBUTE}, {"read", READ},     {"open", OPEN},
};

/* Where the arguments of a call name its file or files. */
enum arguments {
  PATH,          /* (path, ...) */
  PATH_PATH,     /* (path, path) */
  TARGET_PATH,   /* symlink(target, path) */
  AT_PATH,       /* (directory, path, ...) */
  AT_PATH_TWICE, /* (directory, path, directory, path, ...) */
  TARGET_AT,     /* symlinkat(target, directory, path) */
  DESCRIPTOR,    /* (fd, ...) */
  TO_THIRD,      /* (fd, offset, fd to write to, ...) */
  OPEN_PATH,     /* open: counted when it creates or truncates */
  OPEN_AT,       /* openat: likewise */
  OPEN_AT_HOW,   /* openat2: likewise */
  CLONE,         /* ioctl: counted when it shares extents (FICLONE) */
  NO_FILE,       /* sync() */
  PROGRAM,       /* execve */
};

struct call_kind {
  int number;
  const char *name;
  enum arguments arguments;
  int classes;
};

#define CALL(name, arguments, classes) {__NR_##name, #name, arguments, classes}
static const struct call_kind call_kinds[] = {
#ifdef __NR_rename /* The calls without "at", which newer architectures do not have. */
    CALL(rename, PATH_PATH, META),
    CALL(link, PATH_PATH, META | CREATE),
    CALL(symlink, TARGET_PATH, META | CREATE),
    CALL(unlink, PATH, META | DELETE),
    CALL(mkdir, PATH, META | CREATE),
    CALL(rmdir, PATH, META | DELETE),
    CALL(mknod, PATH, META | CREATE),
    CALL(creat, PATH, META | CREATE | OPEN),
    CALL(open, OPEN_PATH, META | CREATE | OPEN),
    CALL(chmod, PATH, ATTRIBUTE),
    CALL(chown, PATH, ATTRIBUTE),
    CALL(lchown, PATH, ATTRIBUTE),
#endif
#ifdef __NR_renameat
    CALL(renameat, AT_PATH_TWICE, META),
#endif
#ifdef __NR_fchmodat2
    CALL(fchmodat2, AT_PATH, ATTRIBUTE),
#endif
    CALL(renameat2, AT_PATH_TWICE, META),
    CALL(linkat, AT_PATH_TWICE, META | CREATE),
    CALL(symlinkat, TARGET_AT, META | CREATE),
    CALL(unlinkat, AT_PATH, META | DELETE),
    CALL(mkdirat, AT_PATH, META | CREATE),
    CALL(mknodat, AT_PATH, META | CREATE),
    CALL(openat, OPEN_AT, META | CREATE | OPEN),
    CALL(openat2, OPEN_AT_HOW, META | CREATE | OPEN),
    CALL(truncate, PATH, WRITE),
    CALL(ftruncate, DESCRIPTOR, WRITE),
    CALL(fallocate, DESCRIPTOR, WRITE),
    CALL(write, DESCRIPTOR, WRITE),
    CALL(pwrite64, DESCRIPTOR, WRITE),
    CALL(writev, DESCRIPTOR, WRITE),
    CALL(pwritev, DESCRIPTOR, WRITE),
    CALL(pwritev2, DESCRIPTOR, WRITE),
    CALL(sendfile, DESCRIPTOR, WRITE),
    CALL(copy_file_range, TO_THIRD, WRITE),
    CALL(splice, TO_THIRD, WRITE),
    CALL(ioctl, CLONE, WRITE),
    CALL(fsync, DESCRIPTOR, SYNC),
    CALL(fdatasync, DESCRIPTOR, SYNC),
    CALL(syncfs, DESCRIPTOR, SYNC),
    CALL(sync_file_range, DESCRIPTOR, SYNC),
    CALL(sync, NO_FILE, SYNC),
    CALL(fchmod, DESCRIPTOR, ATTRIBUTE),
    CALL(fchmodat, AT_PATH, ATTRIBUTE),
    CALL(fchown, DESCRIPTOR, ATTRIBUTE),
    CALL(fchownat, AT_PATH, ATTRIBUTE),
    CALL(utimensat, AT_PATH, ATTRIBUTE),
    CALL(setxattr, PATH, ATTRIBUTE),
    CALL(lsetxattr, PATH, ATTRIBUTE),
    CALL(fsetxattr, DESCRIPTOR, ATTRIBUTE),
    CALL(removexattr, PATH, ATTRIBUTE),
    CALL(lremovexattr, PATH, ATTRIBUTE),
    CALL(fremovexattr, DESCRIPTOR, ATTRIBUTE),
    CALL(execve, PROGRAM, EXEC),
    CALL(read, DESCRIPTOR, READ),
    CALL(pread64, DESCRIPTOR, READ),
    CALL(getdents64, DESCRIPTOR, READ),
};
enum { CALL_KINDS = sizeof call_kinds / sizeof *call_kinds };

/* ---- What is asked for --------------------------------------------------------------------------------------- */

enum mode { COUNT, KILL, TORN, SHORT, ERROR, SIGNAL, HOOK };
static const char *const mode_names[] = {"count", "kill", "torn", "short", "error", "signal", "hook"};

static struct {
  enum mode mode;
  long call;   /* The call at which it happens, from 1. */
  bool sticky; /* It happens at every call from that one on. */
  int number;  /* The errno or the signal. */
  int classes;
  const char *under[MOST_UNDER];
  int under_count;
  int timeout_seconds;
  const char *hook;
  const char *report;
  char **command;
} options = {.timeout_seconds = 60};

static FILE *report;
static long counted;  /* Calls so far. */
static long fired_at; /* The first call at which it happened, 0 before. */
static pid_t command_pid;

static void give_up(const char *what) {
  fprintf(stderr, "kcsup: %s: %s\n", what, strerror(errno));
  exit(EXIT_UNABLE);
}

static void wrong_usage(const char *what) {
  fprintf(stderr, "kcsup: unknown or incomplete option: %s\n", what);
  exit(EXIT_UNABLE);
}

static int parse_classes(char *list) {
  int classes = 0;
  for (char *rest, *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
    int bit = 0;
    for (size_t i = 0; i < sizeof class_names / sizeof *class_names; i++) {
      if (!strcmp(name, class_names[i].name)) bit = class_names[i].bit;
    }
    if (!bit) wrong_usage(name);
    classes |= bit;
  }
  return classes;
}

static enum mode parse_mode(const char *name) {
  for (size_t i = 0; i < sizeof mode_names / sizeof *mode_names; i++) {
    if (!strcmp(name, mode_names[i])) return (enum mode)i;
  }
  wrong_usage(name);
  return COUNT;
}

static void parse_options(char **arguments) {
  char **at = arguments + 1;
  for (; *at && strcmp(*at, "--"); at++) {
    const char *name = *at;
    if (!strcmp(name, "--sticky")) {
      options.sticky = true;
      continue;
    }
    char *value = *++at;
    if (!value) wrong_usage(name);
    if (!strcmp(name, "--mode")) options.mode = parse_mode(value);
    else if (!strcmp(name, "--call")) options.call = atol(value);
    else if (!strcmp(name, "--number")) options.number = atoi(value);
    else if (!strcmp(name, "--classes")) options.classes = parse_classes(value);
    else if (!strcmp(name, "--timeout")) options.timeout_seconds = atoi(value);
    else if (!strcmp(name, "--hook")) options.hook = value;
    else if (!strcmp(name, "--report")) options.report = value;
    else if (!strcmp(name, "--under") && options.under_count < MOST_UNDER) options.under[options.under_count++] = value;
    else wrong_usage(name);
  }
  if (!*at || !at[1]) wrong_usage("-- COMMAND");
  if (!options.report) wrong_usage("--report");
  if (!options.classes) wrong_usage("--classes");
  if (options.mode == HOOK && !options.hook) wrong_usage("--hook");
  options.command = at + 1;
}

/* ---- The filter ---------------------------------------------------------------------------------------------- */

static struct sock_filter filter[MOST_FILTER];
static unsigned short filter_length;

static void add(struct sock_filter instruction) {
  filter[filter_length++] = instruction;
}

static void add_load(size_t offset) {
  add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset));
}

static void add_return(unsigned value) {
  add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, value));
}

/* Skips `if_not` instructions when the loaded value differs from `value`. */
static void add_equal(unsigned value, unsigned char if_not) {
  add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, if_not));
}

static size_t argument_offset(int index) {
  return offsetof(struct seccomp_data, args) + (size_t)index * 8;
}

/* Asks the supervisor about one kind of call; what certainly changes nothing passes without a question, for speed. */
static void add_call(const struct call_kind *kind) {
  bool opens = kind->arguments == OPEN_PATH || kind->arguments == OPEN_AT;
  if (opens && !(options.classes & OPEN)) {
    add_equal((unsigned)kind->number, 4);
    add_load(argument_offset(kind->arguments == OPEN_AT ? 2 : 1));
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_CREAT | O_TRUNC, 0, 1));
    add_return(SECCOMP_RET_USER_NOTIF);
    add_return(SECCOMP_RET_ALLOW);
  } else if (kind->arguments == CLONE) {
    add_equal((unsigned)kind->number, 5);
    add_load(argument_offset(1));
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)FICLONE, 1, 0));
    add_equal((unsigned)FICLONERANGE, 1);
    add_return(SECCOMP_RET_USER_NOTIF);
    add_return(SECCOMP_RET_ALLOW);
  } else {
    add_equal((unsigned)kind->number, 1);
    add_return(SECCOMP_RET_USER_NOTIF);
  }
}

static void build_filter(void) {
  add_load(offsetof(struct seccomp_data, arch));
  add_equal(ARCHITECTURE, 1);
  add((struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 1));
  add_return(SECCOMP_RET_ALLOW);
  add_load(offsetof(struct seccomp_data, nr));
  add_equal(__NR_io_uring_setup, 1);
  add_return(SECCOMP_RET_ERRNO | ENOSYS);
  for (int i = 0; i < CALL_KINDS; i++) {
    if (call_kinds[i].classes & options.classes) add_call(&call_kinds[i]);
  }
  add_return(SECCOMP_RET_ALLOW);
}

/* Without WAIT_KILLABLE (Linux < 5.19) a signal may restart a call that is being asked about, which counts it twice. */
static int install_with_best_flags(struct sock_fprog *program) {
  unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, program);
  if (fd < 0 && errno == EINVAL) fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
  return (int)fd;
}

/* Returns the descriptor on which the questions arrive, or -1. */
static int install_filter(void) {
  build_filter();
  struct sock_fprog program = {filter_length, filter};
  int fd = install_with_best_flags(&program);
  if (fd < 0 && errno == EACCES && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) fd = install_with_best_flags(&program);
  return fd;
}

/* ---- Starting the command ------------------------------------------------------------------------------------ */

union control_message {
  struct cmsghdr header;
  char room[CMSG_SPACE(sizeof(int))];
};

/* Sends a descriptor, or, when it is -1, only the errno. */
static void send_descriptor(int socket, int fd, int error) {
  union control_message control = {0};
  struct iovec data = {&error, sizeof error};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
  if (fd >= 0) {
    message.msg_control = control.room;
    message.msg_controllen = sizeof control.room;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  sendmsg(socket, &message, 0);
}

static int receive_descriptor(int socket) {
  int error = EPIPE, fd = -1;
  union control_message control = {0};
  struct iovec data = {&error, sizeof error};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
  ssize_t received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (received > 0 && header) memcpy(&fd, CMSG_DATA(header), sizeof fd);
  if (fd < 0) errno = error;
  return fd;
}

/* Starts the command in a group of its own, under the filter; returns the descriptor on which the questions arrive. */
static int start_command(void) {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets)) give_up("socketpair");
  command_pid = fork();
  if (command_pid < 0) give_up("fork");
  if (command_pid == 0) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int listener = install_filter();
    send_descriptor(sockets[1], listener, errno);
    if (listener < 0) _exit(EXIT_UNABLE);
    close(listener);
    execvp(options.command[0], options.command);
    _exit(127);
  }
  setpgid(command_pid, command_pid);
  close(sockets[1]);
  int listener = receive_descriptor(sockets[0]);
  close(sockets[0]);
  if (listener < 0) give_up("no seccomp user notification here");
  return listener;
}

/* ---- Whom a call is about ------------------------------------------------------------------------------------ */

static ssize_t read_memory(pid_t pid, uint64_t address, void *buffer, size_t length) {
  struct iovec local = {buffer, length}, remote = {(void *)(uintptr_t)address, length};
  return process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

/* A string of the other process, read page by page, since the next page may not be there. */
static bool read_string(pid_t pid, uint64_t address, char *text, size_t room) {
  for (size_t done = 0; address && done + 1 < room;) {
    size_t part = 4096 - ((address + done) & 4095);
    if (part > room - 1 - done) part = room - 1 - done;
    ssize_t length = read_memory(pid, address + done, text + done, part);
    if (length <= 0) break;
    if (memchr(text + done, 0, (size_t)length)) return true;
    done += (size_t)length;
  }
  text[0] = 0;
  return false;
}

static void read_link(char *target, const char *format, pid_t pid, int fd) {
  char link[64];
  snprintf(link, sizeof link, format, pid, fd);
  ssize_t length = readlink(link, target, PATH_MAX - 1);
  target[length < 0 ? 0 : length] = 0;
}

static void path_of_descriptor(pid_t pid, int fd, char *path) {
  read_link(path, "/proc/%d/fd/%d", pid, fd);
}

/* Takes ".", ".." and doubled slashes out; symlinks are left as they are. */
static void normalise(char *path) {
  char result[PATH_MAX];
  size_t length = 0;
  for (char *rest, *name = strtok_r(path, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
    if (!strcmp(name, ".")) continue;
    if (!strcmp(name, "..")) {
      while (length > 0 && result[--length] != '/') continue;
      continue;
    }
    size_t added = strlen(name) + 1;
    if (length + added >= sizeof result) break;
    result[length] = '/';
    memcpy(result + length + 1, name, added - 1);
    length += added;
  }
  if (length == 0) result[length++] = '/';
  memcpy(path, result, length);
  path[length] = 0;
}

/* "/proc/self/fd/7/name" is a name in the directory that descriptor 7 stands for. */
static void resolve_descriptor_path(pid_t pid, char *path) {
  int fd, end = 0;
  if (sscanf(path, "/proc/self/fd/%d%n", &fd, &end) != 1 || (path[end] && path[end] != '/')) return;
  char directory[PATH_MAX], whole[2 * PATH_MAX];
  path_of_descriptor(pid, fd, directory);
  snprintf(whole, sizeof whole, "%s%s", directory, path + end);
  snprintf(path, PATH_MAX, "%.*s", PATH_MAX - 1, whole);
}

static void path_at(pid_t pid, int directory_fd, uint64_t address, char *path) {
  char name[PATH_MAX], directory[PATH_MAX], whole[2 * PATH_MAX];
  path[0] = 0;
  if (!read_string(pid, address, name, sizeof name)) return;
  directory[0] = 0;
  if (name[0] != '/') {
    if (directory_fd == AT_FDCWD) read_link(directory, "/proc/%d/cwd", pid, 0);
    else path_of_descriptor(pid, directory_fd, directory);
  }
  snprintf(whole, sizeof whole, "%s/%s", directory, name);
  snprintf(path, PATH_MAX, "%.*s", PATH_MAX - 1, whole);
  normalise(path);
  resolve_descriptor_path(pid, path);
}

static bool is_below(const char *path, const char *directory) {
  size_t length = strlen(directory);
  while (length > 1 && directory[length - 1] == '/') length--;
  return !strncmp(path, directory, length) && (length == 1 || !path[length] || path[length] == '/');
}

static bool is_watched(const char *path) {
  for (int i = 0; i < options.under_count; i++) {
    if (path[0] == '/' && is_below(path, options.under[i])) return true;
  }
  return false;
}

struct call {
  const struct call_kind *kind;
  const struct seccomp_notif *question;
  char path[PATH_MAX];
  char second_path[PATH_MAX];
};

static bool opens_to_change(pid_t pid, const uint64_t *argument) {
  struct {
    uint64_t flags, mode, resolve;
  } how = {0};
  read_memory(pid, argument[2], &how, sizeof how);
  return (how.flags & (O_CREAT | O_TRUNC)) || (options.classes & OPEN);
}

static void find_paths(struct call *call) {
  pid_t pid = (pid_t)call->question->pid;
  uint64_t argument[6];
  for (int i = 0; i < 6; i++) argument[i] = call->question->data.args[i];
  switch (call->kind->arguments) {
    case PATH_PATH:
      path_at(pid, AT_FDCWD, argument[1], call->second_path); /* fall through */
    case PATH:
    case OPEN_PATH:
    case PROGRAM:
      path_at(pid, AT_FDCWD, argument[0], call->path);
      break;
    case TARGET_PATH:
      path_at(pid, AT_FDCWD, argument[1], call->path);
      break;
    case AT_PATH_TWICE:
      path_at(pid, (int)argument[2], argument[3], call->second_path); /* fall through */
    case AT_PATH: /* utimensat without a path is about the descriptor. */
    case OPEN_AT:
      if (argument[1]) path_at(pid, (int)argument[0], argument[1], call->path);
      else path_of_descriptor(pid, (int)argument[0], call->path);
      break;
    case OPEN_AT_HOW:
      if (opens_to_change(pid, argument)) path_at(pid, (int)argument[0], argument[1], call->path);
      break;
    case TARGET_AT:
      path_at(pid, (int)argument[1], argument[2], call->path);
      break;
    case DESCRIPTOR:
    case CLONE:
      path_of_descriptor(pid, (int)argument[0], call->path);
      break;
    case TO_THIRD:
      path_of_descriptor(pid, (int)argument[2], call->path);
      break;
    case NO_FILE:
      break;
  }
}

static bool counts(const struct call *call) {
  if (call->kind->arguments == NO_FILE) return true;
  if (call->kind->arguments == PROGRAM) return !access(call->path, X_OK); /* A miss in a search of PATH does nothing. */
  return is_watched(call->path) || is_watched(call->second_path);
}

/* ---- What happens at the call -------------------------------------------------------------------------------- */

struct process {
  pid_t pid, parent;
  bool ours, dead;
};

static size_t list_processes(struct process *list, size_t room) {
  size_t length = 0;
  DIR *directory = opendir("/proc");
  if (!directory) give_up("/proc");
  for (struct dirent *entry; (entry = readdir(directory)) && length < room;) {
    if (!isdigit((unsigned char)entry->d_name[0])) continue;
    char file[300], text[512];
    snprintf(file, sizeof file, "/proc/%s/stat", entry->d_name);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    if (size <= 0) continue;
    text[size] = 0;
    char state, *after_name = strrchr(text, ')');
    struct process process = {.pid = atoi(entry->d_name)};
    if (!after_name || sscanf(after_name + 1, " %c %d", &state, &process.parent) != 2) continue;
    process.dead = state == 'Z' || state == 'X';
    list[length++] = process;
  }
  closedir(directory);
  return length;
}

/* Marks the descendants of this process. Nothing escapes: this is the subreaper, so orphans become its children. */
static void mark_descendants(struct process *list, size_t length) {
  for (bool found = true; found;) {
    found = false;
    for (size_t i = 0; i < length; i++) {
      bool ours = list[i].parent == getpid();
      for (size_t j = 0; j < length && !ours; j++) ours = list[j].ours && list[j].pid == list[i].parent;
      if (ours && !list[i].ours) found = list[i].ours = true;
    }
  }
}

static void kill_descendants(void) {
  static struct process list[32768];
  for (int alive = 1; alive;) {
    alive = 0;
    size_t length = list_processes(list, sizeof list / sizeof *list);
    mark_descendants(list, length);
    for (size_t i = 0; i < length; i++) {
      if (!list[i].ours || list[i].dead) continue;
      kill(list[i].pid, SIGKILL);
      alive++;
    }
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
    if (alive) usleep(1000);
  }
}

static pid_t process_of_thread(pid_t thread) {
  char file[64], line[256];
  pid_t process = thread;
  snprintf(file, sizeof file, "/proc/%d/status", thread);
  FILE *status = fopen(file, "re");
  while (status && fgets(line, sizeof line, status)) {
    if (sscanf(line, "Tgid: %d", &process) == 1) break;
  }
  if (status) fclose(status);
  return process;
}

/* A descriptor of ours for the same open file. */
static int borrow_descriptor(pid_t thread, int fd) {
  int process = (int)syscall(SYS_pidfd_open, process_of_thread(thread), 0);
  if (process < 0) return -1;
  int borrowed = (int)syscall(SYS_pidfd_getfd, process, fd, 0);
  close(process);
  return borrowed;
}

/* Carries out the first half of a write; returns what was written, or -1 when it is no write that can be halved. */
static ssize_t write_half(const struct seccomp_notif *question) {
  int number = question->data.nr;
  uint64_t address = question->data.args[1];
  size_t length = question->data.args[2];
  if (number == __NR_writev || number == __NR_pwritev || number == __NR_pwritev2) {
    struct iovec first;
    if (read_memory((pid_t)question->pid, address, &first, sizeof first) != sizeof first) return -1;
    address = (uintptr_t)first.iov_base;
    length = first.iov_len;
  } else if (number != __NR_write && number != __NR_pwrite64) {
    return -1;
  }
  length /= 2;
  int fd = borrow_descriptor((pid_t)question->pid, (int)question->data.args[0]);
  char *data = length && fd >= 0 ? malloc(length) : NULL;
  ssize_t written = -1;
  if (data && read_memory((pid_t)question->pid, address, data, length) == (ssize_t)length) {
    bool at_offset = number != __NR_write && number != __NR_writev;
    written = at_offset ? pwrite(fd, data, length, (off_t)question->data.args[3]) : write(fd, data, length);
  }
  free(data);
  if (fd >= 0) close(fd);
  return written;
}

static void report_text(const char *text) {
  for (; *text; text++) putc(iscntrl((unsigned char)*text) ? '?' : *text, report);
}

static void report_call(const struct call *call) {
  fprintf(report, "call %s ", call->kind->name);
  report_text(call->path);
  if (call->second_path[0]) fputs(" -> ", report);
  report_text(call->second_path);
  putc('\n', report);
}

/* Counts a call and decides what becomes of it; false when everything is to be killed, and nothing answered. */
static bool decide(const struct call *call, struct seccomp_notif_resp *answer) {
  report_call(call);
  counted++;
  bool hit = counted == options.call || (options.sticky && fired_at);
  if (!hit || options.mode == COUNT) return true;
  if (!fired_at) fired_at = counted;
  if (options.mode == KILL) return false;
  if (options.mode == TORN) {
    write_half(call->question);
    return false;
  }
  if (options.mode == SHORT) {
    ssize_t written = write_half(call->question);
    if (written > 0) *answer = (struct seccomp_notif_resp){.id = answer->id, .val = written};
  }
  if (options.mode == ERROR) *answer = (struct seccomp_notif_resp){.id = answer->id, .error = -options.number};
  if (options.mode == SIGNAL) kill(-command_pid, options.number);
  if (options.mode == HOOK && system(options.hook) == -1) give_up("no shell");
  return true;
}

/* ---- The supervisor ------------------------------------------------------------------------------------------ */

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static const struct call_kind *kind_of(int number) {
  for (int i = 0; i < CALL_KINDS; i++) {
    if (call_kinds[i].number == number && (call_kinds[i].classes & options.classes)) return &call_kinds[i];
  }
  return NULL;
}

/* Answers one question; false when everything is to be killed. */
static bool answer_one(int listener, struct seccomp_notif *question, struct seccomp_notif_resp *answer) {
  static struct call call;
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, question)) return true; /* Who asked was killed meanwhile. */
  *answer = (struct seccomp_notif_resp){.id = question->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
  call.kind = kind_of(question->data.nr);
  call.question = question;
  call.path[0] = call.second_path[0] = 0;
  if (call.kind) find_paths(&call);
  if (call.kind && counts(&call) && !decide(&call, answer)) return false;
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, answer);
  return true;
}

/* Reaps what has ended; true when the command itself is among it, whose status is then in `status`. */
static bool reap(int *status) {
  bool ended = false;
  int one;
  for (pid_t pid; (pid = waitpid(-1, &one, WNOHANG)) > 0;) {
    if (pid != command_pid) continue;
    *status = one;
    ended = true;
  }
  return ended;
}

static int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Answers until the command and all that it started are gone, or killed; returns the exit code. */
static int supervise(int listener) {
  struct seccomp_notif_sizes sizes;
  if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes)) give_up("seccomp sizes");
  struct seccomp_notif *question = malloc(sizes.seccomp_notif + sizeof *question);
  struct seccomp_notif_resp *answer = malloc(sizes.seccomp_notif_resp + sizeof *answer);
  if (!question || !answer) give_up("memory");
  double deadline = now_ms() + options.timeout_seconds * 1e3;
  int status = 0;
  for (bool ended = false;;) {
    if (!ended && reap(&status)) {
      ended = true;
      deadline = now_ms() + STRAGGLERS_MS;
    }
    if (now_ms() > deadline) return ended ? exit_code(status) : EXIT_TIMEOUT;
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    if (poll(&waiting, 1, 10) <= 0) continue;
    if (waiting.revents & POLLIN) {
      memset(question, 0, sizes.seccomp_notif);
      if (!answer_one(listener, question, answer)) return EXIT_KILLED;
    } else if (ended) {
      return exit_code(status); /* Nobody is left who could ask. */
    } else {
      usleep(500);
    }
  }
}

int main(int count, char **arguments) {
  (void)count;
  parse_options(arguments);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  int listener = start_command();
  report = fopen(options.report, "we");
  if (!report) give_up(options.report);
  int code = supervise(listener);
  kill_descendants();
  fprintf(report, "end exit=%d fired=%ld timeout=%d\n", code, fired_at, code == EXIT_TIMEOUT);
  fclose(report);
  return code;
}
