#define _GNU_SOURCE
#include "CHost.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

// A descriptor that no child inherits and that does not collide with the numbers a child expects.
static int move_up(int descriptor) {
  if (descriptor < 0) return -errno;
  int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, 10);
  int error = errno;
  close(descriptor);
  return moved < 0 ? -error : moved;
}

// MARK: Shared memory

int chost_memory_create(void) {
#ifdef __linux__
  return move_up(memfd_create("exray", MFD_CLOEXEC | MFD_ALLOW_SEALING));
#else
  const char *folder = getenv("TMPDIR");
  char path[1024];
  snprintf(path, sizeof path, "%s/exray-XXXXXX", folder ? folder : "/tmp");
  int file = mkstemp(path);
  if (file >= 0) unlink(path);
  return move_up(file);
#endif
}

int chost_memory_resize(int memory, size_t byteCount) {
  if (byteCount > (size_t)INT64_MAX) return -EFBIG;
  if (ftruncate(memory, (off_t)byteCount) != 0) return -errno;
#ifdef __linux__
  // A child gone mad could otherwise shrink the file under our mapping, which raises SIGBUS here. Where
  // the system has no seals we can only trust the child.
  fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
#endif
  return 0;
}

int chost_memory_write(int memory, const void *bytes, size_t byteCount) {
  size_t done = 0;
  while (done < byteCount) {
    ssize_t count = pwrite(memory, (const char *)bytes + done, byteCount - done, (off_t)done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -errno;
    if (count == 0) return -ENOSPC;
    done += (size_t)count;
  }
  return 0;
}

int64_t chost_memory_size(int memory) {
  struct stat status;
  if (fstat(memory, &status) != 0) return -errno;
  return status.st_size;
}

void *chost_memory_map(int memory, size_t byteCount, int writable) {
  void *start = mmap(
      NULL, byteCount, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, memory, 0);
  return start == MAP_FAILED ? NULL : start;
}

void chost_memory_unmap(void *start, size_t byteCount) { munmap(start, byteCount); }

void chost_close(int descriptor) {
  if (descriptor >= 0) close(descriptor);
}

// MARK: Starting a child

int chost_close_on_exec(int descriptor) {
  return fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 ? 0 : -errno;
}

static int add_actions(
    posix_spawn_file_actions_t *actions, int control, int errors, int model, int inputs,
    int outputs) {
  int error = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  const int pairs[][2] = {{errors, 1},          {errors, 2},
                          {control, CHOST_CONTROL}, {model, CHOST_MODEL},
                          {inputs, CHOST_INPUTS},   {outputs, CHOST_OUTPUTS}};
  for (size_t i = 0; !error && i < sizeof pairs / sizeof pairs[0]; i++)
    error = posix_spawn_file_actions_adddup2(actions, pairs[i][0], pairs[i][1]);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
  if (!error) error = posix_spawn_file_actions_addclosefrom_np(actions, CHOST_OUTPUTS + 1);
#endif
  return error;
}

// Our environment, but without Swift's crash reports: they would bury the child's last words.
static char **quiet_environment(char **environment) {
  static char quiet[] = "SWIFT_BACKTRACE=enable=no";
  size_t count = 0;
  while (environment[count]) count++;
  char **copy = malloc((count + 2) * sizeof *copy);
  if (!copy) return NULL;
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (strncmp(environment[i], quiet, strlen("SWIFT_BACKTRACE=")) != 0) copy[kept++] = environment[i];
  copy[kept++] = quiet;
  copy[kept] = NULL;
  return copy;
}

int chost_spawn(
    const char *executable, char *const *arguments, int model, int inputs, int outputs,
    chost_child *child) {
  extern char **environ;
  int ends[2], errors[2];
#ifdef __linux__
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -errno;
  if (pipe2(errors, O_CLOEXEC) != 0) {
#else
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return -errno;
  chost_close_on_exec(ends[0]);
  chost_close_on_exec(ends[1]);
  if (pipe(errors) != 0) {
#endif
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    return -error;
  }
  int descriptors[4] = {move_up(ends[0]), move_up(ends[1]), move_up(errors[0]), move_up(errors[1])};
  int error = 0;
  for (int i = 0; i < 4; i++)
    if (descriptors[i] < 0) error = -descriptors[i];
  pid_t process = 0;
  if (!error) {
    fcntl(descriptors[2], F_SETFL, O_NONBLOCK);
#ifdef SO_NOSIGPIPE
    int on = 1;
    setsockopt(descriptors[0], SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    // A group of its own: what a terminal sends to us on Ctrl-C must not look like a crash of the child,
    // which ends by itself when we are gone.
    posix_spawnattr_setpgroup(&attributes, 0);
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT
    flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, flags);
    error = add_actions(&actions, descriptors[1], descriptors[3], model, inputs, outputs);
    char **environment = quiet_environment(environ);
    if (!environment) error = ENOMEM;
    if (!error)
      error = posix_spawn(&process, executable, &actions, &attributes, arguments, environment);
    free(environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  chost_close(descriptors[1]);
  chost_close(descriptors[3]);
  if (error) {
    chost_close(descriptors[0]);
    chost_close(descriptors[2]);
    return -error;
  }
  child->process = process;
  child->control = descriptors[0];
  child->errors = descriptors[2];
  return 0;
}

// MARK: Talking

static int64_t now_in_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int chost_wait(int control, int errors, int64_t milliseconds) {
  struct pollfd sources[2] = {{control, POLLIN, 0}, {errors, POLLIN, 0}};
  int limit = milliseconds < 0 ? 0 : milliseconds > INT_MAX ? INT_MAX : (int)milliseconds;
  int count = poll(sources, errors >= 0 ? 2 : 1, limit);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  return (sources[0].revents ? 1 : 0) | (errors >= 0 && sources[1].revents ? 2 : 0);
}

int64_t chost_receive(int control, void *bytes, size_t capacity) {
  ssize_t count = recv(control, bytes, capacity, MSG_DONTWAIT);
  if (count >= 0) return count;
  // A child that dies with unread bytes in its socket resets the connection: the end as well.
  return errno == ECONNRESET ? 0 : errno == EINTR ? -EAGAIN : -errno;
}

int64_t chost_read(int descriptor, void *bytes, size_t capacity) {
  ssize_t count = read(descriptor, bytes, capacity);
  if (count >= 0) return count;
  return errno == EINTR ? -EAGAIN : -errno;
}

int chost_send(int control, const void *bytes, size_t byteCount, int64_t milliseconds) {
#ifdef MSG_NOSIGNAL
  const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
#else
  const int flags = MSG_DONTWAIT;
#endif
  int64_t deadline = now_in_milliseconds() + milliseconds;
  size_t done = 0;
  while (done < byteCount) {
    ssize_t count = send(control, (const char *)bytes + done, byteCount - done, flags);
    if (count >= 0) {
      done += (size_t)count;
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return -errno;
    int64_t left = deadline - now_in_milliseconds();
    if (left <= 0) return -ETIMEDOUT;
    struct pollfd room = {control, POLLOUT, 0};
    poll(&room, 1, left > INT_MAX ? INT_MAX : (int)left);
  }
  return 0;
}

// MARK: Ending

static int collect(int32_t process, int options, int *signal, int *code) {
  int status = 0;
  pid_t ended;
  do ended = waitpid(process, &status, options);
  while (ended < 0 && errno == EINTR);
  if (ended == 0) return 0;
  *signal = ended > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  *code = ended > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  return 1;
}

int chost_finish(int32_t process, int64_t milliseconds, int *signal, int *code) {
  int64_t deadline = now_in_milliseconds() + milliseconds;
  for (;;) {
    if (collect(process, WNOHANG, signal, code)) return 0;
    if (now_in_milliseconds() >= deadline) break;
    struct timespec pause = {0, 1000000};
    nanosleep(&pause, NULL);
  }
  // Not collected yet, so the number still names our child.
  kill(process, SIGKILL);
  collect(process, 0, signal, code);
  return 1;
}

// MARK: In the child

int chost_limit_memory(uint64_t byteCount) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_DATA, &limit) != 0) return -errno;
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < byteCount) return 0;
  limit.rlim_cur = limit.rlim_max = (rlim_t)byteCount;
  return setrlimit(RLIMIT_DATA, &limit) == 0 ? 0 : -errno;
}

static void *watch(void *argument) {
  int control = (int)(intptr_t)argument;
  for (;;) {
    struct pollfd source = {control, 0, 0};
    int count = poll(&source, 1, -1);
    if (count > 0 && source.revents) _exit(3);
    if (count < 0 && errno != EINTR) return NULL;
  }
}

// PR_SET_PDEATHSIG would end the child when the parent's *thread* that started it ends, and thread
// pools end idle threads; so a thread of our own watches the socket.
int chost_exit_when_closed(int control) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 64 * 1024 > PTHREAD_STACK_MIN ? 64 * 1024 : PTHREAD_STACK_MIN);
  pthread_t thread;
  int error = pthread_create(&thread, &attributes, watch, (void *)(intptr_t)control);
  pthread_attr_destroy(&attributes);
  return -error;
}

// MARK: Standard error

static pthread_mutex_t capture_turn = PTHREAD_MUTEX_INITIALIZER;

static int begin_capture(int *saved) {
  *saved = fcntl(2, F_DUPFD_CLOEXEC, 10);
  if (*saved < 0) return -errno;
  int file = chost_memory_create();
  fflush(stderr);
  if (file < 0 || dup2(file, 2) < 0) {
    int error = file < 0 ? -file : errno;
    chost_close(file);
    close(*saved);
    return -error;
  }
  return file;
}

int chost_capture_begin(int *saved) {
  pthread_mutex_lock(&capture_turn);
  int file = begin_capture(saved);
  if (file < 0) pthread_mutex_unlock(&capture_turn);
  return file;
}

int64_t chost_capture_end(int file, int saved, void *text, size_t capacity) {
  fflush(stderr);
  dup2(saved, 2);
  close(saved);
  ssize_t count = pread(file, text, capacity, 0);
  int error = errno;
  close(file);
  pthread_mutex_unlock(&capture_turn);
  return count < 0 ? -error : count;
}

void chost_write_error(const void *text, size_t byteCount) {
  size_t done = 0;
  while (done < byteCount) {
    ssize_t count = write(2, (const char *)text + done, byteCount - done);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    done += (size_t)count;
  }
}

// MARK: Files

int chost_is_file(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

int chost_executable_path(char *path, size_t capacity) {
#ifdef __APPLE__
  uint32_t size = (uint32_t)capacity;
  return _NSGetExecutablePath(path, &size) == 0 ? 0 : -ENAMETOOLONG;
#else
  ssize_t count = readlink("/proc/self/exe", path, capacity - 1);
  if (count < 0) return -errno;
  path[count] = 0;
  return 0;
#endif
}

// MARK: Words

int chost_can_load(const char *name) { return dlopen(name, RTLD_LAZY | RTLD_LOCAL) != NULL; }


const char *chost_signal_name(int signal) {
  switch (signal) {
    case SIGABRT: return "SIGABRT";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGILL: return "SIGILL";
    case SIGKILL: return "SIGKILL";
    case SIGSEGV: return "SIGSEGV";
    case SIGTERM: return "SIGTERM";
    case SIGTRAP: return "SIGTRAP";
    case SIGXCPU: return "SIGXCPU";
    case SIGINT: return "SIGINT";
    case SIGPIPE: return "SIGPIPE";
    case SIGSYS: return "SIGSYS";
    default: return "signal";
  }
}

void chost_error_text(int error, char *text, size_t capacity) {
#if defined(__GLIBC__)
  char words[256];
  snprintf(text, capacity, "%s", strerror_r(error, words, sizeof words));
#else
  if (strerror_r(error, text, capacity) != 0) snprintf(text, capacity, "error %d", error);
#endif
}
