#define _GNU_SOURCE
#include "CSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach/mach.h>
#include <sys/sysctl.h>
#endif

// MARK: Files

int csystem_kind(const char *path) {
  struct stat status;
  if (stat(path, &status) != 0) return errno == ENOENT ? CSYSTEM_ABSENT : -errno;
  if (S_ISREG(status.st_mode)) return CSYSTEM_FILE;
  if (S_ISDIR(status.st_mode)) return CSYSTEM_FOLDER;
  return S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode) ? CSYSTEM_STREAM : CSYSTEM_OTHER;
}

static int opened(int file) { return file < 0 ? -errno : file; }

int csystem_open_read(const char *path) { return opened(open(path, O_RDONLY | O_CLOEXEC)); }
int csystem_open_write(const char *path) { return opened(open(path, O_WRONLY | O_CLOEXEC)); }
int csystem_create(const char *path) {
  return opened(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
}

int64_t csystem_file_size(int file) {
  struct stat status;
  if (fstat(file, &status) != 0) return -errno;
  if (S_ISDIR(status.st_mode)) return -EISDIR;
  return S_ISREG(status.st_mode) ? status.st_size : -EINVAL;
}

int64_t csystem_write(int file, const void *bytes, size_t byteCount) {
  // Some systems refuse more at once.
  if (byteCount > 1 << 30) byteCount = 1 << 30;
  for (;;) {
    ssize_t count = write(file, bytes, byteCount);
    if (count >= 0) return count;
    if (errno != EINTR) return -errno;
  }
}

int csystem_truncate(int file, int64_t byteCount) {
  if (ftruncate(file, byteCount) != 0) return -errno;
  return lseek(file, byteCount, SEEK_SET) < 0 ? -errno : 0;
}

void csystem_hand_over(int file, int64_t offset, int64_t byteCount) {
#ifdef POSIX_FADV_DONTNEED
  posix_fadvise(file, offset, byteCount, POSIX_FADV_DONTNEED);
#else
  (void)file, (void)offset, (void)byteCount;
#endif
}

int csystem_close(int file) { return close(file) != 0 ? -errno : 0; }
int csystem_rename(const char *from, const char *to) { return rename(from, to) != 0 ? -errno : 0; }
int csystem_remove(const char *path) { return unlink(path) != 0 ? -errno : 0; }
int32_t csystem_process(void) { return getpid(); }

static void *mapped(void *start, int *error) {
  *error = start == MAP_FAILED ? errno : 0;
  return start == MAP_FAILED ? NULL : start;
}

const void *csystem_map(int file, size_t byteCount, int *error) {
  return mapped(mmap(NULL, byteCount, PROT_READ, MAP_SHARED, file, 0), error);
}

void csystem_expect_all(const void *start, size_t byteCount) {
#ifdef MADV_HUGEPAGE
  // Pages that come in one by one, in no order, stay small and then cost more to map than to read.
  madvise((void *)start, byteCount, MADV_HUGEPAGE);
#else
  madvise((void *)start, byteCount, MADV_SEQUENTIAL);
#endif
}

void *csystem_reserve(size_t byteCount, int *error) {
  return mapped(
      mmap(NULL, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0), error);
}

void csystem_unmap(const void *start, size_t byteCount) { munmap((void *)start, byteCount); }

void csystem_forget(const void *start, size_t byteCount) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uintptr_t first = ((uintptr_t)start + page - 1) / page * page;
  uintptr_t end = ((uintptr_t)start + byteCount) / page * page;
  if (first < end) madvise((void *)first, end - first, MADV_DONTNEED);
}

// MARK: Time and resources

static uint64_t nanoseconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t csystem_wall_time(void) { return nanoseconds(CLOCK_REALTIME); }
uint64_t csystem_monotonic_time(void) { return nanoseconds(CLOCK_MONOTONIC); }
uint64_t csystem_thread_time(void) { return nanoseconds(CLOCK_THREAD_CPUTIME_ID); }

#ifdef __linux__
static int64_t status_size(const char *text, const char *key) {
  const char *line = strstr(text, key);
  return line ? strtoll(line + strlen(key), NULL, 10) * 1024 : -1;
}
#endif

void csystem_read_usage(csystem_usage *usage) {
  struct rusage all;
  usage->residentBytes = -1;
  usage->peakBytes = -1;
  usage->processorNanoseconds = 0;
  if (getrusage(RUSAGE_SELF, &all) == 0) {
    usage->processorNanoseconds =
        ((uint64_t)all.ru_utime.tv_sec + (uint64_t)all.ru_stime.tv_sec) * 1000000000u +
        ((uint64_t)all.ru_utime.tv_usec + (uint64_t)all.ru_stime.tv_usec) * 1000u;
  }
#if defined(__linux__)
  // ru_maxrss of a spawned child starts at its parent's size; VmHWM belongs to the program that runs now.
  char text[4096];
  int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  if (count <= 0) return;
  text[count] = 0;
  usage->residentBytes = status_size(text, "\nVmRSS:");
  usage->peakBytes = status_size(text, "\nVmHWM:");
#elif defined(__APPLE__)
  mach_task_basic_info_data_t info;
  mach_msg_type_number_t size = MACH_TASK_BASIC_INFO_COUNT;
  if (task_info(mach_task_self(), MACH_TASK_BASIC_INFO, (task_info_t)&info, &size) == KERN_SUCCESS) {
    usage->residentBytes = (int64_t)info.resident_size;
    usage->peakBytes = (int64_t)info.resident_size_max;
  }
#endif
}

void csystem_describe(char *machine, size_t machineCapacity, char *system, size_t systemCapacity) {
  struct utsname name;
  if (uname(&name) != 0) {
    snprintf(machine, machineCapacity, "unknown");
    snprintf(system, systemCapacity, "unknown");
    return;
  }
  snprintf(machine, machineCapacity, "%s", name.machine);
  snprintf(system, systemCapacity, "%s %s", name.sysname, name.release);
#ifdef __APPLE__
  size_t size = machineCapacity;
  sysctlbyname("hw.machine", machine, &size, NULL, 0);
#endif
}

// MARK: Threads

struct csystem_thread {
  pthread_t thread;
  void (*body)(void *);
  void *context;
  char name[16];
};

static void *run(void *argument) {
  csystem_thread *thread = argument;
#if defined(__APPLE__)
  pthread_setname_np(thread->name);
#elif defined(__linux__)
  pthread_setname_np(pthread_self(), thread->name);
#endif
  thread->body(thread->context);
  return NULL;
}

csystem_thread *csystem_thread_start(
    const char *name, void (*body)(void *), void *context, int *error) {
  csystem_thread *thread = calloc(1, sizeof *thread);
  if (!thread) {
    *error = ENOMEM;
    return NULL;
  }
  thread->body = body;
  thread->context = context;
  snprintf(thread->name, sizeof thread->name, "%s", name);
  *error = pthread_create(&thread->thread, NULL, run, thread);
  if (*error != 0) {
    free(thread);
    return NULL;
  }
  return thread;
}

void csystem_thread_join(csystem_thread *thread) {
  pthread_join(thread->thread, NULL);
  free(thread);
}

void csystem_sleep(uint64_t duration) {
  struct timespec time = {(time_t)(duration / 1000000000u), (long)(duration % 1000000000u)};
  nanosleep(&time, NULL);
}

struct csystem_gate {
  pthread_mutex_t mutex;
  pthread_cond_t condition;
};

csystem_gate *csystem_gate_create(void) {
  csystem_gate *gate = malloc(sizeof *gate);
  if (!gate) abort();
  pthread_mutex_init(&gate->mutex, NULL);
#ifdef __APPLE__
  pthread_cond_init(&gate->condition, NULL);
#else
  // Setting the wall clock must not make anyone wait longer.
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&gate->condition, &attributes);
  pthread_condattr_destroy(&attributes);
#endif
  return gate;
}

void csystem_gate_free(csystem_gate *gate) {
  pthread_cond_destroy(&gate->condition);
  pthread_mutex_destroy(&gate->mutex);
  free(gate);
}

void csystem_gate_lock(csystem_gate *gate) { pthread_mutex_lock(&gate->mutex); }
void csystem_gate_unlock(csystem_gate *gate) { pthread_mutex_unlock(&gate->mutex); }

void csystem_gate_wait(csystem_gate *gate, uint64_t duration) {
  if (duration == 0) {
    pthread_cond_wait(&gate->condition, &gate->mutex);
    return;
  }
#ifdef __APPLE__
  uint64_t end = duration;
#else
  uint64_t end = csystem_monotonic_time() + duration;
#endif
  struct timespec time = {(time_t)(end / 1000000000u), (long)(end % 1000000000u)};
#ifdef __APPLE__
  pthread_cond_timedwait_relative_np(&gate->condition, &gate->mutex, &time);
#else
  pthread_cond_timedwait(&gate->condition, &gate->mutex, &time);
#endif
}

void csystem_gate_notify(csystem_gate *gate) { pthread_cond_broadcast(&gate->condition); }

void csystem_error_text(int error, char *text, size_t capacity) {
#if defined(__GLIBC__)
  char buffer[128];
  snprintf(text, capacity, "%s", strerror_r(error, buffer, sizeof buffer));
#else
  if (strerror_r(error, text, capacity) != 0) snprintf(text, capacity, "error %d", error);
#endif
}
