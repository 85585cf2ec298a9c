// What the modules that an app links need of the operating system: files, memory maps, clocks, threads.
// POSIX; the few calls that only Linux has are in this module's one C file. Unless said otherwise, a
// function returns a value of 0 or more, or a negated errno.
#pragma once

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// MARK: Files

/// What a path names.
enum { CSYSTEM_ABSENT = 0, CSYSTEM_FILE = 1, CSYSTEM_FOLDER = 2, CSYSTEM_STREAM = 3, CSYSTEM_OTHER = 4 };

/// The kind of what is at `path`: one of the constants above; a device or a pipe is a stream.
int csystem_kind(const char *path);
int csystem_open_read(const char *path);
/// Opens a device or a pipe for writing.
int csystem_open_write(const char *path);
/// Creates a file that does not exist yet.
int csystem_create(const char *path);
/// The size of an open regular file; -EISDIR or -EINVAL for anything else.
int64_t csystem_file_size(int file);
/// Writes at most `byteCount` bytes; returns how many were written. Interrupted calls are repeated.
int64_t csystem_write(int file, const void *_Nullable bytes, size_t byteCount);
/// Cuts the file and goes on writing at its new end.
int csystem_truncate(int file, int64_t byteCount);
/// Starts bringing bytes to the disk, or where they are there, lets go of their memory. Advice only.
void csystem_hand_over(int file, int64_t offset, int64_t byteCount);
int csystem_close(int file);
int csystem_rename(const char *from, const char *to);
int csystem_remove(const char *path);
int32_t csystem_process(void);

/// Maps a file for reading; NULL with `*error` set where that fails.
const void *_Nullable csystem_map(int file, size_t byteCount, int *error);
/// Memory of this process alone, zeroed, which takes room only where it is touched.
void *_Nullable csystem_reserve(size_t byteCount, int *error);
void csystem_unmap(const void *start, size_t byteCount);
/// Tells that all of a mapped file will be read.
void csystem_expect_all(const void *start, size_t byteCount);
/// Tells that the bytes of a mapped file will not be needed soon.
void csystem_forget(const void *start, size_t byteCount);

// MARK: Time and resources

/// Nanoseconds since 1970.
uint64_t csystem_wall_time(void);
/// Nanoseconds of a clock that never goes back.
uint64_t csystem_monotonic_time(void);
/// Nanoseconds of processor time that the calling thread has taken.
uint64_t csystem_thread_time(void);

typedef struct {
  int64_t residentBytes;         // -1 where unknown
  int64_t peakBytes;             // -1 where unknown
  uint64_t processorNanoseconds; // user and system, all threads
} csystem_usage;
void csystem_read_usage(csystem_usage *usage);

/// The machine's model, as far as the system tells it, and the system with its version.
void csystem_describe(char *machine, size_t machineCapacity, char *system, size_t systemCapacity);

// MARK: Threads

typedef struct csystem_thread csystem_thread;
/// Starts a thread that runs `body(context)`; NULL with `*error` set where that fails.
csystem_thread *_Nullable csystem_thread_start(
    const char *name, void (*body)(void *_Nullable), void *_Nullable context, int *error);
/// Waits for the thread's end and frees it.
void csystem_thread_join(csystem_thread *thread);
void csystem_sleep(uint64_t nanoseconds);

/// A lock with a condition to wait for.
typedef struct csystem_gate csystem_gate;
csystem_gate *csystem_gate_create(void);
void csystem_gate_free(csystem_gate *gate);
void csystem_gate_lock(csystem_gate *gate);
void csystem_gate_unlock(csystem_gate *gate);
/// Releases the lock, waits for a notification or until the time is over, and locks again. 0 waits without limit.
void csystem_gate_wait(csystem_gate *gate, uint64_t nanoseconds);
/// Wakes all who wait.
void csystem_gate_notify(csystem_gate *gate);

/// The system's words for an errno.
void csystem_error_text(int error, char *text, size_t capacity);

#pragma clang assume_nonnull end
